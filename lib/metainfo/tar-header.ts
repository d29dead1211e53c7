/**
 * The headers of a tar archive of plain files: ustar (POSIX.1-1988), and before it the extended header of pax (POSIX.1-2001) for what
 * ustar cannot say. The same file gives the same bytes on every machine. Packers of npm make a stream; here each part of an archive can
 * be made alone, which a range of it needs.
 */

export const TAR_BLOCK_BYTES = 512
/** Two empty blocks close an archive. */
export const TAR_END = Buffer.alloc(2 * TAR_BLOCK_BYTES)

/** Eleven octal digits: what ustar's length and time can say. */
const MOST_OCTAL = 0o77777777777
/** Bytes of a name in ustar. Its prefix field is not used: some readers do not know it. */
const NAME_BYTES = 100
const MODE = 0o644

export interface TarEntry {
  /** Relative path, `/` between elements. */
  readonly path: string
  /** Bytes. */
  readonly length: number
  /** Seconds since 1970. */
  readonly modified: number
}

/** The blocks before a file's bytes. */
export function tarHeader({ path, length, modified }: TarEntry): Buffer {
  const time = Math.min(Math.max(0, Math.floor(modified)), MOST_OCTAL)
  const records: [key: string, value: string][] = []
  if (!isPlain(path)) records.push(['path', path])
  if (length > MOST_OCTAL) records.push(['size', String(length)])
  const header = ustarHeader({ name: path, length: length > MOST_OCTAL ? 0 : length, time, type: '0' })
  if (records.length === 0) return header
  const extended = Buffer.from(records.map(([key, value]) => paxRecord(key, value)).join(''))
  const before = ustarHeader({ name: 'PaxHeader', length: extended.length, time, type: 'x' })
  return Buffer.concat([before, extended, Buffer.alloc(tarPadding(extended.length)), header])
}

/** Bytes of `tarHeader` for this file, without making it. */
export function tarHeaderLength({ path, length }: TarEntry): number {
  let extended = 0
  if (!isPlain(path)) extended += Buffer.byteLength(paxRecord('path', path))
  if (length > MOST_OCTAL) extended += Buffer.byteLength(paxRecord('size', String(length)))
  return TAR_BLOCK_BYTES + (extended > 0 ? TAR_BLOCK_BYTES + extended + tarPadding(extended) : 0)
}

/** Zero bytes that fill so many bytes up to whole blocks. */
export function tarPadding(length: number): number {
  return (TAR_BLOCK_BYTES - (length % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES
}

function isPlain(path: string): boolean {
  return path.length <= NAME_BYTES && /^[\x20-\x7e]*$/.test(path)
}

/** `length key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const bytes = Buffer.byteLength(rest)
  let length = bytes + String(bytes).length
  // Its own digits may make it longer by one.
  if (bytes + String(length).length > length) length++
  return `${length}${rest}`
}

interface UstarFields {
  readonly name: string
  readonly length: number
  readonly time: number
  readonly type: '0' | 'x'
}

function ustarHeader({ name, length, time, type }: UstarFields): Buffer {
  const header = Buffer.alloc(TAR_BLOCK_BYTES)
  // Readers of pax do not look at it when the name is not plain; for the others it is better than none.
  header.write(name.replace(/[^\x20-\x7e]/gu, '_').slice(-NAME_BYTES), 0, NAME_BYTES, 'latin1')
  header.write(octal(MODE, 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  header.write(octal(length, 11), 124)
  header.write(octal(time, 11), 136)
  // The checksum is summed with spaces in its own place.
  header.write('        ', 148)
  header.write(type, 156)
  header.write('ustar\0' + '00', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${octal(sum, 6)}\0 `, 148)
  return header
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
