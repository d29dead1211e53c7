/** `bt-stream <source>`: one file of the torrent to standard output, in order. Nothing is written to disk. */
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
    const metainfo = await session.readSource(source)
    const { index, length } = chooseOne(filesOf(metainfo), options.file)
    const torrent = await session.open(metainfo)
    tellStart(session, 'stream', metainfo)
    tellBudget(session, torrent)
    const goal = () => ({ done: torrent.stats().delivered, total: length })
    const stopWatching = watchTorrent(torrent, session.messages, goal)
    try {
      await torrent.file(index).writeTo(output.sink, { signal: session.signal })
      await output.end()
    } catch (error) {
      throw output.failure ?? error
    } finally {
      stopWatching()
    }
    session.messages.say({ event: 'done', bytes: length, elapsedMs: session.elapsedMs, verified: true })
  })
}
