/** Ports for programs that cannot be told "any port" or that do not say which one they got. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const given = new Set<number>()

/** A port that is free on 127.0.0.1 for TCP and UDP and was not handed out before. Another program may still be faster: retry then. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const free = !given.has(port) && (await isUdpFree(port))
    server.close()
    await once(server, 'close')
    if (free) {
      given.add(port)
      return port
    }
  }
}

/** Starts something on a free port; when that fails, tries once more on another one, as the port may have been taken meanwhile. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  try {
    return await start(await freePort())
  } catch {
    return start(await freePort())
  }
}

/** Tries to connect, or looks as `isThere` does, every 50 ms until somebody listens. False when `isOver` says so first. */
export async function waitForListener(
  { host, port }: { host: string; port: number },
  isOver: () => boolean,
  isThere: () => boolean | Promise<boolean> = () => connects(host, port)
): Promise<boolean> {
  while (!isOver()) {
    if (await isThere()) return true
    await delay(50)
  }
  return false
}

async function connects(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function isUdpFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    socket.bind(port, '127.0.0.1')
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
