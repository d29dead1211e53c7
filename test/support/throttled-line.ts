/** A line of a certain rate to somebody who is too near: what comes from there is passed on no faster; what goes there is not held up. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

const SLICE_MS = 20

export class ThrottledLine {
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
        void line.#pass(far, near, (bytesPerSecond * SLICE_MS) / 1000)
      }).listen(0, '127.0.0.1')
    )
    await once(line.#server, 'listening')
    return line
  }

  /** `ip:port`. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
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

  async #pass(from: Socket, to: Socket, bytesPerSlice: number): Promise<void> {
    const timer = setInterval(() => {
      const chunk = (from.read(Math.min(from.readableLength, Math.floor(bytesPerSlice))) ?? undefined) as
        Buffer | undefined
      if (chunk) to.write(chunk)
    }, SLICE_MS)
    await once(to, 'close')
    clearInterval(timer)
  }
}
