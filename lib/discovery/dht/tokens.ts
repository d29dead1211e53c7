/** Proof that who announces can be reached at its address (BEP 5): only who was sent a token lately can give it back. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { DHT_TOKEN_MS } from '../../limits.js'

const TOKEN_BYTES = 8

export class Tokens {
  readonly #makeSecret: () => Buffer
  #secrets: readonly Buffer[]
  #changedAt: number

  /** `makeSecret` gives random bytes that nobody can guess. */
  constructor(makeSecret: () => Buffer, now: number) {
    this.#makeSecret = makeSecret
    this.#secrets = [makeSecret()]
    this.#changedAt = now
  }

  make(host: string, now: number): Buffer {
    this.#rotate(now)
    return tokenOf(host, this.#secrets[0])
  }

  /** True for a token of the last minutes: BEP 5: > tokens up to ten minutes old are accepted. */
  check(host: string, token: Buffer, now: number): boolean {
    this.#rotate(now)
    return this.#secrets.some(secret => token.length === TOKEN_BYTES && timingSafeEqual(token, tokenOf(host, secret)))
  }

  /** BEP 5: > a secret that changes every five minutes */
  #rotate(now: number): void {
    const elapsed = now - this.#changedAt
    if (elapsed < DHT_TOKEN_MS) return
    const [previous] = this.#secrets
    this.#secrets = [this.#makeSecret(), ...(previous && elapsed < 2 * DHT_TOKEN_MS ? [previous] : [])]
    // By whole periods: however seldom somebody asks, no token is good for more than two.
    this.#changedAt = now - (elapsed % DHT_TOKEN_MS)
  }
}

function tokenOf(host: string, secret: Buffer | undefined): Buffer {
  return createHmac('sha1', secret ?? Buffer.alloc(0))
    .update(host)
    .digest()
    .subarray(0, TOKEN_BYTES)
}
