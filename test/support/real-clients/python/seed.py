"""Seeds torrents until it is stopped: seed.py DATA_DIR FILE.torrent..."""
import sys

from quiet_session import add_torrent, print_alerts, quiet_session

data_dir, *torrent_files = sys.argv[1:]
session = quiet_session()
for torrent_file in torrent_files:
    add_torrent(session, torrent_file, data_dir)
print(f'listening on {session.listen_port()}', flush=True)
while True:
    print_alerts(session, 1000)
