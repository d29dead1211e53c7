import { expect } from 'chai'
import { BloomFilter } from '../../../lib/discovery/dht/bloom-filter.js'
import { PeerStore } from '../../../lib/discovery/dht/peer-store.js'
import {
  DHT_MAX_PEERS_OF_HOST,
  DHT_MAX_STORED_PEERS,
  DHT_MAX_STORED_TORRENTS,
  DHT_PEER_MS
} from '../../../lib/limits.js'
import { idOf } from './support.js'

const target = idOf('aa')
const peer = (host: string, port = 1): { host: string; port: number } => ({ host, port })
const host = (n: number): string => `1.2.${n >> 8}.${n & 255}`
const torrent = (n: number) => idOf(n.toString(16).padStart(8, '0'))
const all = (store: PeerStore, id = target, now = 0, family: 4 | 6 = 4) => store.get(id, family, Infinity, () => 0, now)

describe('peers that are stored for others', () => {
  it('are those of the torrent and the family that are asked for', () => {
    const store = new PeerStore()
    store.add(target, peer('1.2.3.4'), false, 0)
    store.add(target, peer('2001:db8::1'), false, 0)
    store.add(idOf('bb'), peer('5.6.7.8'), false, 0)
    expect(all(store)).to.deep.equal([peer('1.2.3.4')])
    expect(all(store, target, 0, 6)).to.deep.equal([peer('2001:db8::1')])
    expect(all(store, idOf('cc'))).to.deep.equal([])
  })

  it(`are ${DHT_MAX_PEERS_OF_HOST} of a host, the last that announced`, () => {
    const store = new PeerStore()
    for (let port = 1; port <= DHT_MAX_PEERS_OF_HOST + 2; port++) store.add(target, peer('1.2.3.4', port), false, 0)
    const ports = Array.from({ length: DHT_MAX_PEERS_OF_HOST }, (_, at) => at + 3)
    expect(all(store)).to.deep.equal(ports.map(port => peer('1.2.3.4', port)))
  })

  it('are forgotten half an hour after they announced', () => {
    const store = new PeerStore()
    store.add(target, peer('1.2.3.4'), false, 0)
    store.add(target, peer('5.6.7.8'), false, 1)
    expect(all(store, target, DHT_PEER_MS - 1)).to.have.length(2)
    expect(all(store, target, DHT_PEER_MS)).to.deep.equal([peer('5.6.7.8')])
    expect(store.filters(target, DHT_PEER_MS + 1)).to.equal(undefined)
  })

  it('stay when they announce again', () => {
    const store = new PeerStore()
    store.add(target, peer('1.2.3.4'), false, 0)
    store.add(target, peer('1.2.3.4'), false, DHT_PEER_MS - 1)
    expect(all(store, target, DHT_PEER_MS)).to.have.length(1)
  })

  it(`are ${DHT_MAX_STORED_PEERS} a torrent: who announced longest ago goes`, () => {
    const store = new PeerStore()
    for (let i = 0; i < DHT_MAX_STORED_PEERS; i++) store.add(target, peer(host(i)), false, 0)
    store.add(target, peer(host(0)), false, 1)
    expect(all(store)).to.have.length(DHT_MAX_STORED_PEERS)
    store.add(target, peer(host(DHT_MAX_STORED_PEERS)), false, 2)
    const hosts = all(store).map(each => each.host)
    expect(hosts).to.have.length(DHT_MAX_STORED_PEERS)
    expect(hosts).to.include.members([host(0), host(2), host(DHT_MAX_STORED_PEERS)])
    expect(hosts).not.to.include(host(1))
  })

  it(`are of ${DHT_MAX_STORED_TORRENTS} torrents: the one announced longest ago goes`, () => {
    const store = new PeerStore()
    for (let i = 0; i < DHT_MAX_STORED_TORRENTS; i++) store.add(torrent(i), peer('1.2.3.4'), false, 0)
    store.add(torrent(0), peer('5.6.7.8'), false, 0)
    expect(store.torrentCount).to.equal(DHT_MAX_STORED_TORRENTS)
    store.add(torrent(DHT_MAX_STORED_TORRENTS), peer('1.2.3.4'), false, 0)
    expect(store.torrentCount).to.equal(DHT_MAX_STORED_TORRENTS)
    expect(all(store, torrent(0))).to.have.length(2)
    expect(all(store, torrent(1))).to.deep.equal([])
    expect(all(store, torrent(2))).to.have.length(1)
  })

  it('never grow, whatever is announced', () => {
    const store = new PeerStore()
    for (let i = 0; i < 20_000; i++) store.add(torrent(i % 3000), peer(host(i % 700), 1 + (i % 9)), i % 2 === 0, i)
    expect(store.torrentCount).to.equal(DHT_MAX_STORED_TORRENTS)
  })

  it('are told a few at a time, any of them', () => {
    const store = new PeerStore()
    for (let i = 0; i < 10; i++) store.add(target, peer(host(i)), false, 0)
    const told = (random: number) => store.get(target, 4, 4, () => random, 0).map(each => each.host)
    expect(told(0)).to.deep.equal([0, 1, 2, 3].map(host))
    expect(told(0.85)).to.deep.equal([8, 9, 0, 1].map(host))
    expect(told(0.999_999)).to.have.length(4)
    expect(store.get(target, 4, 99, () => 0.5, 0)).to.have.length(10)
    expect(store.get(target, 4, 0, () => 0.5, 0)).to.deep.equal([])
  })

  it('of one torrent of both families: neither keeps the other from being told', () => {
    const store = new PeerStore()
    for (let i = 0; i < 30; i++) store.add(target, peer(host(i)), false, 0)
    store.add(target, peer('2001:db8::1'), false, 0)
    expect(store.get(target, 6, 5, () => 0, 0)).to.deep.equal([peer('2001:db8::1')])
  })

  it('are counted by Bloom filters: seeds apart from others, each by its last word', () => {
    const store = new PeerStore()
    expect(store.filters(target, 0)).to.equal(undefined)
    store.add(target, peer('1.2.3.4'), true, 0)
    store.add(target, peer('2001:db8::1'), false, 0)
    store.add(target, peer('5.6.7.8'), false, 0)
    store.add(target, peer('5.6.7.8'), true, 0)
    const [seeds, peers] = [new BloomFilter(), new BloomFilter()]
    for (const each of ['1.2.3.4', '5.6.7.8']) seeds.add(each)
    peers.add('2001:db8::1')
    expect(store.filters(target, 0)).to.deep.equal({ seeds: seeds.bytes, peers: peers.bytes })
  })
})
