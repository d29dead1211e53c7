/** Undoes gzip and deflate of a whole HTTP body, never beyond a given size. */
import { promisify } from 'node:util'
import { gunzip, inflate, inflateRaw } from 'node:zlib'
import { TransportError } from './transport-error.js'

const inflaters = { gzip: promisify(gunzip), zlib: promisify(inflate), raw: promisify(inflateRaw) }

/**
 * The body that `encoding` (the `content-encoding` header) stands for; at most `maxBytes`. Rejects with a `TransportError` of
 * kind `body` for more, for broken data and for encodings that were not asked for, several at once among them.
 */
export async function inflateBody(
  body: Buffer,
  encoding: string | readonly string[] | undefined,
  maxBytes: number
): Promise<Buffer> {
  const format = formatOf(body, encoding)
  if (format === undefined) return body
  try {
    return await inflaters[format](body, { maxOutputLength: maxBytes })
  } catch (cause) {
    const tooLarge = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE'
    throw new TransportError('body', tooLarge ? 'the inflated answer is too large' : 'the answer is not valid gzip', {
      cause
    })
  }
}

function formatOf(body: Buffer, encoding: string | readonly string[] | undefined): keyof typeof inflaters | undefined {
  const name = String(encoding ?? 'identity')
    .trim()
    .toLowerCase()
  if (name === 'identity' || name === '') return undefined
  if (name === 'gzip' || name === 'x-gzip') return 'gzip'
  // RFC 9110 means the zlib format by "deflate"; some servers send raw deflate. A zlib header names method 8 in its low bits.
  if (name === 'deflate') return ((body[0] ?? 0) & 0x0f) === 8 ? 'zlib' : 'raw'
  throw new TransportError('body', 'the answer has an encoding that was not asked for')
}
