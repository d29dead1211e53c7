/** Where the conformance data of other projects lies, if it is there at all. Tests that need it are skipped by name without it. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder in BT_CONFORMANCE, else `../shared/conformance` beside the project. */
export function conformanceDir(): string | undefined {
  const beside = fileURLToPath(new URL('../../../../shared/conformance', import.meta.url))
  const dir = process.env['BT_CONFORMANCE'] ?? beside
  return existsSync(dir) ? dir : undefined
}

/** The vectors of this name; skips the test when the data is not there. */
export function conformanceVectors(context: Mocha.Context, name: string): unknown {
  const dir = conformanceDir()
  if (dir === undefined) return context.skip()
  const all = JSON.parse(readFileSync(join(dir, 'vectors.json'), 'utf8')) as Record<string, unknown>
  return all[name]
}

/** A recorded packet; skips the test when the data is not there. */
export function conformancePacket(context: Mocha.Context, name: string): Buffer {
  const dir = conformanceDir()
  return dir === undefined ? context.skip() : readFileSync(join(dir, 'packets', name))
}
