import { expect } from 'chai'
import { SubtitleText } from '../../lib/http/subtitle-text.js'

function decode(...chunks: Uint8Array[]): string {
  const decoder = new SubtitleText()
  return chunks.map(chunk => decoder.decode(chunk)).join('') + decoder.end()
}

const WORDS = 'Größe – 森 🎬\n'

describe('the text of a subtitle file', () => {
  const swapped = Buffer.from(WORDS, 'utf16le').swap16()
  const files: [kind: string, bytes: Buffer, text: string][] = [
    ['UTF-8', Buffer.from(WORDS), WORDS],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${WORDS}`), WORDS],
    ['UTF-16, little end first', Buffer.from(`\ufeff${WORDS}`, 'utf16le'), WORDS],
    ['UTF-16, big end first', Buffer.concat([Buffer.from([0xfe, 0xff]), swapped]), WORDS],
    ['windows-1252', Buffer.from('Gr\xf6\xdfe \x96 \x80\n', 'latin1'), 'Größe – €\n'],
    ['UTF-8 that is cut at its end', Buffer.from('a\u68ee').subarray(0, 3), 'aæ£'],
    ['one character', Buffer.from('x'), 'x'],
    ['nothing', Buffer.alloc(0), '']
  ]
  for (const [kind, bytes, text] of files) {
    it(`is read from ${kind}, however it is cut`, () => {
      expect(decode(bytes)).to.equal(text)
      expect(decode(...Array.from(bytes, byte => Buffer.of(byte)))).to.equal(text)
      for (let i = 0; i <= bytes.length; i++)
        expect(decode(bytes.subarray(0, i), bytes.subarray(i)), `${i}`).to.equal(text)
    })
  }

  it('turns to windows-1252 where it stops being UTF-8, and holds no chunk', () => {
    const decoder = new SubtitleText()
    const chunk = Buffer.from('für ')
    let text = decoder.decode(chunk)
    chunk.fill(0)
    text += decoder.decode(Buffer.from('f\xfcr', 'latin1')) + decoder.end()
    expect(text).to.equal('für für')
  })
})
