/**
 * What some tests need of the machine. Where it is missing the test is skipped and its title says why. Owns no knowledge of foreign
 * programs: see `real-clients/available.ts`.
 */
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { openSync, writeSync, closeSync } from 'node:fs'

/** Skips the test, or in a `before` hook all tests of the suite and of suites in it, unless the thing is present. */
export function skipUnless(context: Mocha.Context, present: boolean, need: string): void {
  if (present) return
  const current = context.test
  const isHook = current !== undefined && 'type' in current && current.type === 'hook'
  for (const test of isHook ? testsOf(current.parent) : [current]) if (test) test.title += ` (skipped: needs ${need})`
  context.skip()
}

/** An IPv6 loopback address. */
export async function needsIpv6Loopback(context: Mocha.Context): Promise<void> {
  skipUnless(context, await canBind('udp6', '::1'), '::1')
}

/** More of 127/8 than its first address: macOS has no other. */
export async function needsSecondLoopback(context: Mocha.Context): Promise<void> {
  skipUnless(context, await canBind('udp4', '127.0.0.2'), '127.0.0.2')
}

export function needsNetworkNamespaces(context: Mocha.Context): void {
  skipUnless(context, succeeds('unshare', ['--net', 'true']), 'network namespaces (unshare --net)')
}

/** A device that is always full. */
export function needsDevFull(context: Mocha.Context): void {
  skipUnless(context, isAlwaysFull('/dev/full'), '/dev/full')
}

/**
 * A user whom permissions stop: root may write everywhere. Returns what `spawn` needs to run a program as such a user: nothing for
 * most of us, `nobody` when this is root.
 */
export function needsUnprivilegedUser(context: Mocha.Context): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) {
    skipUnless(context, process.getuid !== undefined, 'POSIX users')
    return {}
  }
  const [uid, gid] = ['-u', '-g'].map(flag =>
    Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout || NaN)
  )
  const found = uid !== undefined && gid !== undefined && uid > 0 && gid > 0
  skipUnless(context, found, 'a user other than root')
  return found ? { uid, gid } : {}
}

/** True when the program starts and ends with exit code 0. */
export function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

function testsOf(suite: Mocha.Suite | undefined): Mocha.Test[] {
  return suite ? [...suite.tests, ...suite.suites.flatMap(testsOf)] : []
}

async function canBind(type: 'udp4' | 'udp6', address: string): Promise<boolean> {
  const socket = createSocket(type)
  try {
    socket.bind(0, address)
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}

function isAlwaysFull(path: string): boolean {
  let fd: number | undefined
  try {
    fd = openSync(path, 'w')
    writeSync(fd, 'x')
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOSPC'
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
