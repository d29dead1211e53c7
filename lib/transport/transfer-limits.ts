/** How fast payload may come and go. One object may be given to several torrents: then they share it, beside limits of their own. */
import { systemClock, type Clock } from '../clock.js'
import { TorrentError } from '../errors.js'
import { Throttle } from './throttle.js'

/** Bytes of payload a second; 0: no limit. */
export interface Rates {
  readonly download?: number
  readonly upload?: number
}

export class TransferLimits {
  readonly #down: Throttle
  readonly #up: Throttle
  readonly #shared: TransferLimits | undefined

  /** `shared`: what passes here has to pass there, too. Throws `TorrentError` `ERR_BT_OPTION`. */
  constructor(rates: Rates = {}, clock: Clock = systemClock, shared?: TransferLimits) {
    this.#down = new Throttle(clock, checkRate('download', rates.download ?? 0))
    this.#up = new Throttle(clock, checkRate('upload', rates.upload ?? 0))
    this.#shared = shared
  }

  /** The limits as they are now, 0 where there is none. */
  get rates(): Required<Rates> {
    return { download: this.#down.rate ?? 0, upload: this.#up.rate ?? 0 }
  }

  /** Changes what is named, at once. Throws `TorrentError` `ERR_BT_OPTION`. */
  set({ download, upload }: Rates): void {
    if (download !== undefined) this.#down.rate = checkRate('download', download)
    if (upload !== undefined) this.#up.rate = checkRate('upload', upload)
  }

  /** Bytes a second that may come, the shared limit included; undefined when there is no limit. */
  get downloadRate(): number | undefined {
    const [own, shared] = [this.#down.rate, this.#shared?.downloadRate]
    return own === undefined || shared === undefined ? (own ?? shared) : Math.min(own, shared)
  }

  /** Undefined: the bytes that came may be taken at once. Else a promise of that. */
  passDown(bytes: number): Promise<void> | undefined {
    const held = this.#down.pass(bytes)
    return held ? held.then(() => this.#shared?.passDown(bytes)) : this.#shared?.passDown(bytes)
  }

  /** Undefined: the bytes may go at once. Else a promise of whether they were counted: they are not if they are not wanted any more when their turn comes. */
  passUp(bytes: number, isWanted?: () => boolean): Promise<boolean> | undefined {
    const held = this.#up.pass(bytes, isWanted)
    if (!held) return this.#passShared(bytes, isWanted)
    return held.then(isCounted => isCounted && (this.#passShared(bytes, isWanted) ?? true))
  }

  /** Counts bytes that went without asking; negative: they were counted, and did not go. */
  chargeUp(bytes: number): void {
    this.#up.charge(bytes)
    this.#shared?.chargeUp(bytes)
  }

  /** They are counted here already. */
  #passShared(bytes: number, isWanted?: () => boolean): Promise<boolean> | undefined {
    return this.#shared?.passUp(bytes, isWanted)?.then(isCounted => {
      if (!isCounted) this.#up.charge(-bytes)
      return isCounted
    })
  }
}

function checkRate(name: string, rate: number): number {
  if (Number.isSafeInteger(rate) && rate >= 0) return rate
  throw new TorrentError('ERR_BT_OPTION', `a limit for ${name} is a whole number of bytes a second, not ${rate}`)
}
