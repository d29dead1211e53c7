/** Where the conformance data of others is, if it is there at all; tests that need it are skipped by name where it is not. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '../../..')

export function conformanceDir(): string | undefined {
  const folder = process.env['BT_CONFORMANCE'] ?? join(projectRoot, '../shared/conformance')
  return existsSync(folder) ? folder : undefined
}
