/** `ip` of iproute2, by which tests make networks of their own. Needs root. */
import { execFileSync } from 'node:child_process'

export function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' })
}

/** Takes network namespaces down; those that were never made are passed over. */
export function deleteNamespaces(names: readonly string[]): void {
  for (const name of names) {
    try {
      ip('netns', 'delete', name)
    } catch {
      continue
    }
  }
}
