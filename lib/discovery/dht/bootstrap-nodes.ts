/** Nodes that the DHT is entered by when no others are known: run by the makers of clients, for all. */
export const BOOTSTRAP_NODES: readonly string[] = [
  'router.bittorrent.com:6881',
  'dht.transmissionbt.com:6881',
  'dht.libtorrent.org:25401',
  'router.utorrent.com:6881'
]
