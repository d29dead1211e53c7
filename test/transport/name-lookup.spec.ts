import { expect } from 'chai'
import { NameLookup } from '../../lib/transport/name-lookup.js'
import { rejection } from '../support/rejection.js'
import { settled, VirtualClock } from '../support/virtual-clock.js'

describe('NameLookup', () => {
  let clock: VirtualClock
  let asked: string[]
  let answers: ((addresses: string[]) => void)[]
  let names: NameLookup

  beforeEach(() => {
    clock = new VirtualClock()
    asked = []
    answers = []
    names = new NameLookup({
      clock,
      lookup: host => {
        asked.push(host)
        return new Promise(resolve => answers.push(resolve))
      }
    })
  })

  it('takes addresses as they are, without asking anybody', async () => {
    expect(await names.resolve('1.2.3.4')).to.deep.equal(['1.2.3.4'])
    expect(await names.resolve('[::FFFF]')).to.deep.equal(['::ffff'])
    expect(asked).to.deep.equal([])
  })

  it('finds localhost by the system', async () => {
    expect(await new NameLookup().resolve('localhost')).to.include.oneOf(['127.0.0.1', '::1'])
  })

  it('runs two lookups at a time and one for the same name', async () => {
    const results = ['a', 'b', 'b', 'c', 'd'].map(host => names.resolve(host))
    await settled()
    expect(asked).to.deep.equal(['a', 'b'])
    answers[1]!(['1.1.1.1'])
    await settled()
    expect(asked).to.deep.equal(['a', 'b', 'c'])
    answers[0]!(['2.2.2.2'])
    answers[2]!(['3.3.3.3', '::3'])
    await settled()
    answers[3]!(['4.4.4.4'])
    const found = await Promise.all(results)
    expect(found).to.deep.equal([['2.2.2.2'], ['1.1.1.1'], ['1.1.1.1'], ['3.3.3.3', '::3'], ['4.4.4.4']])
    expect(clock.pendingTimers).to.equal(0)
  })

  it('waits 5 s, and keeps the turn of a lookup that the system still works on', async () => {
    const slow = [rejection(names.resolve('slow1')), rejection(names.resolve('slow2'))]
    const waiting = names.resolve('waiting')
    await clock.advance(5000)
    for (const error of await Promise.all(slow)) expect(error).to.have.property('kind', 'timeout')
    expect(asked).to.deep.equal(['slow1', 'slow2'])
    answers[0]!([])
    await settled()
    answers[2]!(['1.1.1.1'])
    expect(await waiting).to.deep.equal(['1.1.1.1'])
  })

  it('waits 10 s for its turn', async () => {
    const results = ['a', 'b', 'c'].map(host => rejection(names.resolve(host)))
    await clock.advance(10_000)
    expect((await results[2]!).message).to.equal('too many slow name lookups')
    expect(clock.pendingTimers).to.equal(0)
  })

  it('is left at once by a caller who gives up', async () => {
    const controller = new AbortController()
    const result = rejection(names.resolve('a', controller.signal))
    await settled()
    controller.abort(new Error('enough'))
    expect((await result).message).to.equal('enough')
  })

  it('refuses what is no name, has no address, or is not found', async () => {
    expect(await rejection(names.resolve(''))).to.have.property('kind', 'network')
    expect(await rejection(names.resolve('x'.repeat(254)))).to.have.property('kind', 'network')
    const empty = rejection(names.resolve('empty'))
    await settled()
    answers[0]!(['fe80::1%eth0', 'nonsense'])
    expect((await empty).message).to.equal('empty has no address')
    const failing = new NameLookup({ clock, lookup: () => Promise.reject(new Error('ENOTFOUND')) })
    expect(await rejection(failing.resolve('gone'))).to.have.property('message', 'gone was not found')
    expect(await rejection(failing.resolve('gone'))).to.have.property('kind', 'network')
  })

  it('takes 16 addresses of a name', async () => {
    const result = names.resolve('many')
    await settled()
    answers[0]!(Array.from({ length: 40 }, (_, index) => `1.1.1.${index}`))
    expect(await result).to.have.length(16)
  })
})
