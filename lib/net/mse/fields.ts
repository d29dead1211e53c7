/** The fields of an encrypted handshake: the constant that proves the key, the methods (`crypto_provide`, `crypto_select`), the padding. */
import { randomBytes, randomInt } from 'node:crypto'
import { ProtocolError } from '../../errors.js'
import { MAX_ENCRYPTION_PAD } from '../../limits.js'
import type { Method } from '../../policy/encryption.js'

/** Zeros that were encrypted. */
export const VERIFICATION = Buffer.alloc(8)

export const METHODS_LENGTH = 4
export const LENGTH_LENGTH = 2

/** 1 is plain text, 2 is RC4; the other bits mean nothing yet. */
const BITS: Readonly<Record<Method, number>> = { plain: 0x01, rc4: 0x02 }

export function encodeMethods(methods: readonly Method[]): Buffer {
  const field = Buffer.alloc(METHODS_LENGTH)
  field.writeUInt32BE(methods.reduce((bits, method) => bits | BITS[method], 0))
  return field
}

/** The first of `methods`, ours by preference, that the other side offers too. */
export function chooseMethod(methods: readonly Method[], provided: Buffer): Method | undefined {
  const bits = provided.readUInt32BE(0)
  return methods.find(method => (bits & BITS[method]) !== 0)
}

/** The one of `methods` that the other side chose; undefined when it is none of them, or more than one. */
export function selectedMethod(methods: readonly Method[], selected: Buffer): Method | undefined {
  return methods.find(method => BITS[method] === selected.readUInt32BE(0))
}

/** Random bytes of a random number, so that no handshake is as long as another. */
export type Padding = () => Buffer

export const randomPadding: Padding = () => randomBytes(randomInt(MAX_ENCRYPTION_PAD + 1))

/** The length in front of what may follow it. */
export function encodeLength(length: number): Buffer {
  const field = Buffer.alloc(LENGTH_LENGTH)
  field.writeUInt16BE(length)
  return field
}

/** Length of the other side's padding. Throws `ProtocolError` when it is more than it may be. */
export function paddingLength(field: Buffer): number {
  const length = field.readUInt16BE(0)
  if (length > MAX_ENCRYPTION_PAD) throw new ProtocolError('ERR_BT_HANDSHAKE', `${length} bytes of padding`)
  return length
}
