/** `bt-stream <source>`: one file of the torrent, or all as a tar archive, to standard output, in order. Nothing is written to disk. */
import type { Metainfo } from '../../lib/index.js'
import { UsageError } from '../exit-code.js'
import { chooseOne, filesOf } from '../file-choice.js'
import type { StreamOptions } from '../options.js'
import { runCommand } from '../session.js'
import { openStandardOutput } from '../standard-output.js'
import { tellBudget, tellStart } from '../start.js'
import { watchTorrent } from '../watch.js'

export async function stream(source: string, options: StreamOptions): Promise<void> {
  await runCommand(options, async session => {
    const output = openStandardOutput(options)
    session.signal.addEventListener('abort', () => output.discard(), { once: true })
    if (options.tar && options.file) throw new UsageError('--tar has all files: say either --tar or --file')
    const index = (metainfo: Metainfo): number => chooseOne(filesOf(metainfo), options.file).index
    const torrent = await session.open(source, options.tar ? {} : { only: metainfo => [index(metainfo)] })
    const payload = options.tar ? torrent.tar : torrent.file(index(torrent.metainfo))
    tellStart(session, 'stream', torrent.metainfo)
    tellBudget(session, torrent)
    const goal = () => ({ done: torrent.stats().delivered, total: payload.length })
    const stopWatching = watchTorrent(torrent, session.messages, goal)
    try {
      await payload.writeTo(output.sink, { signal: session.signal })
      await output.end()
    } catch (error) {
      throw output.failure ?? error
    } finally {
      stopWatching()
    }
    session.messages.say({ event: 'done', bytes: payload.length, elapsedMs: session.elapsedMs, verified: true })
  })
}
