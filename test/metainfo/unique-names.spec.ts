import { expect } from 'chai'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { MAX_NAME_PROBES } from '../../lib/limits.js'
import { uniquePaths } from '../../lib/metainfo/unique-names.js'
import { conformanceDir } from '../support/conformance.js'
import { metainfoErrorOf } from '../support/thrown.js'

describe('uniquePaths', () => {
  it('renames the second of two names that some file system takes for one', () => {
    expect(uniquePaths(['a.txt', 'A.TXT'])).to.deep.equal(['a.txt', 'A.1.TXT'])
    expect(uniquePaths(['caf\u00e9', 'cafe\u0301'])).to.deep.equal(['caf\u00e9', 'cafe\u0301.1'])
    expect(uniquePaths(['straße', 'STRASSE', 'Σς', 'σΣ'])).to.deep.equal(['straße', 'STRASSE.1', 'Σς', 'σΣ.1'])
    expect(uniquePaths(['d/a', 'D/A'])).to.deep.equal(['d/a', 'D/A.1'])
    expect(uniquePaths(['\u1fb4', '\u03b1\u0345\u0301'])).to.deep.equal(['\u1fb4', '\u03b1\u0345\u0301.1'])
  })

  it('lets a folder keep its name, wherever it comes from', () => {
    expect(uniquePaths(['a', 'a/b/c', 'A/B'])).to.deep.equal(['a.1', 'a/b/c', 'A/B.1'])
  })

  it('does not give a name that another file has', () => {
    expect(uniquePaths(['a', 'a.1', 'a', 'a'])).to.deep.equal(['a', 'a.1', 'a.2', 'a.3'])
    expect(uniquePaths(['a', 'a', 'a.1'])).to.deep.equal(['a', 'a.1', 'a.1.1'])
    expect(uniquePaths(['.x', '.x', 'd.e/f', 'd.e/f'])).to.deep.equal(['.x', '.x.1', 'd.e/f', 'd.e/f.1'])
  })

  it(`tries at most ${MAX_NAME_PROBES} names`, () => {
    const same = (count: number) => Array<string>(count).fill('x')
    expect(new Set(uniquePaths(same(MAX_NAME_PROBES))).size).to.equal(MAX_NAME_PROBES)
    expect(metainfoErrorOf(() => uniquePaths(same(MAX_NAME_PROBES + 1))).code).to.equal('ERR_BT_METAINFO')
  })

  it('takes time in proportion to the names', () => {
    const paths = Array.from({ length: 100_000 }, (_, i) => `${i % 250}/${Math.floor(i / 500)}.txt`)
    const before = performance.now()
    expect(new Set(uniquePaths(paths)).size).to.equal(paths.length)
    expect(performance.now() - before).to.be.below(2000)
  })

  it('leaves no two paths in conflict', () => {
    const element = fc.constantFrom('a', 'A', 'a.1', 'b.x', 'B.X', 'b.1.x', 'é', 'e\u0301', 'É')
    const path = fc.array(element, { minLength: 1, maxLength: 3 }).map(elements => elements.join('/'))
    fc.assert(
      fc.property(fc.array(path, { maxLength: 30 }), paths => {
        const folded = uniquePaths(paths).map(each => each.normalize('NFC').toLowerCase())
        expect(new Set(folded).size).to.equal(paths.length)
        for (const one of folded) expect(folded.some(other => other.startsWith(`${one}/`))).to.equal(false)
      }),
      { numRuns: 500 }
    )
  })
})

describe('uniquePaths: conformance vectors', () => {
  const dir = conformanceDir()
  if (!dir) return void it.skip('the conformance data is missing')
  const vectors = JSON.parse(readFileSync(`${dir}/vectors.json`, 'utf8')) as {
    duplicate_names: { cases: { in: string[]; out: string[] }[] }
  }
  for (const vector of vectors.duplicate_names.cases) {
    it(vector.in.join(', '), () => expect(uniquePaths(vector.in)).to.deep.equal(vector.out))
  }
})
