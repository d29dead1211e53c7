"""Serves torrents, and gets what is not in DATA_DIR, until it is stopped: seed.py DATA_DIR FILE.torrent...
Says how many bytes of content went to peers and came from them, once it has looked at what is in DATA_DIR, and whenever that has changed:
"payload of HASH: sent N, got N".
BT_UPLOAD_LIMIT in the environment: bytes a second of each torrent, by default without limit."""
import os
import sys

from libtorrent import torrent_status

from quiet_session import add_torrent, print_alerts, quiet_session

data_dir, *torrent_files = sys.argv[1:]
session = quiet_session()
torrents = [add_torrent(session, torrent_file, data_dir) for torrent_file in torrent_files]
for torrent in torrents:
    torrent.set_upload_limit(int(os.environ.get('BT_UPLOAD_LIMIT', '0')))
print(f'listening on {session.listen_port()}', flush=True)
said = {}
checking = (torrent_status.checking_files, torrent_status.checking_resume_data)
while True:
    print_alerts(session, 100)
    for torrent in torrents:
        status = torrent.status()
        figures = f'sent {status.total_payload_upload}, got {status.total_payload_download}'
        if status.state not in checking and said.get(torrent) != figures:
            said[torrent] = figures
            print(f'payload of {torrent.info_hash()}: {figures}', flush=True)
