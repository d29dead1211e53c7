/** How fast one peer gives and takes, as the choker wants to know it. Measures, once a second; decides nothing. */
import { SNUBBED_MS } from '../limits.js'
import type { ChokerPeer } from '../policy/choker.js'
import type { PeerConnection } from './peer-connection.js'

/** Rates are means over about this long. */
const RATE_MS = 20_000

export class PeerMeter implements ChokerPeer {
  readonly connection: PeerConnection
  givesRate = 0
  takesRate = 0
  changedAt: number
  #downloaded: number
  #uploaded: number
  #measuredAt: number
  /** When it last gave something, or owed nothing. */
  #gaveAt: number

  constructor(connection: PeerConnection, now: number) {
    this.connection = connection
    this.changedAt = this.#measuredAt = this.#gaveAt = now
    this.#downloaded = connection.downloaded
    this.#uploaded = connection.uploaded
  }

  get peerInterested(): boolean {
    return this.connection.peerInterested
  }

  get amChoking(): boolean {
    return this.connection.amChoking
  }

  get connectedAt(): number {
    return this.connection.openedAt
  }

  get isSnubbing(): boolean {
    return this.#measuredAt - this.#gaveAt >= SNUBBED_MS
  }

  setChoking(amChoking: boolean, now: number): void {
    if (amChoking === this.connection.amChoking) return
    this.changedAt = now
    this.connection.setChoking(amChoking)
  }

  /** Returns the bytes that it took since the last call. */
  measure(now: number): number {
    const { downloaded, uploaded, supplier, isHeld } = this.connection
    const [gave, took] = [downloaded - this.#downloaded, uploaded - this.#uploaded]
    const elapsedMs = Math.max(1, now - this.#measuredAt)
    const owesNothing = !supplier || supplier.isChoking || supplier.pipeline.size === 0
    if (gave > 0 || owesNothing || isHeld) this.#gaveAt = now
    this.givesRate = mean(this.givesRate, gave, elapsedMs)
    this.takesRate = mean(this.takesRate, took, elapsedMs)
    this.#downloaded = downloaded
    this.#uploaded = uploaded
    this.#measuredAt = now
    return took
  }
}

function mean(rate: number, bytes: number, elapsedMs: number): number {
  return rate + ((bytes * 1000) / elapsedMs - rate) * Math.min(1, elapsedMs / RATE_MS)
}
