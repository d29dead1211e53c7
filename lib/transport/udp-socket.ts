/**
 * The one UDP socket (per address family) that DHT, UDP trackers and uTP share: it hands every datagram to the first handler
 * that claims it and knows no protocol itself. Bound at the first use; never keeps the process alive.
 */
import { createSocket, type Socket } from 'node:dgram'
import type { PeerAddress } from '../wire/peer-address.js'
import { TransportError } from './transport-error.js'

/** Returns true when the datagram was its own. It must not throw, and must copy what it keeps. */
export type DatagramHandler = (datagram: Buffer, from: PeerAddress) => boolean

/** What the protocols on the socket see of it. */
export interface DatagramPort {
  /** Adds a handler, asked after those added before; the result takes it away. */
  handle(handler: DatagramHandler): () => void
  /** Resolves when the system took the datagram; rejects with its error. */
  send(datagram: Uint8Array, to: PeerAddress): Promise<void>
}

export interface UdpSocketOptions {
  /** Port of both families; 0, the default, lets the system choose one for each. */
  readonly port?: number
  /** Address to bind for IPv4; default all. */
  readonly host4?: string
  /** Address to bind for IPv6; default all. */
  readonly host6?: string
}

type Family = 4 | 6

export class UdpSocket implements DatagramPort {
  readonly #options: UdpSocketOptions
  readonly #handlers = new Set<DatagramHandler>()
  readonly #sockets = new Map<Family, Promise<Socket>>()
  #closed = false

  constructor(options: UdpSocketOptions = {}) {
    this.#options = options
  }

  handle(handler: DatagramHandler): () => void {
    this.#handlers.add(handler)
    return () => void this.#handlers.delete(handler)
  }

  async send(datagram: Uint8Array, to: PeerAddress): Promise<void> {
    const socket = await this.#socket(familyOf(to.host))
    await new Promise<void>((resolve, reject) => {
      if (this.#closed) throw closedError()
      socket.send(datagram, to.port, to.host, error => {
        if (error) reject(error)
        else resolve()
      })
    })
  }

  /** Binds if that has not happened yet; the port is then known. Rejects with the system's error. */
  async bind(family: Family): Promise<number> {
    return (await this.#socket(family)).address().port
  }

  /** Sends nothing more, drops all handlers, closes both sockets. */
  async close(): Promise<void> {
    this.#closed = true
    this.#handlers.clear()
    const opened = await Promise.allSettled(this.#sockets.values())
    this.#sockets.clear()
    await Promise.all(opened.flatMap(result => (result.status === 'fulfilled' ? [closeSocket(result.value)] : [])))
  }

  #socket(family: Family): Promise<Socket> {
    if (this.#closed) return Promise.reject(closedError())
    const existing = this.#sockets.get(family)
    if (existing) return existing
    const opening = this.#open(family)
    this.#sockets.set(family, opening)
    opening.catch(() => this.#sockets.delete(family))
    return opening
  }

  #open(family: Family): Promise<Socket> {
    // Addresses only: a name would be looked up without being judged.
    const lookup = (host: string, _options: unknown, done: (error: null, address: string, family: number) => void) => {
      done(null, host, family)
    }
    const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', ipv6Only: family === 6, lookup })
    socket.on('message', (datagram, from) => this.#deliver(datagram, { host: from.address, port: from.port }))
    const host = family === 4 ? this.#options.host4 : this.#options.host6
    return new Promise((resolve, reject) => {
      socket.once('error', error => {
        socket.close()
        reject(error)
      })
      socket.bind({ port: this.#options.port ?? 0, ...(host === undefined ? {} : { address: host }) }, () => {
        socket.removeAllListeners('error')
        socket.on('error', () => this.#drop(family, socket))
        resolve(socket.unref())
      })
    })
  }

  #deliver(datagram: Buffer, from: PeerAddress): void {
    for (const handler of this.#handlers) {
      if (handler(datagram, from)) return
    }
  }

  /** A socket that broke is given up; the next datagram opens a new one. */
  #drop(family: Family, socket: Socket): void {
    this.#sockets.delete(family)
    void closeSocket(socket)
  }
}

function closedError(): TransportError {
  return new TransportError('network', 'the UDP socket is closed')
}

function familyOf(host: string): Family {
  return host.includes(':') ? 6 : 4
}

function closeSocket(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    try {
      socket.close(() => resolve())
    } catch {
      resolve() // it was closed already
    }
  })
}
