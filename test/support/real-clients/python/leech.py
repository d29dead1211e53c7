"""Downloads a torrent from the given peers and ends when it is complete: leech.py FILE.torrent DATA_DIR IP:PORT..."""
import sys

from quiet_session import add_torrent, print_alerts, quiet_session

torrent_file, data_dir, *peers = sys.argv[1:]
session = quiet_session()
torrent = add_torrent(session, torrent_file, data_dir)
for peer in peers:
    host, port = peer.rsplit(':', 1)
    torrent.connect_peer((host, int(port)))
while not torrent.status().is_seeding:
    print_alerts(session, 100)
session.pause()  # closes the files
