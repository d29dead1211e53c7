/** What a `Range` header asks of a file (RFC 9110, section 14): pure text to numbers. Does not know what is served. */

/** Bytes from `start` to `end` inclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** `whole`: there is no range, or none to heed. `unsatisfiable`: 416. */
export type RangeAnswer = 'whole' | 'unsatisfiable' | readonly ByteRange[]

/** More ranges than this are answered with the whole file: RFC 9110, section 14.2, allows to ignore what looks like an attack. */
export const MAX_RANGES = 8
const MAX_HEADER_LENGTH = 1024

/**
 * The ranges that `header` asks for of a file of `size` bytes, cut to the file. What is malformed, in another unit, or not ascending
 * without overlap, is as if it were not there.
 */
export function parseRange(header: string | undefined, size: number): RangeAnswer {
  if (header === undefined || header.length > MAX_HEADER_LENGTH) return 'whole'
  const [, list] = /^bytes=(.*)$/i.exec(header.trim()) ?? []
  if (list === undefined) return 'whole'
  // Empty elements of a list are allowed: RFC 9110, section 5.6.1.2.
  const specs = list
    .split(',')
    .map(spec => spec.trim())
    .filter(spec => spec !== '')
  if (specs.length === 0 || specs.length > MAX_RANGES) return 'whole'
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const range = parseSpec(spec, size)
    if (range === 'malformed') return 'whole'
    if (range) ranges.push(range)
  }
  if (ranges.length === 0) return 'unsatisfiable'
  return ranges.every(({ start }, i) => start > (ranges[i - 1]?.end ?? -1)) ? ranges : 'whole'
}

/** `undefined` when the file has no such byte. */
function parseSpec(spec: string, size: number): ByteRange | 'malformed' | undefined {
  const [, first, last] = /^(\d*)-(\d*)$/.exec(spec) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'malformed'
  if (first === '') {
    const suffix = Math.min(Number(last), size)
    return suffix === 0 ? undefined : { start: size - suffix, end: size - 1 }
  }
  const [start, end] = [Number(first), last === '' ? Infinity : Number(last)]
  if (end < start) return 'malformed'
  return start < size ? { start, end: Math.min(end, size - 1) } : undefined
}
