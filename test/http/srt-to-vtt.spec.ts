import { expect } from 'chai'
import fc from 'fast-check'
import { SrtToVtt } from '../../lib/http/srt-to-vtt.js'
import { MAX_SUBTITLE_LINE } from '../../lib/limits.js'

function convert(...parts: string[]): string {
  const converter = new SrtToVtt()
  return parts.map(part => converter.push(part)).join('') + converter.end()
}

const SRT = `1
00:00:01,500 --> 00:00:04,000
Hello <b>there</b>

2
00:01:02,5 --> 1:02:03.250 X1:0 Y1:0
{\\an8}<font color="red">Tom & Jerry</font>
-- a --> b < c
1984

3
00:00:05,000 --> 00:00:06,000
last`

const VTT = `WEBVTT

00:00:01.500 --> 00:00:04.000
Hello <b>there</b>

00:01:02.500 --> 01:02:03.250
Tom &amp; Jerry
-- a --&gt; b &lt; c
1984

00:00:05.000 --> 00:00:06.000
last
`

describe('SubRip as WebVTT', () => {
  it('keeps times and text, of the markup what WebVTT has, and nothing that could become more', () => {
    expect(convert(SRT)).to.equal(VTT)
  })

  it('is the same however it is cut, and whatever ends its lines', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const text = SRT.replaceAll('\n', end)
      expect(convert(text), JSON.stringify(end)).to.equal(VTT)
      expect(convert(...text.split('')), JSON.stringify(end)).to.equal(VTT)
      for (let i = 0; i <= text.length; i++) expect(convert(text.slice(0, i), text.slice(i)), `${i}`).to.equal(VTT)
    }
  })

  it('keeps a number that is text, also the last', () => {
    expect(convert('00:00:01,000 --> 00:00:02,000\n42')).to.equal('WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n42\n')
  })

  it('has no text that is before all times, and no cue within a cue', () => {
    expect(
      convert('noise\n\nmore --> noise\n00:00:01,000 --> 00:00:02,000\na\n00:00:03,000 --> 00:00:04,000\nb')
    ).to.equal('WEBVTT\n\n00:00:01.000 --> 00:00:02.000\na\n\n00:00:03.000 --> 00:00:04.000\nb\n')
  })

  it('is WebVTT, however empty', () => {
    expect(convert()).to.equal('WEBVTT\n')
  })

  it('cuts a line that is too long, and holds no more than one', () => {
    const text = convert(
      '00:00:01,000 --> 00:00:02,000\n',
      ...Array.from({ length: 100 }, () => 'x'.repeat(1000)),
      '\nend'
    )
    expect(text).to.equal(`WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n${'x'.repeat(MAX_SUBTITLE_LINE)}\nend\n`)
  })

  it('never makes an arrow or a tag that was not meant, from any text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\n', '\r', '00:00:01,000 --> 00:00:02,000\n', '-->', '<i>', '<script>', '&', '7')
    )
    fc.assert(
      fc.property(fc.array(piece), parts => {
        const text = convert(...parts)
        expect(text).to.equal(convert(parts.join('')))
        expect(text.startsWith('WEBVTT\n')).to.equal(true)
        for (const line of text.split('\n')) {
          if (line.includes('-->')) expect(line).to.match(/^\d{2,3}:\d\d:\d\d\.\d{3} --> \d{2,3}:\d\d:\d\d\.\d{3}$/)
          expect(line.replace(/<\/?[biu]>/gi, '')).not.to.include('<')
        }
      }),
      { numRuns: 500 }
    )
  })
})
