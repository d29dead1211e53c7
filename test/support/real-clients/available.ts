/** Which of the foreign programs are installed. Where BT_FORBID_SKIP is 1 (in `.ci/run`) a missing one fails its tests. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { skipUnless, succeeds } from '../needs.js'
import { PYTHON } from './libtorrent.js'

/** Skips the test, or in a `before` hook the whole suite, unless the program is in the path. */
export function requireProgram(context: Mocha.Context, command: string, debianPackage: string): void {
  require(context, installedPath(command) !== undefined, command, debianPackage)
}

/** The same for libtorrent, which is a module of Python. */
export function requireLibtorrent(context: Mocha.Context): void {
  require(context, succeeds(PYTHON, ['-c', 'import libtorrent']), 'libtorrent', 'python3-libtorrent')
}

function require(context: Mocha.Context, present: boolean, name: string, debianPackage: string): void {
  const need = `${name}: apt-get install ${debianPackage}`
  if (!present && process.env['BT_FORBID_SKIP'] === '1') throw new Error(`needs ${need} (BT_FORBID_SKIP is set)`)
  skipUnless(context, present, need)
}

/** Where the program is, if it is in the path. */
export function installedPath(command: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map(folder => join(folder, command)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
