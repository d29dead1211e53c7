/** The five clients that seed to us. */
import { requireLibtorrent, requireProgram } from '../support/real-clients/available.js'
import * as aria2 from '../support/real-clients/aria2.js'
import * as libtorrent from '../support/real-clients/libtorrent.js'
import * as qbittorrent from '../support/real-clients/qbittorrent.js'
import type { Encryption, RealClient, SeedOptions } from '../support/real-clients/real-client.js'
import * as rtorrent from '../support/real-clients/rtorrent.js'
import * as transmission from '../support/real-clients/transmission.js'

export interface Seeder {
  /** Skips the suite where the program is missing. */
  require: (context: Mocha.Context) => void
  seed: (options: SeedOptions) => Promise<RealClient>
  /** What it can be told of encryption. */
  encryptions: readonly Encryption[]
  /** It dials nobody in 127/8, so it has to be met elsewhere. */
  isShy?: boolean
}

const ALL: readonly Encryption[] = ['off', 'allow', 'require']
const NEVER_OFF: readonly Encryption[] = ['allow', 'require']

export const seeders: Readonly<Record<string, Seeder>> = {
  aria2: {
    seed: aria2.seed,
    require: context => requireProgram(context, 'aria2c', 'aria2'),
    encryptions: NEVER_OFF
  },
  Transmission: {
    seed: transmission.seed,
    require: context => requireProgram(context, 'transmission-daemon', 'transmission-daemon'),
    encryptions: NEVER_OFF,
    isShy: true
  },
  rTorrent: {
    seed: rtorrent.seed,
    require: context => requireProgram(context, 'rtorrent', 'rtorrent'),
    encryptions: ALL
  },
  qBittorrent: {
    seed: qbittorrent.seed,
    require: context => requireProgram(context, 'qbittorrent-nox', 'qbittorrent-nox'),
    encryptions: ALL
  },
  libtorrent: { seed: libtorrent.seed, require: requireLibtorrent, encryptions: ALL }
}
