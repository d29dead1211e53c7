import { expect } from 'chai'
import { whySlow, type SlowSnapshot } from '../../lib/policy/why-slow.js'

const usual: SlowSnapshot = {
  peers: 12,
  choking: 3,
  dialling: 0,
  candidates: 40,
  piece: 7,
  owners: 5,
  isReaderSlow: false,
  isDiskSlow: false,
  failures: 0,
  asked: 0,
  holder: undefined
}

describe('whySlow', () => {
  const cases: [snapshot: Partial<SlowSnapshot>, line: string | undefined][] = [
    [{ piece: undefined }, undefined],
    [{ isReaderSlow: true, peers: 0 }, 'reader is slow'],
    [{ isDiskSlow: true, choking: 12 }, 'disk is slow'],
    [{ peers: 0, choking: 0, dialling: 3 }, 'no peer connected; dialling 3'],
    [{ peers: 0, choking: 0 }, 'no peer connected; 40 addresses known'],
    [{ peers: 0, choking: 0, candidates: 1 }, 'no peer connected; 1 address known'],
    [{ peers: 0, choking: 0, candidates: 0 }, 'no peer found'],
    [{ failures: 1 }, 'piece 7 failed its hash once'],
    [{ failures: 3 }, 'piece 7 failed its hash 3 times'],
    [{ owners: 0 }, 'no peer has piece 7 (12 peers connected)'],
    [{ owners: 0, peers: 1, choking: 0 }, 'no peer has piece 7 (1 peer connected)'],
    [{ peers: 1, choking: 1 }, 'the only peer chokes us'],
    [{ choking: 12 }, 'all 12 peers choke us'],
    [{ choking: 11 }, '12 peers, 11 choke us'],
    [{ choking: 6 }, '12 peers, 6 choke us'],
    [{ choking: 5, holder: '127.0.0.1:1' }, 'piece 7 is asked of 127.0.0.1:1'],
    [{}, '12 peers, none sends piece 7']
  ]
  for (const [snapshot, line] of cases) {
    it(`${JSON.stringify(snapshot)}: ${line ?? 'nothing'}`, () => {
      expect(whySlow({ ...usual, ...snapshot })).to.equal(line)
    })
  }
})
