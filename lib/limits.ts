/** Every bound in one place; docs/limits.md says what each is for, and each has a test on both sides of its edge. */

// --- .torrent files and bencode (BEP 3)

/** A1: a .torrent file, bytes. */
export const MAX_TORRENT_BYTES = 10_000_000
/** A2: nesting of bencoded lists and dictionaries in a .torrent. */
export const MAX_BENCODE_DEPTH = 100
/** A3: bencoded values in a .torrent. */
export const MAX_BENCODE_TOKENS = 3_000_000
/** A6 */
export const MAX_PIECES = 2_097_152
/** A7: bytes. */
export const MAX_PIECE_LENGTH = 536_854_528
/** A8: bytes, of a file and of all files together. */
export const MAX_FILE_LENGTH = 2 ** 48 - 1
/** A9: names tried for a file whose own name is taken. */
export const MAX_NAME_PROBES = 500
/** A10: elements of a file's path. */
export const MAX_PATH_DEPTH = 100
/** A11: a longer path element is cut after this many bytes of UTF-8; an extension of up to 9 bytes is kept beyond. */
export const MAX_NAME_BYTES = 240
/** B25: tracker URLs kept of a .torrent, in all tiers. */
export const MAX_TRACKERS = 100
/** B25: web seeds kept of a .torrent. */
export const MAX_WEB_SEEDS = 20
/** A tracker or web seed URL, bytes. */
export const MAX_URL_BYTES = 4096
/** B27: `comment` and `created by` are cut after this many bytes. */
export const MAX_COMMENT_BYTES = 1024

// --- trackers (BEP 3, 7, 15, 23)

// --- peers and the wire (BEP 3)

/** The block size everybody asks for, bytes. */
export const BLOCK_LENGTH = 16_384

// --- storage

// --- memory and time of a torrent

/** Budget of all piece buffers, bytes (`maxMemory`). */
export const DEFAULT_MAX_MEMORY = 64 * 2 ** 20
