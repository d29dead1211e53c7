/** The source that a command works on: a path, a URL, a magnet link, or standard input. */
import { isatty } from 'node:tty'
import { MAX_TORRENT_BYTES, MetainfoError, TorrentError, type TorrentSource } from '../lib/index.js'
import { UsageError } from './exit-code.js'

/** As the library takes it; `-` is standard input. Rejects with `MetainfoError`, `UsageError`, or `ERR_BT_ABORTED` when `signal` aborts. */
export async function sourceOf(source: string, signal: AbortSignal): Promise<TorrentSource> {
  if (source === '')
    throw new UsageError('the source is empty: name a path, a URL, a magnet link, or - for standard input')
  if (source !== '-') return source
  try {
    return await readStandardInput(signal)
  } catch (error) {
    if (signal.aborted) throw new TorrentError('ERR_BT_ABORTED', 'aborted', { cause: error })
    throw error
  }
}

/** Never more than a .torrent may hold, whatever comes. */
async function readStandardInput(signal: AbortSignal): Promise<Buffer> {
  if (isatty(0)) throw new UsageError('standard input is a terminal: pipe a .torrent into it')
  const { stdin } = process
  const stop = (): void => void stdin.destroy(new Error('aborted'))
  signal.addEventListener('abort', stop, { once: true })
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of stdin as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > MAX_TORRENT_BYTES) {
        throw new MetainfoError('ERR_BT_METAINFO_TOO_LARGE', `a .torrent of more than ${MAX_TORRENT_BYTES} bytes`)
      }
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof MetainfoError) throw error
    throw new MetainfoError('ERR_BT_SOURCE', `cannot read standard input: ${(error as Error).message}`, {
      cause: error
    })
  } finally {
    signal.removeEventListener('abort', stop)
  }
  return Buffer.concat(chunks)
}
