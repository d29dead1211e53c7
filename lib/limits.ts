/** Every bound in one place; docs/limits.md says what each is for and where it comes from. */

// --- .torrent files and bencode (BEP 3)

/** A .torrent file, bytes. */
export const MAX_TORRENT_BYTES = 10_000_000
/** Nesting of bencoded lists and dictionaries in a .torrent. */
export const MAX_BENCODE_DEPTH = 100
/** Bencoded values in a .torrent: many tiny ones cost more memory than their bytes. */
export const MAX_BENCODE_TOKENS = 3_000_000
/** Pieces of a torrent: each peer's bitfield has one bit for each. */
export const MAX_PIECES = 2_097_152
/** A piece, bytes: 32,767 blocks. */
export const MAX_PIECE_LENGTH = 536_854_528
/** A file, and all files together, bytes: sums stay exact in a number. */
export const MAX_FILE_LENGTH = 2 ** 48 - 1
/** Names tried for a file whose own name is taken. */
export const MAX_NAME_PROBES = 500
/** Elements of a file's path. */
export const MAX_PATH_DEPTH = 100
/** A longer path element is cut after this many bytes of UTF-8; an extension of up to 9 bytes is kept beyond. */
export const MAX_NAME_BYTES = 240
/** Tracker URLs kept of a .torrent, in all tiers. */
export const MAX_TRACKERS = 100
/** Web seeds kept of a .torrent. */
export const MAX_WEB_SEEDS = 20
/** A tracker or web seed URL, bytes. */
export const MAX_URL_BYTES = 4096
/** `comment` and `created by` are cut after this many bytes. */
export const MAX_COMMENT_BYTES = 1024

// --- magnet links and what peers say of the torrent (BEP 9, 10, 11, 53)

/** A magnet link, characters. */
export const MAX_MAGNET_LENGTH = 1_048_576
/** Peers (`x.pe`) and DHT nodes (`dht`) kept of a magnet link. */
export const MAX_MAGNET_PEERS = 100
/** The highest position of a file in a magnet link's `so`: a range to it is written out. */
export const MAX_SELECTED_INDEX = 100_000
/** The `info` dictionary as peers send it, bytes. */
export const MAX_METADATA_BYTES = 16_777_216
/** An extended message (BEP 10) after its id, bytes. */
export const MAX_EXTENDED_LENGTH = 65_536
/** Bencoded values in an extended message, and their nesting. */
export const MAX_EXTENDED_TOKENS = 500
export const MAX_EXTENDED_DEPTH = 10
/** A peer's own name for its program (`v`) is cut after this many bytes. */
export const MAX_CLIENT_NAME_BYTES = 64
/** The bencoded head of a metadata message, bytes. */
export const MAX_METADATA_HEAD = 1024
/** Pieces of metadata asked of one peer at once; and peers that one piece is asked of. */
export const METADATA_REQUESTS = 4
export const METADATA_COPIES = 3
/** Announced sizes of the metadata that are fetched at once: those that most peers announce. */
export const MAX_METADATA_SIZES = 4
/** A peer that does not answer for this long is not asked for a while; nor is one that refuses, ms. */
export const METADATA_PATIENCE_MS = 10_000
export const METADATA_REST_MS = 30_000
/** The same for one that is to send all pieces alone, because those of several did not fit together, ms. */
export const METADATA_SOLO_MS = 3000
/** Pieces of metadata that one peer may have of us: so many at once (or the metadata twice, if that is more), and then a minute. */
export const METADATA_SERVED_BURST = 64
export const METADATA_SERVED_PER_MINUTE = 64
/** Addresses taken from one peer exchange message, and told in one: added, and dropped. */
export const MAX_PEX_PEERS = 50
/** Between two peer exchange messages to a peer; one that comes a quarter earlier is still taken, ms. */
export const PEX_INTERVAL_MS = 60_000
/** Peer exchange messages that come too soon, before the peer is dropped. */
export const MAX_HASTY_PEX = 5

// --- trackers (BEP 3, 7, 15, 23)

/** Characters of a URL that is asked, with all that an announce adds and redirects bring. */
export const MAX_REQUEST_URL_LENGTH = 8192
/** Redirects followed for one request. */
export const MAX_REDIRECTS = 5
/** An HTTP request with its redirects, ms. */
export const HTTP_TOTAL_MS = 30_000
/** An HTTP server that sends nothing, ms. */
export const HTTP_SILENT_MS = 10_000
/** All `stopped` announces together, ms: what else is to be closed has room until 5 s are over. */
export const TRACKER_STOP_MS = 4_500
/** A tracker's HTTP answer, bytes, both as sent and after inflating. */
export const MAX_TRACKER_RESPONSE_BYTES = 1_048_576
/** Nesting in a tracker's answer. */
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
/** Bounds and default of the time between two announces, ms: trackers ask for anything from 0 to years. */
export const MIN_ANNOUNCE_MS = 60_000
export const MAX_ANNOUNCE_MS = 3_600_000
export const DEFAULT_ANNOUNCE_MS = 1_800_000
/** A silent tracker makes its tier wait this long before the next one is asked too, ms. */
export const TRACKER_PATIENCE_MS = 3_000
/** A failing tracker is left alone this long, doubled at each further failure, ms. */
export const TRACKER_BACKOFF_MS = 15_000
export const MAX_TRACKER_BACKOFF_MS = 1_800_000
/** BEP 15: first wait for a UDP answer, doubled at each repeat, ms; and how often a request is sent in all. */
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

// --- the DHT (BEP 5, 32, 33, 42, 43) and local service discovery (BEP 14)

/** Nodes of one bucket of the routing table, and nodes that a lookup ends at. */
export const DHT_BUCKET_SIZE = 8
/** A node that was heard of within this time needs not be asked whether it is there, ms. */
export const DHT_GOOD_MS = 900_000
/** Questions in a row that a node of the routing table may leave unanswered. */
export const DHT_MAX_NODE_FAILURES = 2
/** Questions of one lookup that are waited for at once. */
export const DHT_LOOKUP_CONCURRENCY = 5
/** A node that has not answered by then no longer holds up its lookup, ms. */
export const DHT_SLOW_MS = 1000
/** Nothing that comes later is an answer, ms. */
export const DHT_ANSWER_MS = 15_000
/** Nodes that one lookup keeps, the nearest. */
export const DHT_MAX_LOOKUP_NODES = 200
/** Nodes that a lookup takes from one answer, the nearest: twice as many as a bucket holds, as some tell. */
export const DHT_MAX_NODES_OF_ANSWER = 16
/** Questions that one lookup asks in all. */
export const DHT_MAX_LOOKUP_QUERIES = 300
/** A datagram, bytes: more is not looked at. */
export const DHT_MAX_DATAGRAM = 4096
/** Bencoded values in a datagram, and their nesting. */
export const DHT_MAX_TOKENS = 500
export const DHT_MAX_DEPTH = 10
/** A token of another node, bytes. */
export const DHT_MAX_TOKEN_BYTES = 128
/** Nodes, and peers, taken from one answer. */
export const DHT_MAX_VALUES = 200
/** Peers told in one answer: few enough for one datagram that is not much longer than the question. */
export const DHT_VALUES_TOLD = 40
/** An answer of ours, bytes: one packet everywhere, and of little use to whoever has another's name on his question. */
export const DHT_MAX_ANSWER_BYTES = 1024
/** An answer to a host that has not shown that its address is its own: so many times the question, in bytes. */
export const DHT_MAX_ANSWER_RATIO = 3
/** How long it counts that a host has shown it, ms. */
export const DHT_PROVEN_MS = 900_000
/** Questions that we ask, a second. */
export const DHT_QUERIES_PER_SECOND = 20
/** Answers that we give, bytes a second. */
export const DHT_BYTES_PER_SECOND = 8000
/**
 * Queries of one IPv4 address, or one /64 of IPv6, that are heard at once, and so many more with each period of time, ms; beyond that none
 * is heard for a while, ms.
 */
export const DHT_FLOOD_QUERIES = 50
export const DHT_FLOOD_MS = 10_000
export const DHT_FLOOD_REST_MS = 300_000
/** Hosts whose queries are counted, and hosts that have shown that their address is their own. */
export const DHT_MAX_HOSTS = 2000
/** Torrents whose peers we keep for others, peers of each, and how long, ms. */
export const DHT_MAX_STORED_TORRENTS = 500
export const DHT_MAX_STORED_PEERS = 100
/** Of them, those of one IP address. */
export const DHT_MAX_PEERS_OF_HOST = 5
export const DHT_PEER_MS = 1_800_000
/** The secret behind our tokens changes this often, ms; the one before it counts, too. */
export const DHT_TOKEN_MS = 300_000
/** Between two searches for the peers of a torrent: when some were found, and when nobody is connected, ms. */
export const DHT_SEARCH_MS = 600_000
export const DHT_SEARCH_AGAIN_MS = 15_000
/** Nodes kept for the next start, and the file that holds them, bytes. */
export const DHT_MAX_SAVED_NODES = 200
export const DHT_MAX_SAVED_BYTES = 65_536
/** Saved nodes that are asked at the start. */
export const DHT_SAVED_ASKED = 16
/** Nodes that a .torrent, a link or an option may name. */
export const DHT_MAX_GIVEN_NODES = 100
/** A datagram of local service discovery, bytes. */
export const LSD_MAX_DATAGRAM = 1400
/** Datagrams that are read, a second. */
export const LSD_DATAGRAMS_PER_SECOND = 10
/** Info-hashes in one datagram. */
export const LSD_MAX_HASHES = 20
/** BEP 14: > at most once every 5 minutes; and never sooner than this, ms. */
export const LSD_ANNOUNCE_MS = 300_000
export const LSD_LEAST_MS = 60_000

// --- names and connections

/** A name lookup, ms; and how many run at once (they share libuv's threads with the disk). */
export const DNS_LOOKUP_MS = 5_000
export const MAX_DNS_LOOKUPS = 2
/** How long a lookup waits for its turn, ms. */
export const DNS_QUEUE_MS = 10_000
/** Addresses of one name that are tried. */
export const MAX_ADDRESSES_PER_NAME = 16
/** A TCP connection to a peer, ms. */
export const CONNECT_MS = 10_000

// --- peers and the wire (BEP 3)

/** The block size everybody asks for, bytes. */
export const BLOCK_LENGTH = 16_384
/** A peer message after its length prefix, bytes. */
export const MAX_MESSAGE_LENGTH = 2 ** 20
/** Requests in flight at one peer; fewer when it says that it queues fewer (`reqq`, BEP 10). */
export const MAX_REQUESTS_SENT = 250
/** A bitfield of MAX_PIECES, bytes: the most that is kept before the torrent's size is known. */
export const MAX_BITFIELD_LENGTH = 262_144
/** The whole handshake of a connection, ms. */
export const HANDSHAKE_MS = 10_000
/** Of it, the time that a peer may be silent while there is another way to speak to it, encrypted or not, that was not tried yet, ms. */
export const OTHER_WAY_MS = 2000
/** Padding in an encrypted handshake, bytes: what it hides must begin no later. */
export const MAX_ENCRYPTION_PAD = 512
/** A peer that sends nothing, ms: more than the two minutes in which BEP 3 wants a keep-alive. */
export const PEER_SILENT_MS = 150_000
/** We send a keep-alive after this long without anything else, ms; after half of it while we hold the peer back. */
export const KEEP_ALIVE_MS = 60_000
/** A request is served up to this length, ignored up to the second, and ends the connection beyond it, bytes. */
export const MAX_SERVED_LENGTH = 16_384
export const MAX_TOLERATED_REQUEST_LENGTH = 131_072
/** Requests of one peer that wait; then we read no further from it. */
export const MAX_REQUESTS_QUEUED = 2000
/** Requests that a choked peer may send before it is dropped: some cross the choke on the wire. */
export const MAX_REQUESTS_WHILE_CHOKED = 300
/** Bytes that a peer's socket reads ahead of us: one chunk. */
export const SOCKET_HIGH_WATER_MARK = 65_536
/** Bytes that wait in one peer's socket; times MAX_UNCHOKED it is 31 MiB in all. */
export const MAX_UPLOAD_BUFFERED = 327_680
/** Bytes of messages with blocks that follow each other, read and sent at once for one peer: sixteen blocks. */
export const MAX_UPLOAD_READ = 262_352
/** Bytes in one peer's socket, refusals of its requests among them, from which on we read no further from it. */
export const MAX_ANSWERS_BUFFERED = 2 * MAX_UPLOAD_BUFFERED
/** A peer whose socket takes nothing of what waits for it, ms. */
export const UPLOAD_STUCK_MS = 120_000
/** Messages without effect (unknown, keep-alive, choke and interest to and fro), and the time in which they are counted, ms. */
export const MAX_IDLE_MESSAGES = 100
export const IDLE_MESSAGES_MS = 10_000
/** What a message in vain counts among them: a HAVE of a known piece, pieces that come and go (BEP 54) more often than there are any, a request that is not served, more cancels than requests. */
export const VAIN_WEIGHT = 0.1
/** Blocks nobody asked for, before their share of all counts (5 %). */
export const MAX_UNREQUESTED_BLOCKS = 16
/** Connections of one torrent. */
export const MAX_CONNECTIONS = 200
/** Dials at once at the start, and then a second. */
export const DIAL_BURST = 100
export const DIALS_PER_SECOND = 30
/** Incoming connections that have not finished their handshake. */
export const MAX_PENDING_HANDSHAKES = 64
/** Connections of one IP address, loopback aside. */
export const MAX_CONNECTIONS_PER_IP = 2
/** Dials of one IP address within HOST_DIALS_MS, so that nobody can aim us at a victim; loopback and addresses given by hand aside. */
export const MAX_HOST_DIALS = 3
export const HOST_DIALS_MS = 600_000
/** Addresses that are known of one host, loopback and those given by hand aside: as they cannot all be dialled, they would stay for long. */
export const MAX_HOST_CANDIDATES = 8
/** Addresses known for one torrent. */
export const MAX_CANDIDATES = 2000
/** Of them, those that only peers told us of: any peer can tell anything. */
export const MAX_PEX_CANDIDATES = 1000
/** Dials that fail before an address is forgotten that never gave verified data. */
export const MAX_DIAL_FAILURES = 3
/** Peers that are served at once, at the least and at the most. */
export const MIN_UPLOAD_SLOTS = 8
export const MAX_UNCHOKED = 100
/** Between two rounds in which it is decided anew who is served; how long somebody is served in turn: to see what it gives, and by a seed, ms. */
export const CHOKER_ROUND_MS = 10_000
export const OPTIMISTIC_MS = 30_000
export const UPLOAD_TURN_MS = 30_000
/** A peer that was asked and sent nothing for this long snubs us, ms. */
export const SNUBBED_MS = 60_000
/** BEP 6: pieces that a choked peer may ask for; and how many of them a peer may name to us. */
export const ALLOWED_FAST_PIECES = 5
/** How often a choked peer may have all of such a piece. */
export const ALLOWED_FAST_TIMES = 3
export const MAX_ALLOWED_FAST = 100
/** BEP 6: rejects of what we did not ask for, and of what we did ask for without a block between them, before the peer is dropped. */
export const MAX_STRAY_REJECTS = 50
export const MAX_REJECTS_IN_A_ROW = 500
/** BEP 6: a piece that a peer refused is not asked of it again for so long, ms. */
export const REFUSED_MS = 10_000
/** What a limit of the transfer rate lets pass at once after a rest, ms of that rate; and how far ahead blocks are asked for under it, ms. */
export const RATE_BURST_MS = 250
export const LIMITED_REQUESTS_MS = 2000
/** BEP 16: pieces that a peer is told of at once; and how long it waits for another once it has one that nobody else was seen to get, ms. */
export const SUPER_SEED_PIECES = 2
export const SUPER_SEED_PATIENCE_MS = 30_000
/** BEP 21: a peer that wants nothing, as we do, is not dialled again for so long, ms. */
export const PARTED_MS = 1_800_000

// --- storage

/** Descriptors of payload files open at once; the least recently used is closed for the next. */
export const MAX_OPEN_FILES = 40
/** File system calls of one walk over many files (survey, sync, folders) at once. */
export const MAX_FILE_OPERATIONS = 16
/** A resume record, bytes; a longer one is not read. */
export const MAX_RECORD_BYTES = 64 * 2 ** 20
/** Verified pieces that wait for their sync and the record: at most this long, ms… */
export const CHECKPOINT_INTERVAL_MS = 5_000
/** …or this many bytes, whichever comes first. */
export const CHECKPOINT_BYTES = 64 * 2 ** 20
/** What was given in all sessions is written at most this often, while it grows… */
export const TOTALS_INTERVAL_MS = 5_000
/** …and read up to this length. */
export const MAX_TOTALS_BYTES = 512
/** Files that a torrent is made of: a .torrent has no room for more names. */
export const MAX_SOURCE_FILES = 500_000
/** How often files are checked again at the end of a download because something else changed them. */
export const MAX_RECHECKS = 3
/** How long a file is tried again when the process has no descriptor left, ms. */
export const DESCRIPTOR_WAIT_MS = 5_000

// --- memory and time of a torrent

/** Budget of all piece buffers, bytes (`maxMemory`). */
export const DEFAULT_MAX_MEMORY = 64 * 2 ** 20
/** Read-ahead and requests in flight take at most this share of the budget. */
export const READ_AHEAD_SHARE = 0.5
/** No peer connected since the start, ms (`peerTimeoutMs`). */
export const DEFAULT_PEER_TIMEOUT_MS = 120_000
/** No verified byte while one is wanted, ms (`stallTimeoutMs`). */
export const DEFAULT_STALL_TIMEOUT_MS = 300_000
/** A reader that has waited this long, without a piece that came, is told why in the figures, ms. */
export const READER_WAITING_MS = 2000
/** Without progress for this long, one line says why, ms. */
export const WAITING_AFTER_MS = 15_000
/** First port to listen on, and how many further ones are tried. */
export const DEFAULT_PORT = 6881
export const PORT_TRIES = 16
/** At the start and the end of a file that is served, what stays in memory, bytes; and its share of the budget at the most. */
export const KEPT_START_BYTES = 4 * 2 ** 20
export const KEPT_END_BYTES = 2 * 2 ** 20
export const KEPT_SHARE = 0.25
/** A reader that took nothing for this long keeps only its head when another needs the room, ms. */
export const READER_PAUSED_MS = 2000
/** Failed hashes of one piece after which the torrent's data in the swarm is taken for broken. */
export const MAX_PIECE_FAILURES = 20
/** How we name ourselves to HTTP servers. */
export const USER_AGENT = 'bt-stream/0.1.0'

// --- HTTP served

/** Bytes of a request's head. */
export const HTTP_MAX_HEADER_BYTES = 8192
/** A request's head may take this long, ms. */
export const HTTP_HEADERS_MS = 10_000
/** A connection without a request is kept for this long, ms. One that is being answered has no limit: players pause. */
export const HTTP_IDLE_MS = 60_000
/** Connections at once. */
export const HTTP_MAX_CONNECTIONS = 100
/** Requests of one connection that wait while one is answered. */
export const HTTP_MAX_WAITING_REQUESTS = 8
/** Pages that hear of live figures at once. */
export const HTTP_MAX_LISTENERS = 16
/** Time between two live figures, ms; and how long nothing is said while nothing changes. */
export const HTTP_EVENT_MS = 1000
export const HTTP_EVENT_SILENCE_MS = 15_000
/** A page that takes none of its figures for this long is left, ms. */
export const HTTP_LISTENER_STUCK_MS = 60_000
/** Cells of the map of pieces: of one torrent, and of all together. */
export const MAX_MAP_CELLS = 512
export const MAX_MAP_CELLS_OF_ALL = 4096
/** Files of a torrent on the page. */
export const MAX_PAGE_FILES = 2000
/** A file of subtitles that is converted, bytes; and a line of it, characters. */
export const MAX_SUBTITLE_BYTES = 4 * 2 ** 20
export const MAX_SUBTITLE_LINE = 4096
