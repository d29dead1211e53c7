/** Whether peers are spoken to encrypted: in which way first, in which after that, what is accepted. Encrypts nothing. */

/**
 * `off`: never. `allow`: plain first, and encrypted where that fails. `prefer`: the reverse. `require`: encrypted only. Whoever dials us
 * may do either, but for `off` and `require`.
 */
export type Encryption = (typeof ENCRYPTIONS)[number]

/** All that `encryption` may be. */
export const ENCRYPTIONS = ['off', 'allow', 'prefer', 'require'] as const

/** How a connection begins. */
export type Way = 'plain' | 'encrypted'

/** How bytes go over the wire behind an encrypted handshake. */
export type Method = 'plain' | 'rc4'

/** What is known of a peer before it is dialled. */
export interface KnownWays {
  /** How it was spoken to when that went well. */
  readonly worksBy?: Way | undefined
  /** It is said to prefer encryption. */
  readonly prefersEncryption?: boolean | undefined
}

const WAYS: Readonly<Record<Encryption, readonly Way[]>> = {
  off: ['plain'],
  allow: ['plain', 'encrypted'],
  prefer: ['encrypted', 'plain'],
  require: ['encrypted']
}

/** The ways to begin with a peer, in the order in which they are tried. What worked goes before what is said, and that before what we would rather. */
export function waysTo({ worksBy, prefersEncryption }: KnownWays, encryption: Encryption): readonly Way[] {
  const ways = WAYS[encryption]
  const first = worksBy ?? (prefersEncryption === true ? 'encrypted' : undefined)
  if (first === undefined || !ways.includes(first)) return ways
  return [first, ...ways.filter(way => way !== first)]
}

/** Whether a connection may begin like this. */
export function allowsWay(encryption: Encryption, way: Way): boolean {
  return WAYS[encryption].includes(way)
}

/** What we offer and take behind an encrypted handshake, the best first: the handshake hides what is spoken, RC4 costs a quarter of a core at 1 Gbit/s. */
export function methodsOf(encryption: Encryption): readonly Method[] {
  switch (encryption) {
    case 'off':
      return []
    case 'allow':
      return ['plain', 'rc4']
    case 'prefer':
      return ['rc4', 'plain']
    case 'require':
      return ['rc4']
  }
}
