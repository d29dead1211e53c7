import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { indexPage } from '../../lib/http/index-page.js'
import { pageAssets } from '../../lib/http/page-assets.js'
import { MAX_PAGE_FILES } from '../../lib/limits.js'
import { servedTorrent } from '../support/served-torrent.js'

describe('the page', () => {
  it('has the largest film in a player, with the subtitles that belong to it', () => {
    const page = indexPage([
      servedTorrent([
        ['a.mp4', 'x'],
        ['film.mkv', 'xyz'],
        ['film.en.srt', 'x'],
        ['song.mp3', 'xx']
      ])
    ])
    const hash = 'a'.repeat(40)
    expect(page).to.include(
      `<video controls playsinline preload="none" src="${hash}/1/film.mkv" aria-label="film.mkv"><track kind="subtitles" src="${hash}/2.vtt" srclang="en" label="en"></video>`
    )
    expect(page.match(/<video/g)).to.have.length(1)
    expect(page).not.to.include('<audio')
  })

  it('has no player for a torrent without media, and one for each that has some', () => {
    expect(indexPage([servedTorrent([['notes.txt', 'x']])])).not.to.include('<video')
    expect(
      indexPage([servedTorrent([['a.mp3', 'x']]), servedTorrent([['b.mp3', 'x']])]).match(/<audio /g)
    ).to.have.length(2)
  })

  it('escapes all that a torrent says', () => {
    const evil = `"><script>alert('1')</script>&\`\${x}`
    const page = indexPage([servedTorrent([[`${evil.replaceAll('/', '')}.mkv`, 'x']], { name: evil })])
    const { style, script } = pageAssets()
    const written = page.replace(style.text, '').replace(script.text, '')
    expect(written.match(/<script>/g)).to.have.length(1)
    expect(written).to.include('&#60;script&#62;alert(&#39;1&#39;)')
    expect(written).not.to.include("alert('1')")
  })

  it('holds the very style and script that its policy lets run', () => {
    const { style, script, policy } = pageAssets()
    const page = indexPage([])
    for (const [tag, text] of [
      ['style', style.text],
      ['script', script.text]
    ] as const) {
      expect(page).to.include(`<${tag}>${text}</${tag}>`)
      expect(policy).to.include(`'sha256-${createHash('sha256').update(text).digest('base64')}'`)
      expect(text).not.to.match(/<\/(?:script|style)/i)
    }
  })

  it('asks nobody else for anything', () => {
    const page = indexPage([servedTorrent([['film.mkv', 'x']])])
    expect(page.match(/(?:src|href)="(?:https?:)?\/\/[^"]*"/g)).to.equal(null)
  })

  it('shows so many files and tells of the others', () => {
    const files = Array.from({ length: MAX_PAGE_FILES + 5 }, (_, i) => [`${i}.txt`, ''] as const)
    const page = indexPage([servedTorrent(files)])
    expect(page.match(/<li data-file/g)).to.have.length(MAX_PAGE_FILES)
    expect(page).to.include('and 5 more')
  })
})
