import { expect } from 'chai'
import fc from 'fast-check'
import { MetainfoError } from '../../lib/errors.js'
import * as limits from '../../lib/limits.js'
import { parseMagnet } from '../../lib/metainfo/magnet.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'

const links = [
  `magnet:?xt=urn:btih:${'cd'.repeat(20)}&dn=a%20name&tr=udp%3A%2F%2Ft.example%3A80&x.pe=[::1]:45&so=0,2-4&ws=http://w/`,
  `magnet:///?xt=urn:btmh:1220${'ab'.repeat(32)}&xt.1=urn:btih:2I2UAEFDZJFN4W3UE65QSOTCUOEZ744B&tr.0=http://a/announce`,
  '2I2UAEFDZJFN4W3UE65QSOTCUOEZ744B'
]

describe('fuzz: magnet links', () => {
  const words = fc
    .array(
      fc.constantFrom(
        'magnet:?',
        '&',
        '=',
        'xt',
        'urn:btih:',
        'ab',
        '%',
        '%2',
        '%41',
        'so',
        '1-',
        '9',
        ',',
        'tr.',
        'x.pe',
        '+'
      ),
      {
        maxLength: 60
      }
    )
    .map(parts => parts.join(''))
  const inputs = fc.oneof(
    damaged(links.map(link => Buffer.from(link))).map(bytes => bytes.toString('utf8')),
    words.map(text => `${links[0]}&${text}`),
    words,
    fc.string({ maxLength: 200 })
  )

  it('ends in a magnet within its limits, or in a MetainfoError', async () => {
    await fuzz(
      fc.property(inputs, text => {
        try {
          const magnet = parseMagnet(text)
          expect(magnet.infoHash).to.have.lengthOf(20)
          expect(magnet.trackers.length).to.be.at.most(limits.MAX_TRACKERS)
          expect(magnet.name ?? 'x').to.match(/^[^\p{Cc}/]+$/u)
        } catch (error) {
          if (!(error instanceof MetainfoError)) throw error
        }
      }),
      1000
    )
  })
})
