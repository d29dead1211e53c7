/** libtorrent by way of its Python binding (Debian: python3-libtorrent). The only one here that can be told whom to dial. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatPeerAddress } from '../../../lib/wire/peer-address.js'
import { ChildProgram } from '../child-program.js'
import {
  LOOPBACK,
  ownEnvironment,
  ready,
  runningClient,
  type Address,
  type LeechOptions,
  type MetadataOptions,
  type RealClient,
  type SeedOptions
} from './real-client.js'

/** Debian's own interpreter: the binding is not there for another one that may come first in the path. */
export const PYTHON = '/usr/bin/python3'

/** Only TypeScript is compiled to `dist`, so the scripts are found from the project's root, four levels above this file. */
function script(name: string): string {
  return fileURLToPath(new URL(`../../../../test/support/real-clients/python/${name}`, import.meta.url))
}

/** Nor may Python leave its compiled files beside the scripts. */
function environment(homeDir: string): NodeJS.ProcessEnv {
  return { ...ownEnvironment(homeDir), PYTHONDONTWRITEBYTECODE: '1' }
}

/** A client that counts. */
export interface CountingClient extends RealClient {
  /** Bytes of content that went to peers and came from them, as it said last: it counts about once a second. */
  payload(infoHash: string): { sent: number; got: number }
}

/** It listens on a port of the system's choice, and says on which. */
export async function seed(
  options: SeedOptions & {
    /** Bytes a second; 0, the default: no limit. */
    uploadLimit?: number
  }
): Promise<CountingClient> {
  const { torrents, dataDir, workDir, encryption = 'allow', place = LOOPBACK, uploadLimit = 0 } = options
  const { host, netns } = place
  const args = [script('seed.py'), dataDir, ...torrents.map(torrent => torrent.torrentFile)]
  const settings = { BT_ENCRYPTION: encryption, BT_HOST: host, BT_UPLOAD_LIMIT: String(uploadLimit) }
  const env = { ...environment(workDir), ...settings }
  const program = new ChildProgram(PYTHON, args, { name: 'libtorrent', env, netns })
  const [, port] = await program.waitForOutput(/listening on (\d+)/, 20_000)
  const client = await ready(program, { host, port: Number(port) }, options)
  // Until it has looked at what is on disk it hangs up.
  for (const { infoHash } of torrents) await program.waitForOutput(new RegExp(`payload of ${infoHash}`), 20_000)
  const payload: CountingClient['payload'] = infoHash => {
    const said = [...program.output.matchAll(new RegExp(`payload of ${infoHash}: sent (\\d+), got (\\d+)`, 'g'))].at(-1)
    return { sent: Number(said?.[1] ?? 0), got: Number(said?.[2] ?? 0) }
  }
  return { ...client, payload }
}

/** Resolves when the download is complete. */
export async function leech({
  torrentFile,
  dataDir,
  peers,
  encryption = 'allow',
  isFickle = false,
  timeoutMs = 30_000
}: LeechOptions & {
  peers: Address[]
  /** It takes back what it asked for after the first bytes, and asks anew. */
  isFickle?: boolean
}): Promise<void> {
  const args = [
    script(isFickle ? 'fickle.py' : 'leech.py'),
    torrentFile,
    dataDir,
    ...peers.map(({ host, port }) => `${host}:${port}`)
  ]
  const env = { ...environment(dataDir), BT_ENCRYPTION: encryption }
  const program = new ChildProgram(PYTHON, args, { name: 'libtorrent', env })
  const { code } = await program.waitForExit(timeoutMs)
  if (code !== 0) throw program.error('did not complete the download')
}

/** Everything; no content, but peers; content, but to exchange no peers; content, but so slowly that it needs others for minutes. */
export type Wants = 'all' | 'nothing' | 'no peers' | 'slowly'

/** A client that exchanges peers (BEP 11), on an address of its own: libtorrent tells nobody of two peers that share one. */
export interface ExchangingPeer extends RealClient {
  /** Resolves when it is connected to somebody whom it knows by PEX; gives the address. */
  metByPex(timeoutMs: number): Promise<string>
}

export async function exchange({
  host,
  torrentFile,
  dataDir,
  workDir,
  wants,
  peers
}: {
  /** Where it listens, and dials from. */
  host: string
  torrentFile: string
  dataDir: string
  workDir: string
  wants: Wants
  peers: readonly Address[]
}): Promise<ExchangingPeer> {
  const dialled = peers.map(peer => `${peer.host}:${peer.port}`)
  const args = [script('exchange.py'), host, dataDir, torrentFile, wants, ...dialled]
  const program = new ChildProgram(PYTHON, args, { name: `libtorrent on ${host}`, env: environment(workDir) })
  const [, port] = await program.waitForOutput(/listening on (\d+)/, 20_000)
  return {
    ...runningClient(program, { host, port: Number(port) }),
    metByPex: async timeoutMs => (await program.waitForOutput(/met (\S+) by pex/, timeoutMs))[1] ?? ''
  }
}

/** Resolves to the .torrent that it makes of the link with what the peers say. */
export async function fetchMetadata({
  link,
  peers,
  workDir,
  timeoutMs = 30_000
}: MetadataOptions & { peers: Address[] }): Promise<Buffer> {
  const torrentFile = join(workDir, 'fetched.torrent')
  const args = [script('metadata.py'), link, workDir, torrentFile, ...peers.map(({ host, port }) => `${host}:${port}`)]
  const program = new ChildProgram(PYTHON, args, { name: 'libtorrent', env: environment(workDir) })
  const { code } = await program.waitForExit(timeoutMs)
  if (code !== 0) throw program.error('did not get the metadata')
  return readFileSync(torrentFile)
}

/** A DHT of libtorrent's nodes on loopback. `await using` stops it. */
export interface RealDht extends AsyncDisposable {
  readonly nodes: readonly Address[]
  /** Who seeds the torrents; undefined without torrents. */
  readonly seeder: Address | undefined
}

/** Resolves when somebody who only asks finds the seeder of each torrent in it. */
export async function startDht({
  count,
  host,
  within,
  entry,
  torrentFiles = [],
  dataDir = '',
  workDir
}: {
  count: number
  /** Where all of them are, instead of each on an address of its own. Each then knows one of the others. */
  host?: '::1'
  /** The namespace that they are in, and the addresses that it has of that form; by default loopback. */
  within?: { readonly netns: string; readonly prefix: string }
  /** All enter the DHT there; without it they know some of each other. */
  entry?: Address
  torrentFiles?: readonly string[]
  dataDir?: string
  workDir: string
}): Promise<RealDht> {
  // Several of these on one machine keep out of each other's way.
  const network = within?.prefix ?? `127.${20 + Math.floor(Math.random() * 200)}`
  const seeded = torrentFiles.length > 0 ? [dataDir, ...torrentFiles] : []
  const at = entry ? formatPeerAddress(entry) : '-'
  const args = [script('dht_nodes.py'), String(count), host ?? network, at, ...seeded]
  const options = { name: "libtorrent's DHT", env: environment(workDir), netns: within?.netns }
  const program = new ChildProgram(PYTHON, args, options)
  try {
    await program.waitForOutput(/^ready$/m, 90_000)
  } catch (error) {
    await program.stop()
    throw error
  }
  const addresses = (what: string): Address[] =>
    [...program.output.matchAll(new RegExp(`^${what} \\[?(\\S+?)\\]?:(\\d+)$`, 'gm'))].map(([, host = '', port]) => ({
      host,
      port: Number(port)
    }))
  return {
    nodes: addresses('node'),
    seeder: addresses('seeder')[0],
    [Symbol.asyncDispose]: () => program.stop()
  }
}
