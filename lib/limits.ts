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
/** A8: bytes. */
export const MAX_FILE_LENGTH = 2 ** 48 - 1

// --- trackers (BEP 3, 7, 15, 23)

// --- peers and the wire (BEP 3)

/** The block size everybody asks for, bytes. */
export const BLOCK_LENGTH = 16_384
/** A12: a peer message after its length prefix, bytes. */
export const MAX_MESSAGE_LENGTH = 2 ** 20
/** A15: requests in flight at one peer that has not said how many it queues. */
export const MAX_REQUESTS_SENT = 250
/** A bitfield of MAX_PIECES, bytes: the most that is kept before the torrent's size is known. */
export const MAX_BITFIELD_LENGTH = 262_144

// --- storage

// --- memory and time of a torrent

/** Budget of all piece buffers, bytes (`maxMemory`). */
export const DEFAULT_MAX_MEMORY = 64 * 2 ** 20
