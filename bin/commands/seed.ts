/** `bt-stream seed <source> --dir DIR`: serves what is on disk until it is stopped, or has given what it was to give. */
import { once } from 'node:events'
import { StorageError, type Torrent } from '../../lib/index.js'
import { UsageError } from '../exit-code.js'
import { totalsOption, type SeedOptions } from '../options.js'
import { ownFolderHint } from '../own-folder.js'
import { runCommand, type Session } from '../session.js'
import { tellStart } from '../start.js'
import { watchTorrent } from '../watch.js'

/** How often it is looked whether enough was given. */
const LOOK_MS = 250

export async function seed(source: string, options: SeedOptions): Promise<void> {
  await runCommand(options, async session => {
    if (options.discovery === false && options.peer === undefined)
      throw new UsageError('with --no-discovery nobody finds this seed: name the peers to serve with --peer')
    const { dir, superSeed = false } = options
    const torrent = await session.open(source, {
      dir,
      readOnly: true,
      superSeeding: superSeed,
      ...totalsOption(options)
    })
    tellStart(session, 'seed', torrent.metainfo)
    watchTorrent(torrent, session.messages)
    await torrent.ready()
    const { verified, length } = torrent.stats()
    if (verified === 0 && length > 0) {
      const hint = ownFolderHint(dir, torrent.metainfo)
      throw new StorageError('ERR_BT_DISK', `nothing of this torrent is in ${dir}${hint}`)
    }
    if (superSeed && !torrent.isComplete)
      session.messages.say({ event: 'warning', message: 'not all of the torrent is here: it is seeded as usual' })
    session.messages.say({ event: 'serving', have: verified, length })
    try {
      await untilGiven(torrent, session, options)
    } catch (error) {
      if (session.signal.aborted) tellGiven(session, torrent)
      throw error
    }
    tellGiven(session, torrent)
  })
}

function tellGiven({ messages, elapsedMs }: Session, torrent: Torrent): void {
  const { uploaded, uploadedEver, length } = torrent.stats()
  messages.say({ event: 'seeded', uploaded, ratio: uploadedEver / Math.max(1, length), elapsedMs })
}

/** Resolves when the ratio or the time is reached. Rejects when the torrent fails, or with the session's end. */
async function untilGiven(torrent: Torrent, session: Session, { ratio, time }: SeedOptions): Promise<void> {
  const startedAt = performance.now()
  const stop = new AbortController()
  const signal = AbortSignal.any([session.signal, stop.signal])
  const failure = once(torrent, 'failure', { signal }) as Promise<[Error]>
  let look: NodeJS.Timeout | undefined
  const given = new Promise<void>(resolve => {
    if (ratio === undefined && time === undefined) return
    look = setInterval(() => {
      const isEnough = ratio !== undefined && torrent.stats().uploadedEver >= ratio * torrent.length
      const isLong = time !== undefined && performance.now() - startedAt >= time
      if (isEnough || isLong) resolve()
    }, LOOK_MS)
  })
  try {
    const failed = await Promise.race([failure, given])
    if (failed) throw failed[0]
  } finally {
    clearInterval(look)
    stop.abort()
    await failure.catch(() => undefined)
  }
}
