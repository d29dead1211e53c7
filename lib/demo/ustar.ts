/** The headers of a ustar archive, as much as the demo needs: plain files with short ASCII names. */

const BLOCK_BYTES = 512
/** Two empty blocks close an archive. */
export const ARCHIVE_END = Buffer.alloc(2 * BLOCK_BYTES)

/** The block before a file's bytes. `modified`: seconds since 1970. */
export function ustarHeader(name: string, length: number, modified: number): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES)
  header.write(name, 0, 100, 'latin1')
  header.write(octal(0o644, 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  header.write(octal(length, 11), 124)
  header.write(octal(modified, 11), 136)
  // The checksum is summed with spaces in its own place.
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\0' + '00', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${octal(sum, 6)}\0 `, 148)
  return header
}

/** What fills a file up to a whole block. */
export function ustarPadding(length: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (length % BLOCK_BYTES)) % BLOCK_BYTES)
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
