/** `bt-stream play <source>`: serves a film on loopback, starts a player on it, and ends with the player. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { isMedia, type Metainfo, type Torrent } from '../../lib/index.js'
import { PlayerError, UsageError } from '../exit-code.js'
import { chooseOne, filesOf, linkedOf } from '../file-choice.js'
import type { FileFacts } from '../messages/events.js'
import type { PlayOptions } from '../options.js'
import { runCommand } from '../session.js'
import { tellBudget, tellStart } from '../start.js'
import { watchTorrent } from '../watch.js'

/** Tried in this order when none is named. */
const PLAYERS = ['mpv', 'vlc', 'ffplay'] as const

export async function play(source: string, options: PlayOptions): Promise<void> {
  await runCommand(
    options,
    async session => {
      const player = options.player ?? installedPlayer()
      let index = 0
      const choose = (metainfo: Metainfo, linked?: readonly number[]): number[] => {
        const files = filesOf(metainfo)
        index = (options.file ? chooseOne(files, options.file) : largestMedia(linkedOf(files, linked))).index
        return [index]
      }
      const torrent = await session.open(source, { only: choose })
      tellStart(session, 'play', torrent.metainfo)
      tellBudget(session, torrent)
      const server = await torrent.serve()
      const url = server.urlOf(torrent, index)
      watchTorrent(torrent, session.messages)
      session.messages.say({ event: 'http', url })
      // No shell: nothing in a name can become a command. What the player prints is not payload.
      const child = spawn(player, [url], { stdio: ['inherit', 2, 'inherit'] })
      session.signal.addEventListener('abort', () => child.kill(), { once: true })
      await untilEnd(child, player, torrent)
    },
    { usesOutput: true }
  )
}

/** Resolves when the player ended well. Rejects with what ended it, or ends it with what ended the torrent. */
async function untilEnd(child: ChildProcess, player: string, torrent: Torrent): Promise<void> {
  let failure: Error | undefined
  torrent.once('failure', error => {
    failure = error
    child.kill()
  })
  const [exitCode, signal] = (await once(child, 'exit').catch((error: unknown) => {
    throw new UsageError(`cannot start ${player}: ${(error as Error).message}`)
  })) as [number | null, string | null]
  if (failure) throw failure
  if (exitCode !== 0) throw new PlayerError(`${player} ended with ${signal ?? `exit code ${exitCode}`}`)
}

function largestMedia(files: readonly FileFacts[]): FileFacts {
  const media = files.filter(({ path }) => isMedia(path))
  const [largest] = media.sort((a, b) => b.length - a.length)
  if (!largest) throw new UsageError('no file of this torrent looks like a film or music: choose one with --file')
  return largest
}

function installedPlayer(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = PLAYERS.find(name => folders.some(folder => isExecutable(join(folder, name))))
  if (!found) throw new UsageError(`none of ${PLAYERS.join(', ')} is installed: name a player with --player`)
  return found
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
