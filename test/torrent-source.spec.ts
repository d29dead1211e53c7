import { expect } from 'chai'
import { once } from 'node:events'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MAX_TORRENT_BYTES } from '../lib/limits.js'
import { openTorrent, readMetainfo } from '../lib/torrent-open.js'
import type { TorrentSource } from '../lib/torrent-source.js'
import { makeTorrent } from './support/make-torrent.js'
import { noLeaks } from './support/no-leaks.js'
import { rejection } from './support/rejection.js'

const made = makeTorrent({ name: 'x', data: Buffer.from('content'), pieceLength: 16_384 })

describe('readMetainfo', function () {
  let folder: string
  let path: string
  let server: Server
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bt-source-'))
    path = join(folder, 'x #1.torrent')
    writeFileSync(path, made.torrent)
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  async function serve(listener: RequestListener): Promise<string> {
    server = createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.torrent`
  }
  async function stop(): Promise<void> {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }

  it('reads a path, a file URL as text or object, bytes, and what it gave before', async () => {
    const url = pathToFileURL(path)
    const metainfo = await readMetainfo(path)
    expect(await readMetainfo(metainfo)).to.equal(metainfo)
    const sources: TorrentSource[] = [path, url, url.href, made.torrent, new Uint8Array(made.torrent)]
    for (const source of sources) {
      expect((await readMetainfo(source)).infoHash.toString('hex')).to.equal(made.infoHash)
    }
  })

  it('reads an HTTP URL as text or object', async () => {
    const url = await serve((_, response) => response.end(made.torrent))
    for (const source of [url, new URL(url)]) {
      expect((await readMetainfo(source)).infoHash.toString('hex')).to.equal(made.infoHash)
    }
    await stop()
  })

  it('says which source could not be read', async () => {
    const url = await serve((_, response) => response.writeHead(404).end())
    const missing = join(folder, 'missing')
    for (const source of [url, missing, folder, '']) {
      const error = await rejection(readMetainfo(source))
      expect(error, source).to.have.property('code', 'ERR_BT_SOURCE')
      // Of a URL only what holds no secret is shown.
      const shown = source === url ? new URL(url).origin : source
      expect(error.message).to.contain(shown)
    }
    await stop()
  })

  it('refuses what is no source', async () => {
    const wrong: unknown[] = [1, undefined, null, {}, [], true]
    for (const source of wrong) {
      const error = await rejection(readMetainfo(source as TorrentSource))
      expect(error).to.have.property('code', 'ERR_BT_SOURCE')
    }
  })

  it('reads a file up to the limit and not beyond', async () => {
    truncateSync(path, MAX_TORRENT_BYTES)
    expect((await readMetainfo(path)).infoHash.toString('hex')).to.equal(made.infoHash)
    truncateSync(path, MAX_TORRENT_BYTES + 1)
    expect(await rejection(readMetainfo(path))).to.have.property('code', 'ERR_BT_METAINFO_TOO_LARGE')
  })

  it('ends with ERR_BT_ABORTED when the signal comes while a server keeps openTorrent waiting', async () => {
    const abort = new AbortController()
    const url = await serve(() => abort.abort(new Error('changed my mind')))
    const error = await rejection(openTorrent(url, { signal: abort.signal }))
    expect(error).to.have.property('code', 'ERR_BT_ABORTED')
    expect(error.cause).to.have.property('message', 'changed my mind')
    await stop()
  })

  noLeaks(this)
})
