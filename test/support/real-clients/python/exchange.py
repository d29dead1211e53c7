"""Exchanges peers until it is stopped: exchange.py HOST DATA_DIR FILE.torrent WANTS IP:PORT...
WANTS: "all", "nothing" to take no content, "no peers" to exchange nobody,
or "slowly" to take content for minutes. Prints "met IP:PORT by SOURCE" for each peer that it is connected to."""
import sys

import libtorrent

from quiet_session import add_torrent, print_alerts, quiet_session

SOURCES = {1: 'tracker', 2: 'dht', 4: 'pex', 8: 'lsd'}

host, data_dir, torrent_file, wants, *peers = sys.argv[1:]
session = quiet_session(host)
session.apply_settings({'close_redundant_connections': False})
torrent = add_torrent(session, torrent_file, data_dir)
if wants == 'no peers':
    torrent.set_flags(libtorrent.torrent_flags.disable_pex)
if wants == 'slowly':
    torrent.set_download_limit(20_000)
if wants == 'nothing':
    torrent.prioritize_files([0] * torrent.torrent_file().num_files())
print(f'listening on {session.listen_port()}', flush=True)
for peer in peers:
    peer_host, port = peer.rsplit(':', 1)
    torrent.connect_peer((peer_host, int(port)))
met = set()
while True:
    print_alerts(session, 200)
    for peer in torrent.get_peer_info():
        if peer.flags & (libtorrent.peer_info.handshake | libtorrent.peer_info.connecting):
            continue
        for bit, source in SOURCES.items():
            line = f'met {peer.ip[0]}:{peer.ip[1]} by {source}'
            if int(peer.source) & bit and line not in met:
                met.add(line)
                print(line, flush=True)
