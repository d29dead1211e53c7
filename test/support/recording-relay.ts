/** Passes connections on to a port, and keeps what went over each of them. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export interface Recorded {
  /** From who dialled. */
  readonly there: Buffer[]
  readonly back: Buffer[]
}

export class RecordingRelay {
  readonly connections: Recorded[] = []
  readonly #server: Server
  readonly #sockets: Socket[] = []

  private constructor(server: Server) {
    this.#server = server
  }

  static async to(address: string): Promise<RecordingRelay> {
    const [host = '', port] = address.split(':')
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const relay = new RecordingRelay(server)
    server.on('connection', socket => relay.#pass(socket, connect({ host, port: Number(port), noDelay: true })))
    return relay
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(from: Socket, to: Socket): void {
    const recorded: Recorded = { there: [], back: [] }
    this.connections.push(recorded)
    for (const [one, other, kept] of [
      [from, to, recorded.there],
      [to, from, recorded.back]
    ] as const) {
      this.#sockets.push(one)
      one.on('data', (chunk: Buffer) => kept.push(chunk))
      one.on('error', () => undefined).on('close', () => other.destroy())
      one.pipe(other)
    }
  }
}
