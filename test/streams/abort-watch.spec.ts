import { expect } from 'chai'
import { getEventListeners } from 'node:events'
import { watchAbort } from '../../lib/streams/abort-watch.js'

describe('watchAbort', () => {
  const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

  it('keeps one listener however many watch, and none when the last has gone', () => {
    const { signal } = new AbortController()
    const stops = Array.from({ length: 50 }, () => watchAbort(signal, () => undefined))
    expect(listeners(signal)).to.equal(1)
    for (const stop of stops) {
      expect(listeners(signal)).to.equal(1)
      stop()
      stop()
    }
    expect(listeners(signal)).to.equal(0)
    watchAbort(signal, () => undefined)()
    expect(listeners(signal)).to.equal(0)
  })

  it('calls each watch once, also one function that watches twice, and none that has ended', () => {
    const abort = new AbortController()
    const calls: string[] = []
    const same = (): void => void calls.push('same')
    watchAbort(abort.signal, same)
    watchAbort(abort.signal, same)
    watchAbort(abort.signal, () => {
      calls.push('ends another')
      stopLast()
    })
    const stopLast = watchAbort(abort.signal, () => calls.push('never'))
    watchAbort(abort.signal, () => calls.push('stopped'))()
    abort.abort()
    abort.abort()
    expect(calls).to.have.members(['same', 'same', 'ends another'])
    expect(listeners(abort.signal)).to.equal(0)
  })

  it('does nothing without a signal, or with one that has come already', () => {
    const fail = (): void => expect.fail('called')
    watchAbort(undefined, fail)()
    watchAbort(AbortSignal.abort(), fail)()
  })
})
