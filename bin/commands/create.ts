/** `bt-stream create PATH...`: a .torrent of files, folders, or standard input. */
import { access, constants, lstat, rename, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { isatty } from 'node:tty'
import { createTorrent, StorageError, type CreatedTorrent, type CreateOptions } from '../../lib/index.js'
import { OutputError, UsageError } from '../exit-code.js'
import { onceInAWhile } from '../messages/now-and-then.js'
import type { CreateCommandOptions } from '../options.js'
import { openStandardOutput } from '../standard-output.js'
import { runCommand, type Session } from '../session.js'

export async function create(paths: readonly string[], options: CreateCommandOptions): Promise<void> {
  await runCommand(options, async session => {
    const isStream = paths.includes('-')
    if (isStream && paths.length > 1) throw new UsageError('standard input becomes a torrent of its own: name - alone')
    if (isStream && isatty(0)) throw new UsageError('standard input is a terminal: pipe the content into it')
    if (isStream && options.name === undefined) throw new UsageError('a torrent of standard input needs --name')
    const expected = options.output ?? `${basename(options.name ?? resolve(paths[0] ?? ''))}.torrent`
    if (expected !== '-') await assertFree(expected, options)
    const created = await createTorrent(isStream ? process.stdin : paths, createOptions(session, options))
    for (const message of created.warnings) session.messages.say({ event: 'warning', message })
    const output = await write(session, created, options)
    const { infoHash, name, length, pieceLength, pieceHashes } = created.metainfo
    session.messages.say({
      event: 'created',
      infoHash: infoHash.toString('hex'),
      name,
      length,
      pieceLength,
      pieces: pieceHashes.length / 20,
      output,
      elapsedMs: session.elapsedMs
    })
  })
}

function createOptions({ messages, signal }: Session, options: CreateCommandOptions): CreateOptions {
  const { name, comment, source, pieceLength, exclude, announce, webSeed, date, ...rest } = options
  const startedAt = performance.now()
  const tell = (done: number, total: number | undefined): void => {
    const rate = Math.round((done * 1000) / Math.max(1, performance.now() - startedAt))
    messages.say({ event: 'hashing', done, total: total ?? null, rate })
  }
  return {
    signal,
    onProgress: onceInAWhile(messages.progressEveryMs, tell, startedAt),
    private: rest.private ?? false,
    padding: rest.padding ?? false,
    ...(name !== undefined && { name }),
    ...(comment !== undefined && { comment }),
    ...(source !== undefined && { source }),
    ...(pieceLength !== undefined && { pieceLength }),
    ...(exclude && { exclude }),
    ...(announce && { trackers: announce.map(tierOf) }),
    ...(webSeed && { webSeeds: webSeed }),
    ...(date && { creationDate: date })
  }
}

/** `url,url` is one tier. A comma may also stand within a URL: it parts two only before a scheme. */
function tierOf(text: string): string[] {
  return text.split(/,(?=[a-z]+:\/\/)/)
}

/** Known before an hour of hashing, not after it. */
async function assertFree(path: string, { overwrite = false }: CreateCommandOptions): Promise<void> {
  const standing = await lstat(path).catch(() => undefined)
  if (standing && !overwrite)
    throw new StorageError('ERR_BT_FILE_EXISTS', `${path} is there already; --overwrite replaces it`)
  if (standing && !standing.isFile()) return
  await access(dirname(path), constants.W_OK).catch((error: unknown) => {
    throw new OutputError(error as Error, path)
  })
}

/** Resolves to the path that was written, or `-`. */
async function write(
  session: Session,
  { bytes, metainfo }: CreatedTorrent,
  options: CreateCommandOptions
): Promise<string> {
  const path = options.output ?? `${metainfo.name}.torrent`
  if (path === '-') {
    const output = openStandardOutput({})
    output.sink.write(bytes)
    await output.end()
    return path
  }
  await assertFree(path, options)
  try {
    await writeWhole(path, bytes, session.signal)
  } catch (error) {
    throw new OutputError(error as Error, path)
  }
  return path
}

/** One that is there is replaced once the new one is whole; a device or a link is written to. Half a .torrent is of no use. */
async function writeWhole(path: string, bytes: Buffer, signal: AbortSignal): Promise<void> {
  const standing = await lstat(path).catch(() => undefined)
  if (standing && !standing.isFile()) {
    await writeFile(path, bytes, { signal })
    return
  }
  const made = standing ? `${path}.${process.pid}.tmp` : path
  try {
    await writeFile(made, bytes, { flag: 'wx', signal })
    if (standing) await rename(made, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await unlink(made).catch(() => undefined)
    throw error
  }
}
