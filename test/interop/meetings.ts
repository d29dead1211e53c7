/**
 * One client, told one thing of encryption, and how it goes when it meets ours in every role, all at the same time. Each meeting has a
 * torrent of its own: some clients take one connection an address and torrent.
 */
import { expect } from 'chai'
import { join } from 'node:path'
import { startBtStream } from '../support/bt-stream-program.js'
import type { ChildProgram } from '../support/child-program.js'
import { randomBytesSeeded, writeContent } from '../support/make-torrent.js'
import { startOpentracker } from '../support/real-clients/opentracker.js'
import type { Encryption, Place, TorrentOnDisk } from '../support/real-clients/real-client.js'
import { digest, fileHolds, type Workspace } from './content.js'
import type { Seeder } from './seeders.js'

/** Exit code. */
const NO_PEERS = 4

/** How long any step may take. */
const PATIENCE_MS = 45_000

/** What ours is told, by what the other side is told. The first goes well with nothing but what the other side wants. */
const OURS: Readonly<Record<Encryption, readonly [string, ...string[]]>> = {
  off: ['off', 'allow', 'prefer'],
  allow: ['off', 'allow', 'prefer', 'require'],
  require: ['require', 'allow', 'prefer']
}
const IN_VAIN: Readonly<Record<Encryption, readonly string[]>> = { off: ['require'], allow: [], require: ['off'] }

const CONTENT = { data: randomBytesSeeded('meetings', 1024 * 1024 + 4321), pieceLength: 64 * 1024 }

/** What the client does. A promise resolves when it went well. */
export interface Outcomes {
  readonly 'seeds to ours, which dials': Promise<unknown>
  readonly 'downloads from ours, which dials': Promise<unknown>
  readonly 'dials ours and seeds to it': Promise<unknown>
  readonly 'dials ours and downloads from it': Promise<unknown>
}

export interface MeetingOptions {
  readonly encryption: Encryption
  /** Where the client is. Nobody else has its address: it might take them for itself. */
  readonly place: Place
  /** Where ours and the tracker are. */
  readonly oursAt: Place
  readonly workspace: Workspace
}

interface Stoppable {
  stop(): Promise<void>
}

interface NamedTorrent extends TorrentOnDisk {
  readonly name: string
}

export class Meetings {
  /** Resolves when all are under way. */
  readonly outcomes: Promise<Outcomes>
  readonly #options: MeetingOptions
  readonly #running: Stoppable[] = []
  /** Of the client: what it has, and what it gets. */
  readonly #dataDir: string
  /** What ours seeds. */
  readonly #ourDir: string

  constructor(seeder: Seeder, options: MeetingOptions) {
    this.#options = options
    this.#dataDir = options.workspace.folder()
    this.#ourDir = options.workspace.folder()
    this.outcomes = this.#begin(seeder)
    this.outcomes.catch(() => undefined) // whoever waits for it is told
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map(each => each.stop()))
  }

  async #begin({ seed }: Seeder): Promise<Outcomes> {
    const { encryption, place, oursAt, workspace } = this.#options
    const [best] = OURS[encryption]
    const infoHashes = ['taken', 'given'].map(what => this.#torrent(what).infoHash)
    const tracker = await startOpentracker({ infoHashes, workDir: workspace.folder(), place: oursAt })
    this.#running.push({ stop: async () => tracker[Symbol.asyncDispose]() })

    // The client asks the tracker when it starts, and then not for minutes: ours have to be known there by then.
    const taken = this.#torrent('taken', { has: 'ours', trackers: [tracker.httpUrl] })
    const given = this.#torrent('given', { has: 'client', trackers: [tracker.httpUrl] })
    const giver = this.#ours(best, ['seed', taken.torrentFile, '--dir', this.#ourDir])
    const taker = this.#ours(best, [given.torrentFile])
    await Promise.all(
      [giver, taker].map(each => each.waitForOutput(/"event":"tracker".*"state":"working"/, PATIENCE_MS))
    )

    const toDial = [...OURS[encryption], ...IN_VAIN[encryption]].map(
      ours => [ours, this.#torrent(`for '${ours}'`, { has: 'client' })] as const
    )
    const fromDialler = this.#torrent('from a dialler', { has: 'ours' })
    const asked = toDial.map(([, torrent]) => torrent)
    const torrents = [taken, given, fromDialler, ...asked]
    const options = { torrents, asked, dataDir: this.#dataDir, workDir: workspace.folder(), encryption, place }
    const client = await seed(options)
    this.#running.push(client)
    const atClient = ['--peer', `${client.address.host}:${client.address.port}`]
    this.#ours(best, ['seed', fromDialler.torrentFile, '--dir', this.#ourDir, '--no-tracker', ...atClient])
    return handled({
      'seeds to ours, which dials': Promise.all(toDial.map(([ours, torrent]) => this.#take(ours, torrent, atClient))),
      'downloads from ours, which dials': this.#downloaded(fromDialler),
      'dials ours and seeds to it': this.#delivered(taker),
      'dials ours and downloads from it': this.#downloaded(taken)
    })
  }

  #torrent(what: string, { has, trackers }: { has?: 'client' | 'ours'; trackers?: string[] } = {}): NamedTorrent {
    const { encryption, place, workspace } = this.#options
    const source = { ...CONTENT, name: `${what}, '${encryption}' at ${place.host}` }
    if (has) writeContent(has === 'client' ? this.#dataDir : this.#ourDir, source)
    return { name: source.name, ...workspace.torrent(source, trackers) }
  }

  #ours(encryption: string, args: readonly string[]): ChildProgram {
    const common = ['--encryption', encryption, '--port', '0', '--no-dht', '--no-lsd', '--json', '-v']
    const program = startBtStream([...args, ...common], { netns: this.#options.oursAt.netns })
    this.#running.push(program)
    return program
  }

  /** Downloads from the client, or sees that it cannot be had in this way. */
  async #take(ours: string, { torrentFile }: NamedTorrent, atClient: readonly string[]): Promise<void> {
    const isVain = IN_VAIN[this.#options.encryption].includes(ours)
    const program = this.#ours(ours, [
      ...[torrentFile, '--no-discovery', ...atClient],
      ...(isVain ? ['--peer-timeout', '3'] : [])
    ])
    if (!isVain) return this.#delivered(program)
    expect((await program.waitForExit(PATIENCE_MS)).code, program.output).to.equal(NO_PEERS)
  }

  async #delivered(program: ChildProgram): Promise<void> {
    expect((await program.waitForExit(PATIENCE_MS)).code, program.output).to.equal(0)
    expect(digest(program.stdout)).to.equal(digest(CONTENT.data))
  }

  /** By the client. */
  #downloaded({ name }: NamedTorrent): Promise<void> {
    return fileHolds(join(this.#dataDir, name), CONTENT.data, PATIENCE_MS)
  }
}

/** A test may fail before it comes to wait for all of them. */
function handled(outcomes: Outcomes): Outcomes {
  for (const outcome of Object.values(outcomes) as Promise<unknown>[]) outcome.catch(() => undefined)
  return outcomes
}
