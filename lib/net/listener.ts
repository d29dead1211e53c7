/** Takes incoming connections for all torrents of a client, on IPv4 and IPv6. Which torrent a peer wants is in its handshake. */
import { createServer, type Server, type Socket } from 'node:net'
import { SOCKET_HIGH_WATER_MARK } from '../limits.js'

export interface ListenerOptions {
  /** First port tried. */
  readonly port: number
  /** Further ports tried when one is taken; 0: only this one. */
  readonly tries: number
  /** Address to bind; by default all, IPv6 and IPv4. */
  readonly host?: string | undefined
  readonly onSocket: (socket: Socket) => void
}

const MAX_PORT = 65_535
/** Connections that wait in the kernel. */
const BACKLOG = 128

export class Listener {
  readonly port: number
  readonly #server: Server

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  /** Binds the first free port from `port` on; rejects with the system's error when none can be had. */
  static async open({ port, tries, host, onSocket }: ListenerOptions): Promise<Listener> {
    for (let attempt = 0; ; attempt++) {
      try {
        const server = await listen(port === 0 ? 0 : port + attempt, host, onSocket)
        const address = server.address()
        return new Listener(server, address && typeof address === 'object' ? address.port : port)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        const isTaken = code === 'EADDRINUSE' || code === 'EACCES'
        if (!isTaken || attempt >= tries || port + attempt >= MAX_PORT) throw error
      }
    }
  }

  /** Takes no more connections. Resolves when those that were taken have ended too, which is their owners' business. */
  close(): Promise<void> {
    return new Promise(resolve => {
      this.#server.close(() => resolve())
    })
  }
}

function listen(port: number, host: string | undefined, onSocket: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, keepAlive: true, highWaterMark: SOCKET_HIGH_WATER_MARK }, onSocket)
    server.once('error', (error: NodeJS.ErrnoException) => {
      // A machine without IPv6 cannot bind `::`.
      if (host === undefined && error.code === 'EAFNOSUPPORT') resolve(listen(port, '0.0.0.0', onSocket))
      else reject(error)
    })
    server.listen({ port, host: host ?? '::', backlog: BACKLOG }, () => {
      // Running out of descriptors while accepting is no reason to stop listening.
      server.removeAllListeners('error').on('error', () => undefined)
      resolve(server)
    })
  })
}
