"""A libtorrent session on loopback that looks for nobody: TCP only, no discovery of any kind.
BT_ENCRYPTION in the environment: "off", "allow" (as libtorrent has it), or "require" for RC4 alone. BT_HOST: where it listens, by default 127.0.0.1."""
import os

import libtorrent

ENCRYPTION = {
    'off': {'in_enc_policy': 2, 'out_enc_policy': 2},
    'allow': {},
    'require': {'in_enc_policy': 0, 'out_enc_policy': 0, 'allowed_enc_level': 2},
}


def quiet_session(host=os.environ.get('BT_HOST', '127.0.0.1')):
    return libtorrent.session({
        'listen_interfaces': f'{host}:0',
        # It also takes connections there only, and finds ::1 nowhere.
        'outgoing_interfaces': '' if ':' in host else host,
        'enable_dht': False,
        'enable_lsd': False,
        'enable_upnp': False,
        'enable_natpmp': False,
        'enable_incoming_utp': False,
        'enable_outgoing_utp': False,
        'allow_multiple_connections_per_ip': True,
        'alert_mask': libtorrent.alert.category_t.status_notification | libtorrent.alert.category_t.error_notification,
        **ENCRYPTION[os.environ.get('BT_ENCRYPTION', 'allow')],
    })


def add_torrent(session, torrent_file, data_dir):
    params = libtorrent.add_torrent_params()
    params.ti = libtorrent.torrent_info(torrent_file)
    params.save_path = data_dir
    # It would pause what is over five, and begin paused.
    params.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
    return session.add_torrent(params)


def print_alerts(session, wait_ms):
    """Waits up to wait_ms for something to happen and prints it."""
    session.wait_for_alert(wait_ms)
    for alert in session.pop_alerts():
        print(alert.message(), flush=True)
