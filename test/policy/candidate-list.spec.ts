import { expect } from 'chai'
import {
  MAX_CANDIDATES,
  MAX_DIAL_FAILURES,
  HOST_DIALS_MS,
  MAX_HOST_CANDIDATES,
  MAX_HOST_DIALS
} from '../../lib/limits.js'
import { CandidateList, type Candidate, type CandidateSource } from '../../lib/policy/candidate-list.js'
import type { PeerAddress } from '../../lib/wire/peer-address.js'

const at = (host: string, port = 6881): PeerAddress => ({ host, port })
const A = at('198.51.100.1')

describe('CandidateList', () => {
  let list: CandidateList
  beforeEach(() => {
    list = new CandidateList()
  })

  /** Dials fail from time 0 on, each as soon as it may be made: the waits between them, until the address is forgotten. */
  function waits(
    source: CandidateSource,
    most: number,
    gaveData: (attempt: number) => boolean = () => false
  ): number[] {
    list.add([A], source, 0)
    const found: number[] = []
    let now = 0
    for (let attempt = 0; attempt < most; attempt++) {
      const [candidate] = list.due(1, now)
      if (!candidate) break
      list.onDial(candidate, now)
      list.onGone(candidate, gaveData(attempt), now)
      if (!list.get(candidate.address)) break
      const next = candidate.dialAt
      expect(list.due(1, next - 1)).to.deep.equal([])
      found.push(next - now)
      now = next
    }
    return found
  }

  it('keeps that a peer is said to prefer encryption, whoever says so and when', () => {
    const [B] = [at('198.51.100.2')]
    list.add([{ ...A, prefersEncryption: true }, B], 'pex', 0)
    list.add([A], 'tracker', 0)
    expect(list.get(A)).to.deep.include({ address: A, prefersEncryption: true })
    expect(list.get(B)?.prefersEncryption).to.equal(undefined)
    list.add([{ ...B, prefersEncryption: true }], 'pex', 0)
    expect(list.get(B)).to.deep.include({ address: B, prefersEncryption: true })
  })

  it('knows an address once, and dials it at once', () => {
    expect(list.add([A, A, at('::1')], 'tracker', 5)).to.equal(2)
    expect(list.size).to.equal(2)
    expect(list.due(10, 5)).to.have.length(2)
    expect(list.due(1, 5)).to.have.length(1)
    expect(list.due(0, 5)).to.deep.equal([])
  })

  it('does not dial who is connected', () => {
    list.add([A], 'tracker', 0)
    list.onDial(list.get(A) as Candidate, 0)
    expect(list.due(1, 1e9)).to.deep.equal([])
  })

  it(`dials in vain ${MAX_DIAL_FAILURES} times, a minute apart and doubling, then forgets`, () => {
    expect(waits('tracker', 20)).to.deep.equal([60_000, 120_000])
    expect(list.size).to.equal(0)
  })

  it('dials who gave data and hung up after a second, doubling while that fails, and forgets in the end', () => {
    expect(waits('tracker', 30, attempt => attempt === 0)).to.deep.equal(
      Array.from({ length: 9 }, (_, i) => 1000 * 2 ** i)
    )
    expect(list.size).to.equal(0)
  })

  it('dials who gives data each time after a second each time', () => {
    expect(waits('tracker', 5, () => true)).to.deep.equal([1000, 1000, 1000, 1000, 1000])
  })

  it('dials what the user named for ever, every half minute at the least', () => {
    const all = waits('user', 40)
    expect(all).to.have.length(40)
    expect(all.slice(0, 6)).to.deep.equal([1000, 2000, 4000, 8000, 16_000, 30_000])
    expect(all.at(-1)).to.equal(30_000)
  })

  it('dials IPv4 and IPv6 by turns when not all get theirs, however many of one there are', () => {
    list.priorityOf = ({ host }) => (host.includes(':') ? 9 : 1)
    list.add(
      Array.from({ length: 300 }, (_, i) => at(`2001:db8::${i + 1}`)),
      'dht',
      0
    )
    list.add(
      Array.from({ length: 60 }, (_, i) => at(`198.51.100.${i}`)),
      'dht',
      0
    )
    const dial = (count: number): string =>
      list
        .due(count, 0)
        .map(candidate => {
          list.onDial(candidate, 0)
          return candidate.address.host.includes(':') ? '6' : '4'
        })
        .join('')
    expect(dial(100)).to.equal('46'.repeat(50))
    // One at a time, too.
    expect(Array.from({ length: 6 }, () => dial(1)).join('')).to.equal('464646')
    expect(dial(20)).to.equal('46'.repeat(7) + '6'.repeat(6))
  })

  it('dials those with the fewest failures first', () => {
    list.add([A, at('198.51.100.2')], 'user', 0)
    const [first] = list.due(1, 0)
    list.onGone(first as Candidate, false, 0)
    expect(list.due(2, 1e6).map(({ failures }) => failures)).to.deep.equal([0, 1])
  })

  it(`keeps ${MAX_CANDIDATES} and no more, those of the user aside`, () => {
    const many = Array.from({ length: MAX_CANDIDATES + 10 }, (_, i) => at(`10.0.${i >> 8}.${i & 255}`))
    expect(list.add(many, 'tracker', 0)).to.equal(MAX_CANDIDATES)
    expect(list.add([A], 'tracker', 0)).to.equal(0)
    expect(list.add([A], 'user', 0)).to.equal(1)
  })

  it('gives up the least trusted first when it is full, and at once of thousands', () => {
    const many = (first: number, count: number) =>
      Array.from({ length: count }, (_, i) => at(`${first}.0.${i >> 8}.${i & 255}`))
    list.add(many(11, MAX_CANDIDATES / 2), 'pex', 0)
    list.add(many(12, MAX_CANDIDATES / 2), 'dht', 0)
    list.onDial(list.get(at('11.0.0.0')) as Candidate, 0)
    const before = process.cpuUsage()
    expect(list.add(many(13, MAX_CANDIDATES / 2), 'tracker', 0)).to.equal(MAX_CANDIDATES / 2)
    expect(list.get(at('11.0.0.0')), 'connected').to.not.equal(undefined)
    expect(list.get(at('11.0.0.1'))).to.equal(undefined)
    expect(list.get(at('12.0.0.1'))).to.not.equal(undefined)
    expect(list.add(many(14, MAX_CANDIDATES), 'tracker', 0)).to.equal(MAX_CANDIDATES / 2 - 1)
    expect(list.add(many(15, MAX_CANDIDATES), 'lsd', 0)).to.equal(MAX_CANDIDATES - 1)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000, 'milliseconds').to.be.below(180)
    expect(list.size).to.equal(MAX_CANDIDATES)
  })

  it('bans a host with all its ports, those it knows already too', () => {
    list.add([A, at(A.host, 7000), at('198.51.100.2')], 'tracker', 0)
    list.ban(A)
    expect(list.size).to.equal(1)
    expect(list.isBanned(at(A.host, 9))).to.equal(true)
    expect(list.add([at(A.host, 8000)], 'user', 0)).to.equal(0)
  })

  it('bans one port of loopback, where a whole swarm may live', () => {
    for (const host of ['127.0.0.1', '::1']) {
      list.ban(at(host, 1))
      expect(list.isBanned(at(host, 1))).to.equal(true)
      expect(list.isBanned(at(host, 2))).to.equal(false)
    }
  })

  it('does not bring back who was banned while connected', () => {
    list.add([A], 'user', 0)
    const candidate = list.get(A) as Candidate
    list.onDial(candidate, 0)
    list.ban(A)
    list.onGone(candidate, true, 0)
    expect(list.due(1, 1e9)).to.deep.equal([])
  })

  it(`dials one host at most ${MAX_HOST_DIALS} times in ten minutes, whatever ports are named`, () => {
    const ports = Array.from({ length: 500 }, (_, port) => ({ host: '192.0.2.7', port: port + 1 }))
    list.add(ports, 'tracker', 0)
    const first = list.due(100, 0)
    expect(first).to.have.length(MAX_HOST_DIALS)
    for (const candidate of first) list.onDial(candidate, 0)
    expect(list.due(100, HOST_DIALS_MS - 1)).to.deep.equal([])
    expect(list.due(100, HOST_DIALS_MS)).to.have.length(MAX_HOST_DIALS)
  })

  it(`knows ${MAX_HOST_CANDIDATES} addresses of one host, and others beside, however many are named`, () => {
    const ports = (host: string) => Array.from({ length: MAX_CANDIDATES }, (_, i) => at(host, 1000 + i))
    expect(list.add(ports(A.host), 'dht', 0)).to.equal(MAX_HOST_CANDIDATES)
    expect(list.add([at('198.51.100.2')], 'dht', 0)).to.equal(1)
    expect(list.add([at(A.host, 7)], 'pex', 0)).to.equal(0)
    expect(list.add([at(A.host, 7)], 'tracker', 0)).to.equal(1)
    expect(list.size).to.equal(MAX_HOST_CANDIDATES + 1)
    list.forget(at(A.host, 7))
    expect(list.add([at(A.host, 8)], 'dht', 0)).to.equal(1)
    expect(list.add(ports('127.0.0.9').slice(0, 100), 'dht', 0)).to.equal(100)
    expect(list.add(ports(A.host).slice(-100), 'user', 0)).to.equal(100)
  })

  it('keeps nothing of hosts that were dialled long ago and forgotten', () => {
    for (let i = 0; i < 1000; i++) {
      const now = i * HOST_DIALS_MS
      list.add([at(`198.51.${i >> 8}.${i & 255}`)], 'pex', now)
      for (const candidate of list.due(1, now)) {
        list.onDial(candidate, now)
        list.forget(candidate.address)
      }
    }
    expect(list.hostCount).to.be.at.most(1)
  })

  it('dials every address of loopback and every one given by hand', () => {
    list.add(
      Array.from({ length: 20 }, (_, port) => ({ host: '127.0.0.1', port: port + 1 })),
      'tracker',
      0
    )
    list.add(
      Array.from({ length: 20 }, (_, port) => ({ host: '192.0.2.7', port: port + 1 })),
      'user',
      0
    )
    expect(list.due(100, 0)).to.have.length(40)
  })
})
