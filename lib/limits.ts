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

// --- storage

/** A46: descriptors of payload files open at once; the least recently used is closed for the next. */
export const MAX_OPEN_FILES = 40
/** File system calls of one walk over many files (survey, sync, folders) at once. */
export const MAX_FILE_OPERATIONS = 16
/** B125: a resume record, bytes; a longer one is not read. */
export const MAX_RECORD_BYTES = 64 * 2 ** 20
/** Verified pieces that wait for their sync and the record: at most this long, milliseconds… */
export const CHECKPOINT_INTERVAL_MS = 5_000
/** …or this many bytes, whichever comes first. */
export const CHECKPOINT_BYTES = 64 * 2 ** 20
/** C19: how long a file is tried again when the process has no descriptor left, milliseconds. */
export const DESCRIPTOR_WAIT_MS = 5_000

// --- memory and time of a torrent

/** Budget of all piece buffers, bytes (`maxMemory`). */
export const DEFAULT_MAX_MEMORY = 64 * 2 ** 20
