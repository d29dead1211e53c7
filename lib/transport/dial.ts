/** Opens one TCP connection to a peer. Who is dialled, and how many at once, is decided elsewhere. */
import { connect, type OnReadOpts, type Socket } from 'node:net'
import { systemClock, type Clock } from '../clock.js'
import { CONNECT_MS } from '../limits.js'
import type { PeerAddress } from '../wire/peer-address.js'
import { reasonOf } from './deadline.js'
import type { ReceiveBuffers } from './receive-buffers.js'
import { TransportError } from './transport-error.js'

export interface DialOptions {
  /** Default 10 s. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
  /** Address to dial from. */
  readonly localAddress?: string | undefined
  /** Most bytes the socket reads ahead, its `highWaterMark`. */
  readonly readAheadBytes?: number | undefined
  /** Memory to read into, in place of a fresh chunk a read. What the socket gives then are views of it. */
  readonly buffers?: ReceiveBuffers | undefined
  readonly clock?: Clock
}

/** How long a connection is silent before TCP probes whether the other side still exists, ms. */
const KEEP_ALIVE_MS = 60_000

/**
 * A connected socket with Nagle's algorithm off and TCP keep-alive on. Rejects with the system's error, with a `TransportError`
 * of kind `timeout`, or with the signal's reason; nothing is left open then.
 */
export function dial(address: PeerAddress, options: DialOptions = {}): Promise<Socket> {
  const { timeoutMs = CONNECT_MS, signal, localAddress, readAheadBytes, buffers, clock = systemClock } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(reasonOf(signal))
      return
    }
    const socket: Socket = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(readAheadBytes === undefined ? {} : { highWaterMark: readAheadBytes }),
      ...(buffers === undefined ? {} : { onread: readInto(buffers, chunk => socket.push(chunk)) })
    })
    const settle = (outcome: () => void) => {
      clock.clearTimer(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('connect', onConnect).off('error', fail)
      outcome()
    }
    const fail = (error: Error) => {
      settle(() => {
        socket.on('error', () => undefined).destroy()
        reject(error)
      })
    }
    const onConnect = () => settle(() => resolve(socket))
    const onAbort = () => {
      if (signal) fail(reasonOf(signal))
    }
    const timer = clock.setTimer(() => fail(new TransportError('timeout', 'connecting took too long')), timeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', onConnect).once('error', fail)
  })
}

/** Node's own reading, but for whose memory it is: chunks come out of the stream as ever, and a full stream stops the reading. */
function readInto(buffers: ReceiveBuffers, push: (chunk: Buffer) => boolean): OnReadOpts {
  return { buffer: () => buffers.next(), callback: length => push(buffers.take(length)) }
}
