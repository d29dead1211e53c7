/** Where the conformance data of other projects lies, if it is there at all. Tests that need it are skipped by name without it. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder in BT_CONFORMANCE, else `../shared/conformance` beside the project. */
export function conformanceDir(): string | undefined {
  const beside = fileURLToPath(new URL('../../../../shared/conformance', import.meta.url))
  const dir = process.env['BT_CONFORMANCE'] ?? beside
  return existsSync(dir) ? dir : undefined
}
