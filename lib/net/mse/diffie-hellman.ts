/**
 * The key exchange of an encrypted handshake: a public key to send, and the secret that follows from the other's. The group is 768 bits
 * and no defence against who listens to both sides: it hides what is spoken from who looks at the first bytes.
 */
import { createDiffieHellman, randomBytes, type DiffieHellman } from 'node:crypto'
import { ProtocolError } from '../../errors.js'

/** Bytes of a public key, and of the secret. */
export const KEY_LENGTH = 96
const PRIVATE_KEY_LENGTH = 20

const PRIME = Buffer.from(
  'ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd' +
    'ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a63a36210000000000090563',
  'hex'
)
const GENERATOR = 2
const ONE = padded(Buffer.of(1))
/** The prime is odd. */
const MINUS_ONE = Buffer.concat([PRIME.subarray(0, -1), Buffer.of((PRIME.at(-1) ?? 0) - 1)])

/** OpenSSL checks the prime for 17 ms when it is given one; a peer's key in the checked group takes 0.1 ms. */
let group: DiffieHellman | undefined

export class KeyExchange {
  /** To be sent, `KEY_LENGTH` bytes. */
  readonly publicKey: Buffer
  readonly #privateKey: Buffer

  /** `privateKey`: by default of our own choice. */
  constructor(privateKey: Buffer = randomBytes(PRIVATE_KEY_LENGTH)) {
    this.#privateKey = privateKey
    this.publicKey = padded(withKey(privateKey).generateKeys())
  }

  /** What both sides know from now on, `KEY_LENGTH` bytes. Throws `ProtocolError` for a key that would make it foreseeable. */
  secretWith(theirKey: Buffer): Buffer {
    const isDegenerate = Buffer.compare(theirKey, ONE) <= 0 || Buffer.compare(theirKey, MINUS_ONE) >= 0
    if (isDegenerate) throw new ProtocolError('ERR_BT_HANDSHAKE', 'a degenerate key for the encryption')
    return padded(withKey(this.#privateKey).computeSecret(theirKey))
  }
}

function withKey(privateKey: Buffer): DiffieHellman {
  group ??= createDiffieHellman(PRIME, GENERATOR)
  group.setPrivateKey(privateKey)
  return group
}

/** OpenSSL leaves zeros in front away. */
function padded(number: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(KEY_LENGTH - number.length), number])
}
