/** What encryption costs a byte: the cipher alone, and in the pipe between socket and messages. */
import { once } from 'node:events'
import type { Bench } from 'tinybench'
import { asInfoHash } from '../../lib/metainfo/info-hash.js'
import { Decryptor } from '../../lib/net/mse/decryptor.js'
import { Rc4 } from '../../lib/net/mse/rc4.js'

const CHUNK_LENGTH = 65_536
/** Chunks that one run of each task handles: 16 MiB. */
const CHUNKS = 256

/** The two ends of an encrypted connection, their handshake done. */
function connected(): [Decryptor, Decryptor] {
  const infoHash = asInfoHash(Buffer.alloc(20, 0xab))
  const [toOne, toOther]: [Buffer[], Buffer[]] = [[], []]
  const [methods, initialPayload] = [['rc4'] as const, Buffer.alloc(0)]
  const one = Decryptor.initiator({ infoHash, methods, initialPayload, send: bytes => toOther.push(bytes) })
  const other = Decryptor.responder({ torrentFor: () => ({ infoHash, methods }), send: bytes => toOne.push(bytes) })
  while (toOne.length + toOther.length > 0) {
    for (const bytes of toOther.splice(0)) other.write(bytes)
    for (const bytes of toOne.splice(0)) one.write(bytes)
  }
  return [one, other]
}

async function pass(stage: Decryptor, chunk: Buffer): Promise<void> {
  for (let i = 0; i < CHUNKS; i++) if (!stage.write(chunk)) await once(stage, 'drain')
}

export function addEncryptionTasks(bench: Bench): void {
  const cipher = new Rc4(Buffer.from('the key of this bench'))
  const chunk = Buffer.alloc(CHUNK_LENGTH, 7)
  bench.add('16 MiB by RC4 where they lie', () => {
    for (let i = 0; i < CHUNKS; i++) cipher.applyInPlace(chunk)
  })
  bench.add('16 MiB by RC4 into other memory', () => {
    for (let i = 0; i < CHUNKS; i++) cipher.apply(chunk)
  })
  const [one, other] = connected()
  other.resume()
  bench.add('16 MiB decrypted in the pipe', () => pass(other, chunk))
  bench.add('16 MiB encrypted on their way out', () => {
    for (let i = 0; i < CHUNKS; i++) one.outgoing?.apply(chunk)
  })
}
