/** A line of a certain rate to somebody who is too near: what comes from there is passed on no faster; what goes there is not held up. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const SLICE_MS = 20

export class ThrottledLine {
  /** Bytes that were passed on to who is too near. */
  passed = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** `to`: `ip:port`. The rate is of each connection. */
  static async open(to: string, bytesPerSecond: number): Promise<ThrottledLine> {
    const end = to.lastIndexOf(':')
    const line: ThrottledLine = new ThrottledLine(
      createServer({ noDelay: true }, near => {
        const far = connect(Number(to.slice(end + 1)), to.slice(0, end))
        line.#join(near, far)
        near.pipe(far)
        line.#pass(far, near, bytesPerSecond).catch(() => undefined) // One of them went away.
      }).listen(0, '127.0.0.1')
    )
    await once(line.#server, 'listening')
    return line
  }

  /** `ip:port`. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resolves when nobody is connected. */
  async whenIdle(): Promise<void> {
    for (;;) {
      const [socket] = this.#sockets
      if (!socket) return
      await once(socket, 'close')
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Neither outlives the other. */
  #join(...ends: readonly [Socket, Socket]): void {
    for (const socket of ends) {
      this.#sockets.add(socket)
      socket
        .on('error', () => undefined)
        .once('close', () => {
          this.#sockets.delete(socket)
          for (const each of ends) each.destroy()
        })
    }
  }

  /** In slices, so that a slow line is slow all the time and not fast now and then. */
  async #pass(from: Socket, to: Socket, bytesPerSecond: number): Promise<void> {
    const slice = Math.max(1, Math.floor((bytesPerSecond * SLICE_MS) / 1000))
    let dueAt = performance.now()
    for await (const chunk of from as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += slice) {
        const part = chunk.subarray(at, at + slice)
        dueAt = Math.max(dueAt, performance.now() - SLICE_MS) + (part.length * 1000) / bytesPerSecond
        if (dueAt - performance.now() >= 1) await delay(dueAt - performance.now())
        if (to.destroyed) return
        this.passed += part.length
        if (!to.write(part)) await Promise.race([once(to, 'drain'), once(to, 'close')])
      }
    }
  }
}
