"""Fetches the metadata of a magnet link from the given peers, writes the .torrent and ends: metadata.py MAGNET DIR FILE.torrent IP:PORT..."""
import sys

import libtorrent

from quiet_session import print_alerts, quiet_session

link, data_dir, torrent_file, *peers = sys.argv[1:]
session = quiet_session()
params = libtorrent.parse_magnet_uri(link)
params.save_path = data_dir
params.flags |= libtorrent.torrent_flags.upload_mode  # no content
torrent = session.add_torrent(params)
for peer in peers:
    host, port = peer.rsplit(':', 1)
    torrent.connect_peer((host, int(port)))
while not torrent.status().has_metadata:
    print_alerts(session, 100)
with open(torrent_file, 'wb') as file:
    file.write(libtorrent.bencode(libtorrent.create_torrent(torrent.torrent_file()).generate()))
