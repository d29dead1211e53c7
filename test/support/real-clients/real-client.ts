/** What all real clients have in common: what they are given, what they are to a test, and how one knows that they serve. */
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { ChildProgram } from '../child-program.js'
import { waitForListener } from '../free-port.js'
import { isListening } from '../network-room.js'

const READY_TIMEOUT_MS = 20_000
const PROBE_TIMEOUT_MS = 2_000
const PROBE_INTERVAL_MS = 100

export interface Address {
  host: string
  port: number
}

/** Where a program lives. */
export interface Place {
  /** Its address. */
  readonly host: string
  /** Name of its network namespace, when that is not ours. */
  readonly netns?: string | undefined
}

export const LOOPBACK: Place = { host: '127.0.0.1' }

/** A torrent as a program on this machine is given it. */
export interface TorrentOnDisk {
  /** Path of the .torrent file. */
  torrentFile: string
  /** Lower-case hex. */
  infoHash: string
  pieceCount: number
}

/** What a program takes and makes: plain connections only, both, or encrypted ones (RC4) only. */
export type Encryption = 'off' | 'allow' | 'require'

export interface SeedOptions {
  /** By default what the program does by itself. Not every program knows all of them. */
  encryption?: Encryption
  torrents: readonly TorrentOnDisk[]
  /** The folder that holds each torrent's file or folder, complete, or what `isEmpty` says. */
  dataDir: string
  /** There is nothing in it yet: the program downloads, and serves what it has. */
  isEmpty?: boolean
  /** An empty folder for settings and other belongings of the program. */
  workDir: string
  /** By default 127.0.0.1. */
  place?: Place
  /** Torrents that it is asked for, until it seeds them; by default all. Some remember who asked, and do not dial there for minutes. */
  asked?: readonly TorrentOnDisk[]
}

export interface LeechOptions {
  torrentFile: string
  /** An empty folder for the content. */
  dataDir: string
  encryption?: Encryption
  timeoutMs?: number
}

export interface MetadataOptions {
  /** A magnet link. */
  link: string
  /** An empty folder. */
  workDir: string
  timeoutMs?: number
}

/** A client that runs and serves what it was given. `await using` stops it. */
export interface RealClient extends AsyncDisposable {
  readonly name: string
  readonly address: Address
  stop(): Promise<void>
}

/** Surroundings in which a program finds no settings of the user, no proxy, and file names in UTF-8. */
export function ownEnvironment(workDir: string): NodeJS.ProcessEnv {
  const kept = { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'] }
  return {
    ...kept,
    HOME: workDir,
    XDG_CONFIG_HOME: workDir,
    XDG_DATA_HOME: workDir,
    XDG_CACHE_HOME: workDir,
    LC_ALL: 'C.UTF-8'
  }
}

/**
 * Waits until the program answers a handshake for every torrent and says that it has all pieces. No client has an event for that, and
 * an open port says too little: most listen before they have loaded the torrent. Stops the program when it does not get there.
 */
export async function serving(
  program: ChildProgram,
  address: Address,
  torrents: readonly TorrentOnDisk[]
): Promise<RealClient> {
  const deadline = performance.now() + READY_TIMEOUT_MS
  for (const torrent of torrents) {
    while (!(await seeds(address, torrent))) {
      if (program.hasEnded || performance.now() > deadline) {
        await program.stop()
        throw program.error(`does not seed ${torrent.torrentFile}`)
      }
      await delay(PROBE_INTERVAL_MS)
    }
  }
  return runningClient(program, address)
}

export function runningClient(program: ChildProgram, address: Address): RealClient {
  const stop = (): Promise<void> => program.stop()
  return { name: program.name, address, stop, [Symbol.asyncDispose]: stop }
}

/** Waits until the program listens: one that downloads, or speaks encrypted only, answers no probe. Stops it when it does not get there. */
export async function listening(
  program: ChildProgram,
  address: Address,
  { netns }: Pick<Place, 'netns'> = {}
): Promise<RealClient> {
  const deadline = performance.now() + READY_TIMEOUT_MS
  const isOver = (): boolean => program.hasEnded || performance.now() > deadline
  // We cannot connect into another namespace, only see what is there.
  const isThere = netns === undefined ? undefined : () => isListening(program, address.port)
  if (await waitForListener(address, isOver, isThere)) return runningClient(program, address)
  await program.stop()
  throw program.error('does not listen')
}

/** `serving`, of a program that answers plain words; else `listening`. */
export async function ready(
  program: ChildProgram,
  address: Address,
  { torrents, encryption, isEmpty = false, asked = torrents, place }: SeedOptions
): Promise<RealClient> {
  const answers = !isEmpty && encryption !== 'require' && place?.netns === undefined && asked.length > 0
  return answers ? serving(program, address, asked) : listening(program, address, place)
}

/** Shakes hands (BEP 3) and reads the one message that tells what the other side has. */
async function seeds({ host, port }: Address, { infoHash, pieceCount }: TorrentOnDisk): Promise<boolean> {
  const socket = connect({ host, port, signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
  const peerId = `-PR0001-${String(Math.random()).slice(2).padEnd(12, '0').slice(0, 12)}`
  socket.write(
    Buffer.concat([
      Buffer.from('\x13BitTorrent protocol\0\0\0\0\0\0\0\0'),
      Buffer.from(infoHash + Buffer.from(peerId).toString('hex'), 'hex')
    ])
  )
  let received = Buffer.alloc(0)
  try {
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      if (received.length < 73) continue // 68 bytes of handshake, length and type of a message
      const end = 72 + received.readUInt32BE(68)
      if (received.length >= end) return received[72] === 5 && countBits(received.subarray(73, end)) === pieceCount
    }
  } catch {
    // not there yet
  } finally {
    socket.destroy()
  }
  return false
}

function countBits(bytes: Buffer): number {
  let count = 0
  for (const byte of bytes) for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1
  return count
}
