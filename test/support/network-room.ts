/**
 * A network namespace with addresses outside 127/8, made for one suite and taken down after it: some programs dial nobody on loopback.
 * Nothing gets in or out. Needs root and `ip` of iproute2. Knows nothing of BitTorrent.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { ChildProgram } from './child-program.js'

const LISTEN_STATE = '0A'

export class NetworkRoom {
  /** For `ip netns` and the `netns` of programs. */
  readonly netns: string

  readonly #prefix: string | undefined

  private constructor(netns: string, prefix: string | undefined) {
    this.netns = netns
    this.#prefix = prefix
  }

  /**
   * Has the addresses that `hostAt` gives for 1 to `count`; who dials without naming one has the first. `prefix`, as in `10.78`: each
   * address is in a /24 of its own.
   */
  static open(count: number, prefix?: string): NetworkRoom {
    const room = new NetworkRoom(`bt-room-${process.pid}${Date.now() % 1000}`, prefix)
    ip('netns', 'add', room.netns)
    try {
      for (let place = 1; place <= count; place++) {
        ip('-n', room.netns, 'address', 'add', `${room.hostAt(place)}/24`, 'dev', 'lo')
      }
      ip('-n', room.netns, 'link', 'set', 'lo', 'up')
    } catch (error) {
      room.close()
      throw error
    }
    return room
  }

  readonly hostAt = (place: number): string =>
    this.#prefix === undefined ? `10.99.0.${place}` : `${this.#prefix}.${place}.1`

  close(): void {
    ip('netns', 'delete', this.netns)
  }
}

/** Whether somebody listens on this TCP port in the namespace of a program that runs; found out without connecting. */
export function isListening(program: ChildProgram, port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  try {
    const tables = ['tcp', 'tcp6'].map(table => readFileSync(`/proc/${program.pid}/net/${table}`, 'latin1'))
    return tables
      .join('\n')
      .split('\n')
      .some(line => {
        const [, local, , state] = line.trim().split(/\s+/)
        return local?.endsWith(wanted) === true && state === LISTEN_STATE
      })
  } catch {
    return false // it has ended
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' })
}
