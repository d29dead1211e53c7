"""Runs nodes of a DHT until it is stopped, each on its own NETWORK.B.1, as in 127.30.B.1: libtorrent keeps one node of a /24.
dht_nodes.py COUNT NETWORK ENTRY [DATA_DIR FILE.torrent...]: with "::1" as NETWORK all of them are there, and each knows one other. The torrents are seeded by one more session, which announces them.
ENTRY: the node IP:PORT that all others enter the DHT by, or "-" when they know some of each other.
Prints "node IP:PORT" for each node, "seeder IP:PORT", and "ready" when somebody who only asks finds the seeder of each torrent."""
import sys
import time

import libtorrent

from quiet_session import add_torrent, print_alerts, quiet_session

count, network, entry, *rest = sys.argv[1:]
data_dir, torrent_files = (rest[0], rest[1:]) if rest else ('', [])


def text(host):
    return f'[{host}]' if ':' in host else host


def node(place, only_asks=False):
    host = network if ':' in network else f'{network}.{place}.1'
    session = quiet_session(text(host))
    session.apply_settings({
        'enable_dht': True,
        'dht_read_only': only_asks,
        'dht_bootstrap_nodes': '',
        'dht_announce_interval': 60,
        'alert_mask': libtorrent.alert.category_t.dht_notification | libtorrent.alert.category_t.dht_operation_notification,
    })
    return session, host, session.listen_port()


def join(session, others):
    if entry != '-':
        others = [(None, *entry.rsplit(':', 1))]
    for _, host, port in others:
        session.add_dht_node((host.strip('[]'), int(port)))


def known(session):
    """How many nodes there are in its routing table."""
    session.post_dht_stats()
    until = time.monotonic() + 2
    while time.monotonic() < until:
        session.wait_for_alert(100)
        for alert in session.pop_alerts():
            if isinstance(alert, libtorrent.dht_stats_alert):
                return sum(bucket['num_nodes'] for bucket in alert.routing_table)
    return 0


def finds_somebody(session, info_hash):
    session.dht_get_peers(info_hash)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        session.wait_for_alert(100)
        for alert in session.pop_alerts():
            if isinstance(alert, libtorrent.dht_get_peers_reply_alert) and alert.num_peers() > 0:
                return True
    return False


nodes = [node(place) for place in range(1, int(count) + 1)]
for index, (session, host, port) in enumerate(nodes):
    join(session, [nodes[(index + step) % len(nodes)] for step in (1, 2, 3, 5, 8, 13, 21, 34)])
    print(f'node {text(host)}:{port}', flush=True)
enough = 1 if entry != '-' else min(8, len(nodes) - 1)
while nodes and min(known(nodes[0][0]), known(nodes[-1][0])) < enough:
    pass

if torrent_files:
    seeder, host, port = node(200)
    join(seeder, nodes[:8])
    torrents = [add_torrent(seeder, torrent_file, data_dir) for torrent_file in torrent_files]
    while not all(torrent.status().is_seeding for torrent in torrents) or known(seeder) < enough:
        time.sleep(0.1)
    print(f'seeder {text(host)}:{port}', flush=True)
    finder, _, _ = node(201, only_asks=True)
    join(finder, nodes[-8:])
    for torrent in torrents:
        torrent.force_dht_announce()
        while not finds_somebody(finder, torrent.info_hash()):
            torrent.force_dht_announce()
print('ready', flush=True)
while True:
    for session, _, _ in nodes:
        session.pop_alerts()
    time.sleep(1)
