/** `bt-stream get <source> -o DIR`: files to disk. */
import { chooseMany, filesOf } from '../file-choice.js'
import type { GetOptions } from '../options.js'
import { runCommand } from '../session.js'
import { tellBudget, tellStart } from '../start.js'
import { watchTorrent } from '../watch.js'

export async function get(source: string, options: GetOptions): Promise<void> {
  await runCommand(options, async session => {
    const metainfo = await session.readSource(source)
    const only = chooseMany(filesOf(metainfo), options.file)
    const { output: dir, overwrite = false } = options
    const torrent = await session.open(metainfo, { dir, overwrite, ...(only && { only }) })
    tellStart(session, 'get', metainfo)
    tellBudget(session, torrent)
    const goal = () => {
      const { verified, wanted } = torrent.stats()
      return { done: verified, total: wanted }
    }
    const stopWatching = watchTorrent(torrent, session.messages, goal)
    try {
      await torrent.download()
    } finally {
      stopWatching()
    }
    const { verified } = torrent.stats()
    session.messages.say({ event: 'done', bytes: verified, elapsedMs: session.elapsedMs, verified: true })
  })
}
