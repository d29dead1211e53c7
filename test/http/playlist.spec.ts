import { expect } from 'chai'
import { playlist } from '../../lib/http/playlist.js'
import { servedTorrent } from '../support/served-torrent.js'

const BASE = 'http://h:1/secret/'
const infoHash = 'a'.repeat(40)

describe('a playlist', () => {
  const torrent = servedTorrent([
    ['films/a b.mkv', 'x'],
    ['notes.txt', 'x'],
    ['b\r\nhttp:evil\n\u2028.mp3', 'x']
  ])

  it('has a line for each name and URL of media, whatever the name holds', () => {
    expect([...playlist([torrent], BASE)].join('')).to.equal(
      [
        '#EXTM3U',
        '#EXTINF:-1,a b.mkv',
        `${BASE}${infoHash}/0/a%20b.mkv`,
        '#EXTINF:-1,b  http:evil  .mp3',
        `${BASE}${infoHash}/2/b%0D%0Ahttp%3Aevil%0A%E2%80%A8.mp3`,
        ''
      ].join('\n')
    )
  })

  it('is of one file when asked, whatever it is', () => {
    expect([...playlist([torrent], BASE, 1)].join('')).to.equal(
      `#EXTM3U\n#EXTINF:-1,notes.txt\n${BASE}${infoHash}/1/notes.txt\n`
    )
  })
})
