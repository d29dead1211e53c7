/** The ways in which the same bytes may arrive: a parser of a stream must not tell them apart. */
import fc from 'fast-check'

export interface Feed {
  readonly name: string
  readonly chunks: readonly Buffer[]
}

/** Whole, in every split in two, byte by byte, and with the first bytes of something else behind it. */
export function* feeds(bytes: Buffer, tail = Buffer.of(0, 0, 0)): Generator<Feed> {
  yield { name: 'whole', chunks: [bytes] }
  for (let at = 1; at < bytes.length; at++) {
    yield { name: `split at ${at}`, chunks: [bytes.subarray(0, at), bytes.subarray(at)] }
  }
  yield { name: 'byte by byte', chunks: [...bytes].map(byte => Buffer.of(byte)) }
  yield { name: 'with a tail', chunks: [Buffer.concat([bytes, tail])] }
}

/** `bytes` cut into chunks wherever fast-check likes. */
export function chunkings(bytes: Buffer): fc.Arbitrary<Buffer[]> {
  return fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 40 }).map(cuts => cut(bytes, cuts))
}

/** `bytes` cut at these places, in whatever order they are given. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...places.toSorted((a, b) => a - b), bytes.length]
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge))
}
