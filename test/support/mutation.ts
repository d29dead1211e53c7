/** Damage for fuzz tests: bytes changed, cut out, doubled and moved in valid input, all from fast-check's seed. */
import fc from 'fast-check'

/** One of `seeds` after one to eight small damages. */
export function damaged(seeds: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  const damage = fc.record({
    kind: fc.constantFrom('set', 'flip', 'cut', 'insert', 'double'),
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    length: fc.integer({ min: 1, max: 12 }),
    byte: fc.oneof(fc.constantFrom(...Buffer.from('0123456789-:eidl')), fc.integer({ min: 0, max: 255 }))
  })
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(damage, { minLength: 1, maxLength: 8 }))
    .map(([seed, damages]) => damages.reduce<Buffer>((bytes, each) => apply(bytes, each), Buffer.from(seed)))
}

function apply(bytes: Buffer, damage: { kind: string; at: number; length: number; byte: number }): Buffer {
  const at = Math.floor(damage.at * bytes.length)
  const before = bytes.subarray(0, at)
  const after = bytes.subarray(at + damage.length)
  switch (damage.kind) {
    case 'cut':
      return Buffer.concat([before, after])
    case 'insert':
      return Buffer.concat([before, Buffer.from([damage.byte]), bytes.subarray(at)])
    case 'double':
      return Buffer.concat([before, bytes.subarray(at, at + damage.length), bytes.subarray(at)])
    default: {
      const changed = Buffer.from(bytes)
      if (at < changed.length)
        changed[at] = damage.kind === 'set' ? damage.byte : (changed[at] ?? 0) ^ (1 << (damage.byte & 7))
      return changed
    }
  }
}
