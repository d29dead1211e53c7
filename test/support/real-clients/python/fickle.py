"""Downloads a torrent from the given peers, and ends when it is complete: fickle.py FILE.torrent DATA_DIR IP:PORT...
After the first bytes it takes back all that it asked for, and for a second wants nothing."""
import sys

import libtorrent

from quiet_session import add_torrent, print_alerts, quiet_session

torrent_file, data_dir, *peers = sys.argv[1:]
session = quiet_session()
session.apply_settings({'close_redundant_connections': False})
torrent = add_torrent(session, torrent_file, data_dir)
for peer in peers:
    host, port = peer.rsplit(':', 1)
    torrent.connect_peer((host, int(port)))
while torrent.status().total_payload_download == 0:
    print_alerts(session, 100)
torrent.set_flags(libtorrent.torrent_flags.upload_mode)
print_alerts(session, 1000)
torrent.unset_flags(libtorrent.torrent_flags.upload_mode)
while not torrent.status().is_seeding:
    print_alerts(session, 100)
session.pause()  # closes the files
