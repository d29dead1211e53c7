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
  await runCommand(
    options,
    async session => {
      const output = openStandardOutput(options)
      session.signal.addEventListener('abort', () => output.discard(), { once: true })
      if (options.tar && options.file) throw new UsageError('--tar has all files: say either --tar or --file')
      let index = 0
      const choose = (metainfo: Metainfo, linked?: readonly number[]): number[] => {
        index = chooseOne(filesOf(metainfo), options.file, linked).index
        return [index]
      }
      const torrent = await session.open(source, { only: options.tar ? () => undefined : choose })
      const payload = options.tar ? torrent.tar : torrent.file(index)
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
    },
    { usesOutput: true }
  )
}
