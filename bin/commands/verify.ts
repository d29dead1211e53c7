/** `bt-stream verify <source> --dir DIR`: says which files of a torrent are whole. Changes nothing, asks nobody. */
import { verifyTorrent, type VerifiedFile } from '../../lib/index.js'
import { UnverifiedError } from '../exit-code.js'
import { chooseMany, filesOf } from '../file-choice.js'
import { onceInAWhile } from '../messages/now-and-then.js'
import type { VerifyOptions } from '../options.js'
import { ownFolderHint } from '../own-folder.js'
import { runCommand, type Session } from '../session.js'
import { tellStart } from '../start.js'

export async function verify(source: string, options: VerifyOptions): Promise<void> {
  await runCommand(options, async session => {
    const metainfo = await session.readSource(source)
    tellStart(session, 'verify', metainfo)
    const { messages, signal } = session
    const { isComplete, files } = await verifyTorrent(metainfo, {
      dir: options.dir,
      signal,
      ...(options.file && { only: chooseMany(filesOf(metainfo), options.file) }),
      onProgress: onceInAWhile(messages.progressEveryMs, (checked: number, total: number) => {
        messages.say({ event: 'checking', checked, total })
      })
    })
    tellFiles(session, files)
    if (isComplete) return
    const hint = files.every(({ state }) => state === 'missing') ? ownFolderHint(options.dir, metainfo) : ''
    throw new UnverifiedError(files.filter(({ state }) => state !== 'whole').length, files.length, hint)
  })
}

function tellFiles({ messages, elapsedMs }: Session, files: readonly VerifiedFile[]): void {
  for (const file of files) messages.say({ event: 'file', ...file })
  const isAll = files.every(({ state }) => state === 'whole')
  const bytes = files.reduce((sum, { verified }) => sum + verified, 0)
  const total = files.reduce((sum, { length }) => sum + length, 0)
  if (isAll) messages.say({ event: 'done', bytes, elapsedMs, verified: true })
  else messages.say({ event: 'verified', bytes, total })
}
