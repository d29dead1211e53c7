/** The secret in every path beyond loopback: whoever has the URL may read, nobody else learns that there is anything. */
import { randomBytes, timingSafeEqual } from 'node:crypto'

/** 128 bits: not to be guessed. */
const TOKEN_BYTES = 16

export class AccessToken {
  /** What every path begins with: empty on loopback, where no secret is needed. */
  readonly prefix: string

  /** `host`: the address that is listened on. */
  constructor(host: string) {
    this.prefix = isLoopback(host) ? '' : `/${randomBytes(TOKEN_BYTES).toString('hex')}`
  }

  /** The path without the secret; `undefined` for those who do not know it. How long it takes tells nothing of how much was right. */
  strip(path: string): string | undefined {
    const expected = Buffer.from(this.prefix)
    // Text before its length is compared: a character may take several bytes.
    const given = Buffer.from(path.slice(0, this.prefix.length))
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
    return path.slice(this.prefix.length)
  }
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.toLowerCase() === 'localhost' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
