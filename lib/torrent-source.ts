/** Where a .torrent comes from: bytes, a file, a URL. A magnet link is only told apart: peers have what it stands for. */
import { closeSync, constants, openSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import { MetainfoError, TorrentError } from './errors.js'
import { MAX_TORRENT_BYTES, USER_AGENT } from './limits.js'
import { isMagnet, parseMagnet, type Magnet } from './metainfo/magnet.js'
import { parseMetainfo, type Metainfo } from './metainfo/metainfo.js'

/**
 * Path, `http(s)://` or `file://` URL of a .torrent, a magnet link, an info-hash (40 hexadecimal digits or 32 of base32), the bytes of
 * a .torrent, or what `readMetainfo` made of one of these.
 */
export type TorrentSource = string | URL | Uint8Array | Metainfo

/** The magnet link or info-hash that `source` is; undefined when it is something else. Throws `MetainfoError` for a link that is of no use. */
export function magnetOf(source: TorrentSource): Magnet | undefined {
  const text = source instanceof URL ? source.href : source
  // As it was copied, with blanks or the end of its line.
  return typeof text === 'string' && isMagnet(text) ? parseMagnet(text.trim()) : undefined
}

/** Of anything but a magnet link. Rejects with `MetainfoError`, or with the signal's reason. */
export async function readTorrent(source: TorrentSource, signal?: AbortSignal): Promise<Metainfo> {
  if (!(source instanceof Uint8Array || source instanceof URL || typeof source === 'string')) {
    if (isMetainfo(source)) return source
    throw new MetainfoError('ERR_BT_SOURCE', 'a source is the path, URL or bytes of a .torrent')
  }
  const bytes = source instanceof Uint8Array ? source : await readSource(source, signal)
  return parseMetainfo(bytes, { windows: process.platform === 'win32' })
}

/** Callers in JavaScript may give us anything. */
function isMetainfo(source: unknown): source is Metainfo {
  return typeof source === 'object' && source !== null && 'infoBytes' in source && 'pieceHashes' in source
}

async function readSource(source: string | URL, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const text = typeof source === 'string' ? source : source.href
  if (/^https?:/i.test(text)) return await readUrl(text, signal)
  return await readFile(typeof source === 'string' && !/^file:/i.test(source) ? source : new URL(text), signal)
}

async function readUrl(url: string, signal: AbortSignal | undefined): Promise<Buffer> {
  const { fetchBytes } = await import('./transport/fetch-bytes.js')
  try {
    return await fetchBytes(url, { trust: 'user', maxBytes: MAX_TORRENT_BYTES, userAgent: USER_AGENT, signal })
  } catch (error) {
    signal?.throwIfAborted()
    const { redactUrl } = await import('./policy/redact.js')
    const message = `cannot fetch ${redactUrl(url)}: ${(error as Error).message}`
    throw new MetainfoError('ERR_BT_SOURCE', message, { cause: error })
  }
}

async function readFile(path: string | URL, signal: AbortSignal | undefined): Promise<Buffer> {
  try {
    if ((await stat(path)).isFIFO()) return await readPipe(path, signal)
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > MAX_TORRENT_BYTES) throw tooLarge()
      return await collect(file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>)
    } finally {
      await file.close()
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof MetainfoError) throw error
    throw new MetainfoError('ERR_BT_SOURCE', `cannot read ${String(path)}: ${(error as Error).message}`, {
      cause: error
    })
  }
}

/** A FIFO that nobody writes to holds a thread, and with it the end of the process, for ever: it is waited for as sockets are. */
async function readPipe(path: string | URL, signal: AbortSignal | undefined): Promise<Buffer> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  let socket: Socket
  try {
    socket = new Socket({ fd, readable: true, writable: false })
  } catch (error) {
    closeSync(fd)
    throw error
  }
  const stop = (): void => void socket.destroy(new Error('aborted'))
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return await collect(socket)
  } finally {
    signal?.removeEventListener('abort', stop)
    socket.destroy()
  }
}

/** Never more than the limit is read, whatever the file is. */
async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > MAX_TORRENT_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function tooLarge(): MetainfoError {
  return new MetainfoError('ERR_BT_METAINFO_TOO_LARGE', `a .torrent of more than ${MAX_TORRENT_BYTES} bytes`)
}

/** Throws ERR_BT_ABORTED. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new TorrentError('ERR_BT_ABORTED', 'aborted', { cause: signal.reason })
}
