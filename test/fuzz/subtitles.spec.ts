import { expect } from 'chai'
import fc from 'fast-check'
import { SrtToVtt } from '../../lib/http/srt-to-vtt.js'
import { SubtitleText } from '../../lib/http/subtitle-text.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'

const SRT = '1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Größe</i> & {\\an8}more\r\n\r\n2\n01:00:00,1 --> 01:00:02\nx\n'

describe('fuzz: subtitles', () => {
  it('end in WebVTT, of which only times hold an arrow, the same however they are cut', async () => {
    const seeds = [Buffer.from(SRT), Buffer.from(SRT, 'latin1'), Buffer.from(`\ufeff${SRT}`, 'utf16le')]
    const files = fc.oneof(
      damaged(seeds),
      fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))
    )
    await fuzz(
      fc.property(files, fc.nat(200), (bytes, at) => {
        const text = convert(bytes)
        expect(convert(bytes.subarray(0, at), bytes.subarray(at))).to.equal(text)
        expect(text.startsWith('WEBVTT\n')).to.equal(true)
        const arrows = text.split('\n').filter(line => line.includes('-->'))
        for (const line of arrows) expect(line).to.match(/^[\d:.]+ --> [\d:.]+$/)
      }),
      2000
    )
  })
})

function convert(...chunks: Buffer[]): string {
  const [decoder, converter] = [new SubtitleText(), new SrtToVtt()]
  const parts = chunks.map(chunk => converter.push(decoder.decode(chunk)))
  return parts.join('') + converter.push(decoder.end()) + converter.end()
}
