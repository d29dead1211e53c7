import { expect } from 'chai'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MetainfoError } from '../../lib/errors.js'
import {
  MAX_MAGNET_LENGTH,
  MAX_MAGNET_PEERS,
  MAX_SELECTED_INDEX,
  MAX_TRACKERS,
  MAX_URL_BYTES
} from '../../lib/limits.js'
import { isMagnet, parseMagnet } from '../../lib/metainfo/magnet.js'
import { parsePeerAddress } from '../../lib/wire/peer-address.js'
import { conformanceDir } from '../support/conformance.js'

const HASH = 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd'
const LINK = `magnet:?xt=urn:btih:${HASH}`

/** Its code and words; undefined when the link is taken. */
function refusal(link: string): { code: string; message: string } | undefined {
  try {
    parseMagnet(link)
    return undefined
  } catch (error) {
    if (!(error instanceof MetainfoError)) throw error
    return error
  }
}

interface Vector {
  readonly uri: string
  readonly error?: string
  readonly v1?: string | null
  readonly v2?: string
  readonly name?: string
  readonly trackers?: string[]
  readonly tiers?: number[]
  readonly web_seeds?: string[]
  readonly peers?: string[]
  readonly dht_nodes?: string[]
  readonly selected_files?: number[] | null
}

describe('magnet links of other projects', function () {
  const dir = conformanceDir()
  if (dir === undefined) {
    it('is skipped: no conformance data')
    return
  }
  const { magnet: vectors } = JSON.parse(readFileSync(join(dir, 'vectors.json'), 'utf8')) as { magnet: Vector[] }

  for (const vector of vectors) {
    it(JSON.stringify(vector.uri).slice(0, 110), () => {
      if (vector.error !== undefined) {
        expect(refusal(vector.uri)).to.have.property('code', 'ERR_BT_MAGNET')
        return
      }
      // Differences that docs/conformance.md names: no hash at all, and version 2 alone.
      if (!vector.uri.includes('urn') && !isMagnet(vector.uri.replace('magnet:', ''))) {
        expect(refusal(vector.uri)).to.have.property('code', 'ERR_BT_MAGNET')
        return
      }
      if (vector.v1 === null) {
        expect(refusal(vector.uri)).to.have.property('code', 'ERR_BT_METAINFO_V2_ONLY')
        return
      }
      const magnet = parseMagnet(vector.uri)
      if (vector.v1 !== undefined) expect(magnet.infoHash.toString('hex')).to.equal(vector.v1)
      if (vector.name !== undefined) expect(magnet.name).to.equal(vector.name)
      if (vector.trackers) expect(magnet.trackers.flat()).to.deep.equal(vector.trackers)
      if (vector.tiers) expect(magnet.trackers).to.have.lengthOf(vector.tiers.length)
      if (vector.web_seeds) expect(magnet.webSeeds).to.deep.equal(vector.web_seeds)
      if (vector.peers) expect(magnet.peers.filter(parsePeerAddress)).to.deep.equal(vector.peers)
      if (vector.dht_nodes) expect(magnet.dhtNodes).to.deep.equal(vector.dht_nodes)
      if (vector.selected_files !== undefined) expect(magnet.selected ?? null).to.deep.equal(vector.selected_files)
    })
  }
})

describe('parseMagnet', () => {
  it('takes the info-hash in hex and in base32, in any case, alone too', () => {
    const base32 = '2I2UAEFDZJFN4W3UE65QSOTCUOEZ744B'
    const hex = 'd2354010a3ca4ade5b7427bb093a62a3899ff381'
    for (const hash of [base32, base32.toLowerCase(), hex, hex.toUpperCase()]) {
      expect(parseMagnet(hash).infoHash.toString('hex')).to.equal(hex)
      expect(parseMagnet(`MAGNET:?XT=URN:BTIH:${hash}`).infoHash.toString('hex')).to.equal(hex)
      expect(isMagnet(hash)).to.equal(true)
    }
    expect(isMagnet('film.torrent')).to.equal(false)
    expect(isMagnet(`${hex}.torrent`)).to.equal(false)
  })

  it('refuses two torrents in one link, and takes one that is named twice', () => {
    expect(refusal(`${LINK}&xt=urn:btih:${'ab'.repeat(20)}`)?.message).to.contain('two torrents')
    expect(refusal(`${LINK}&xt.1=urn:btih:${HASH.toUpperCase()}`)).to.equal(undefined)
  })

  it('is refused by name for version 2 alone, and says what is wrong with a version 2 hash', () => {
    expect(refusal(`magnet:?xt=urn:btmh:1220${'cd'.repeat(32)}`)).to.have.property('code', 'ERR_BT_METAINFO_V2_ONLY')
    expect(refusal(`${LINK}&xt=urn:btmh:1220${'cd'.repeat(31)}`)?.message).to.contain('multihash')
  })

  it('keeps names safe, and only hints', () => {
    expect(parseMagnet(`${LINK}&dn=${encodeURIComponent('../../etc/pass\u202ewd\u0007')}`).name).not.to.match(
      /[/\u202e]|\p{Cc}/u
    )
    expect(parseMagnet(`${LINK}&dn=a+b%20c`).name).to.equal('a b c')
    expect(parseMagnet(`${LINK}&dn=..`).name).to.equal(undefined)
    expect(parseMagnet(`${LINK}&dn=%ff%fe`).name).to.equal(undefined)
  })

  it('keeps as many trackers and peers as it may, each once, and URLs that are not too long', () => {
    const many = (key: string, make: (i: number) => string) =>
      Array.from({ length: 300 }, (_, i) => `&${key}=${make(i)}&${key}=${make(i)}`).join('')
    const link = LINK + many('tr', i => `udp://t${i}:1`) + many('x.pe', i => `1.2.3.4:${i + 1}`)
    expect(parseMagnet(link).trackers).to.have.lengthOf(MAX_TRACKERS)
    expect(parseMagnet(link).peers).to.have.lengthOf(MAX_MAGNET_PEERS)
    const url = `http://${'a'.repeat(MAX_URL_BYTES - 7)}`
    expect(parseMagnet(`${LINK}&tr=${url}`).trackers).to.deep.equal([[url]])
    expect(parseMagnet(`${LINK}&tr=${url}a&tr=http://a%0ab`).trackers).to.deep.equal([])
  })

  it('keeps exact sources that are on the web', () => {
    const xs = ['http://a/x.torrent', 'file:///etc/passwd', 'urn:btpk:abc', 'https://b/y.torrent']
    const link = LINK + xs.map(url => `&xs=${encodeURIComponent(url)}`).join('')
    expect(parseMagnet(link).exactSources).to.deep.equal([xs[0], xs[3]])
  })

  it('writes ranges out as far as the limit, and no range that is longer', () => {
    expect(parseMagnet(`${LINK}&so=0-${MAX_SELECTED_INDEX}`).selected).to.have.lengthOf(MAX_SELECTED_INDEX + 1)
    expect(parseMagnet(`${LINK}&so=0-${MAX_SELECTED_INDEX + 1},7`).selected).to.deep.equal([7])
  })

  it('is read up to its greatest length, and not beyond', () => {
    const link = LINK + '&dn=' + 'x'.repeat(MAX_MAGNET_LENGTH - LINK.length - 4)
    expect(refusal(link)).to.equal(undefined)
    expect(refusal(`${link}x`)).to.have.property('code', 'ERR_BT_MAGNET')
  })

  it('finds any info-hash again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), bytes => {
        const hex = Buffer.from(bytes).toString('hex')
        expect(parseMagnet(`magnet:?dn=x&xt=urn:btih:${hex}`).infoHash.toString('hex')).to.equal(hex)
      })
    )
  })

  it('writes a selection out once, however often a link repeats it', () => {
    const so = Array.from({ length: 40_000 }, () => '0-100000').join()
    const { selected } = parseMagnet(`magnet:?xt=urn:btih:${'a'.repeat(40)}&so=${so}&so=3,1-2`)
    expect(selected).to.have.length(100_001)
    expect(selected?.at(-1)).to.equal(100_000)
  })
})
