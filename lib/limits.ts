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

/** Characters of a URL that is asked, with all that an announce adds and redirects bring. */
export const MAX_REQUEST_URL_LENGTH = 8192
/** Redirects followed for one request (A36). */
export const MAX_REDIRECTS = 5
/** An HTTP request with its redirects, ms (A34). */
export const HTTP_TOTAL_MS = 30_000
/** An HTTP server that sends nothing, ms (A34). */
export const HTTP_SILENT_MS = 10_000
/** A34: all `stopped` announces of a torrent together, ms. */
export const TRACKER_STOP_MS = 5_000
/** A35: a tracker's HTTP answer, bytes, both as sent and after inflating. */
export const MAX_TRACKER_RESPONSE_BYTES = 1_048_576
/** A2: nesting in a tracker's answer. */
export const MAX_TRACKER_BENCODE_DEPTH = 8
/** Bencoded values in a tracker's answer. */
export const MAX_TRACKER_BENCODE_TOKENS = 150_000
/** Peers taken from one answer; of a list of dictionaries so many are looked at. */
export const MAX_TRACKER_PEERS = 2000
/** Peers with a host name instead of an address that are looked up, of one answer. */
export const MAX_TRACKER_PEER_NAMES = 16
/** Bytes of a tracker's `failure reason` or `warning message` that are kept. */
export const MAX_TRACKER_TEXT_BYTES = 256
/** Peers asked for in an announce. */
export const TRACKER_NUM_WANT = 200
/** A37: bounds and default of the time between two announces, ms. */
export const MIN_ANNOUNCE_MS = 60_000
export const MAX_ANNOUNCE_MS = 3_600_000
export const DEFAULT_ANNOUNCE_MS = 1_800_000
/** A38: a silent tracker makes its tier wait this long before the next one is asked too, ms. */
export const TRACKER_PATIENCE_MS = 3_000
/** A failing tracker is left alone this long, doubled at each further failure, ms. */
export const TRACKER_BACKOFF_MS = 15_000
export const MAX_TRACKER_BACKOFF_MS = 1_800_000
/** BEP 15: first wait for a UDP answer, doubled at each repeat, ms; and (A38) how often a request is sent in all. */
export const UDP_TRACKER_WAIT_MS = 15_000
export const UDP_TRACKER_TRIES = 4
/** BEP 15: how long a connection id is good, ms. */
export const UDP_CONNECTION_MS = 60_000
/** BEP 15: info-hashes in one scrape datagram. */
export const MAX_SCRAPE_HASHES = 74

/** The tracker of `bt-stream demo`: torrents, peers of each, and time between announces, ms. */
export const MAX_EMBEDDED_TRACKER_SWARMS = 100
export const MAX_EMBEDDED_TRACKER_PEERS = 1000
export const EMBEDDED_TRACKER_INTERVAL_MS = 300_000

// --- names and connections

/** A40, C26: a name lookup, ms; and how many run at once (they share libuv's threads with the disk). */
export const DNS_LOOKUP_MS = 5_000
export const MAX_DNS_LOOKUPS = 2
/** How long a lookup waits for its turn, ms. */
export const DNS_QUEUE_MS = 10_000
/** Addresses of one name that are tried. */
export const MAX_ADDRESSES_PER_NAME = 16
/** A19: a TCP connection to a peer, ms. */
export const CONNECT_MS = 10_000

// --- peers and the wire (BEP 3)

/** The block size everybody asks for, bytes. */
export const BLOCK_LENGTH = 16_384

// --- storage

// --- memory and time of a torrent

/** Budget of all piece buffers, bytes (`maxMemory`). */
export const DEFAULT_MAX_MEMORY = 64 * 2 ** 20
