/** `bt-stream get <source> -o DIR`: files to disk. */
import type { Metainfo } from '../../lib/index.js'
import { chooseMany, filesOf } from '../file-choice.js'
import { totalsOption, type GetOptions } from '../options.js'
import { runCommand } from '../session.js'
import { tellBudget, tellStart } from '../start.js'
import { watchTorrent } from '../watch.js'

export async function get(source: string, options: GetOptions): Promise<void> {
  await runCommand(options, async session => {
    const { output: dir, overwrite = false, file: names } = options
    const only = names && { only: (metainfo: Metainfo) => chooseMany(filesOf(metainfo), names) }
    const torrent = await session.open(source, { dir, overwrite, ...only, ...totalsOption(options) })
    tellStart(session, 'get', torrent.metainfo)
    tellBudget(session, torrent)
    const goal = () => {
      const { verified, wanted } = torrent.stats()
      return { done: verified, total: wanted }
    }
    const stopWatching = watchTorrent(torrent, session.messages, goal)
    try {
      await torrent.download()
    } catch (error) {
      const { done, total } = goal()
      if (session.signal.aborted && done > 0) session.messages.say({ event: 'kept', bytes: done, total })
      throw error
    } finally {
      stopWatching()
    }
    const { verified } = torrent.stats()
    session.messages.say({ event: 'done', bytes: verified, elapsedMs: session.elapsedMs, verified: true })
  })
}
