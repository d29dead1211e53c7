import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { needsUnprivilegedUser, skipUnless, succeeds } from './needs.js'

/** A test context of mocha's that only writes down what is done to it. */
function context(test: object): { skipped: number } & Mocha.Context {
  const fake = { test, skipped: 0, skip: () => fake.skipped++ }
  return fake as never
}

describe('needs', () => {
  it('leaves a test alone when the thing is there', () => {
    const here = context({ title: 'a test' })
    skipUnless(here, true, 'air')
    expect(here)
      .to.include({ skipped: 0 })
      .and.deep.include({ test: { title: 'a test' } })
  })

  it('skips a test and writes into its title why', () => {
    const here = context({ title: 'a test' })
    skipUnless(here, false, 'air')
    expect(here)
      .to.include({ skipped: 1 })
      .and.deep.include({ test: { title: 'a test (skipped: needs air)' } })
  })

  it('in a hook skips all tests of the suite and of those in it', () => {
    const tests = [{ title: 'one' }, { title: 'two' }]
    const parent = { tests: [tests[0]], suites: [{ tests: [tests[1]], suites: [] }] }
    skipUnless(context({ type: 'hook', title: 'before', parent }), false, 'air')
    expect(tests.map(test => test.title)).to.deep.equal(['one (skipped: needs air)', 'two (skipped: needs air)'])
  })

  it('gives a user whom permissions stop', function () {
    const user = needsUnprivilegedUser(this)
    const { stdout } = spawnSync('id', ['-u'], { encoding: 'utf8', ...user })
    expect(Number(stdout)).to.be.above(0)
  })

  it('knows programs that succeed, fail and are missing', () => {
    expect(succeeds('true', [])).to.equal(true)
    expect(succeeds('false', [])).to.equal(false)
    expect(succeeds('/nowhere/at/all', [])).to.equal(false)
  })
})
