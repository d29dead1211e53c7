/** Two network namespaces joined by a cable, made for one test and taken down after it. Needs root and `ip` of iproute2. */
import { execFileSync } from 'node:child_process'
import { startBtStream } from './bt-stream-program.js'
import type { ChildProgram, ProgramOptions } from './child-program.js'

/** Addresses of the two ends. */
const ENDS = [
  { v4: '10.77.0.1/24', v6: 'fd77::1/64' },
  { v4: '10.77.0.2/24', v6: 'fd77::2/64' }
] as const

export type Families = readonly ('v4' | 'v6')[]

export class NetworkPair {
  readonly #names: readonly string[]

  private constructor(names: readonly string[]) {
    this.#names = names
  }

  /** Each end has an address of these families, and nothing else beside its loopback. */
  static open(families: Families): NetworkPair {
    const id = `${process.pid}${Date.now() % 1000}`
    const pair = new NetworkPair([`bt-a-${id}`, `bt-b-${id}`])
    try {
      pair.#set(families)
    } catch (error) {
      pair.close()
      throw error
    }
    return pair
  }

  /** Runs the program under test at one end. */
  run(end: 0 | 1, args: readonly string[], options: ProgramOptions = {}): ChildProgram {
    return startBtStream(args, { name: `bt-stream at end ${end}`, netns: this.#names[end], ...options })
  }

  close(): void {
    for (const name of this.#names) {
      try {
        ip('netns', 'delete', name)
      } catch {
        continue // it was never made
      }
    }
  }

  #set(families: Families): void {
    const [a = '', b = ''] = this.#names
    for (const name of this.#names) ip('netns', 'add', name)
    ip('-n', a, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', b)
    for (const [end, name] of this.#names.entries()) {
      ip('-n', name, 'link', 'set', 'lo', 'up')
      for (const family of families) {
        // Without the search for doubles an IPv6 address can be used at once.
        const more = family === 'v6' ? ['nodad'] : []
        ip('-n', name, 'address', 'add', ENDS[end]?.[family] ?? '', 'dev', 'cable', ...more)
      }
      ip('-n', name, 'link', 'set', 'cable', 'up')
    }
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' })
}
