/** Which process this is, so that another one can tell later whether it still runs: a pid alone is given to others again. */
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'

export interface ProcessIdentity {
  readonly pid: number
  /** When the process began, in ticks since boot; empty where the system does not tell. */
  readonly started: string
  /** Names one run of the machine; empty where the system does not tell. */
  readonly boot: string
  readonly host: string
}

/** This process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, started: await startOf(process.pid), boot: await bootOf(), host: hostname() }
}

/** False only when that process has certainly ended. One on another host counts as running: we cannot see it. */
export async function mayRun(other: ProcessIdentity): Promise<boolean> {
  if (other.host !== hostname()) return true
  if (other.boot !== (await bootOf())) return false
  if (!exists(other.pid)) return false
  return other.started === (await startOf(other.pid))
}

/** Identity from parsed JSON, `undefined` when it is none. */
export function asIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { pid, started, boot, host } = value as Partial<Record<keyof ProcessIdentity, unknown>>
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return undefined
  if (typeof started !== 'string' || typeof boot !== 'string' || typeof host !== 'string') return undefined
  return { pid, started, boot, host }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0) // Signal 0 asks only.
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/**
 * Linux: field 22 of /proc/PID/stat; the name in field 2 may hold spaces and brackets, so fields are counted from its end. Empty when the
 * process has ended and only waits for its parent (in a container perhaps for ever) to take notice: none of its threads can write any more.
 */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const hasEnded = (fields[0] === 'Z' || fields[0] === 'X') && Number(fields[17]) <= 1
  return hasEnded ? '' : (fields[19] ?? '')
}

async function bootOf(): Promise<string> {
  const id = await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => '')
  return id.trim()
}
