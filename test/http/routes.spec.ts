import { expect } from 'chai'
import {
  filePath,
  filePlaylistPath,
  isTarName,
  originForm,
  routeOf,
  subtitlesPath,
  tarPath
} from '../../lib/http/routes.js'
import { servedTorrent } from '../support/served-torrent.js'

const infoHash = '0123456789abcdef0123456789abcdef01234567'

describe('the routes', () => {
  it('lead back to what their URLs were made for, whatever the name', () => {
    const names = ['a.mkv', 'x/größe <1>#?%.mkv', '\ud800.mkv', '..', 'c:\\d']
    const torrent = servedTorrent(
      names.map(name => [name, ''] as const),
      { infoHash, name: 'a/b ü' }
    )
    for (const index of names.keys()) {
      expect(routeOf(`/${filePath(torrent, index)}`)).to.deep.equal({ type: 'file', infoHash, index })
      expect(routeOf(`/${subtitlesPath(torrent, index)}`)).to.deep.equal({ type: 'subtitles', infoHash, index })
      expect(routeOf(`/${filePlaylistPath(torrent, index)}`)).to.deep.equal({ type: 'filePlaylist', infoHash, index })
    }
    expect(routeOf(`/${tarPath(torrent)}`)).to.deep.equal({ type: 'archive', infoHash })
  })

  it('take the name of an archive however it is encoded, and no other', () => {
    const torrent = servedTorrent([], { infoHash, name: 'b ü (1)' })
    for (const path of ['/b%20%C3%BC%20(1).tar', '/b%20%c3%bc%20%281%29.tar', '/b ü (1).tar']) {
      expect(isTarName(torrent, path), path).to.equal(true)
    }
    for (const path of ['/b%20%C3%BC%20(1)', '/b%20%FC%20(1).tar', '/%.tar', 'b%20%C3%BC%20(1).tar', '/']) {
      expect(isTarName(torrent, path), path).to.equal(false)
    }
  })

  it('heed no query and no fragment', () => {
    expect(routeOf('/?x=/api')).to.deep.equal({ type: 'page' })
    expect(routeOf('/api?x')).to.deep.equal({ type: 'api' })
    expect(routeOf('/events#x')).to.deep.equal({ type: 'events' })
    expect(routeOf(`/${infoHash}/3?t=1`)).to.deep.equal({ type: 'file', infoHash, index: 3 })
  })

  for (const path of [
    '',
    '*',
    '//',
    '/../api',
    `/${infoHash}`,
    `/${infoHash}/`,
    `/${infoHash}/-1`,
    `/${infoHash}/1/a/b`
  ]) {
    it(`know nothing of "${path}"`, () => expect(routeOf(path)).to.deep.equal({ type: 'other', path }))
  }

  it('are found in absolute URLs, too, which say the host', () => {
    expect(originForm('http://h:1/a?b')).to.deep.equal({ path: '/a?b', host: 'h:1' })
    expect(originForm('HTTPS://h')).to.deep.equal({ path: '/', host: 'h' })
    expect(originForm('/http://h/')).to.deep.equal({ path: '/http://h/', host: undefined })
  })
})
