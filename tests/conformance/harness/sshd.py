"""An sshd inside the disposable root, where `ssh localhost` just works for root, as in ansible-test's containers."""
import os
import shutil
import socket
import subprocess
import time

from .targets import read


def start(work, port):
    """Starts it and returns the process and root's private key."""
    os.makedirs('/run/sshd', exist_ok=True)
    folder = os.path.join(work, 'sshd')
    os.makedirs(folder, mode=0o700)
    hostkey = os.path.join(folder, 'hostkey')
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', hostkey], check=True)
    home = os.path.expanduser('~/.ssh')
    os.makedirs(home, mode=0o700, exist_ok=True)
    key = os.path.join(home, 'id_rsa')
    if not os.path.exists(key):
        subprocess.run(['ssh-keygen', '-q', '-m', 'PEM', '-t', 'rsa', '-b', '2048', '-N', '', '-f', key], check=True)
    shutil.copy(key + '.pub', os.path.join(home, 'authorized_keys'))
    if port != 22:
        with open(os.path.join(home, 'config'), 'w') as file:
            file.write('Host localhost 127.0.0.1\n  Port %d\n' % port)
    public = ' '.join(read(hostkey + '.pub').split()[:2])
    with open(os.path.join(home, 'known_hosts'), 'w') as file:
        for host in ('localhost', '127.0.0.1', '::1'):
            file.write('%s %s\n' % (host if port == 22 else '[%s]:%d' % (host, port), public))
    config = os.path.join(folder, 'sshd_config')
    with open(config, 'w') as file:
        file.write('Port %d\nListenAddress 127.0.0.1\nListenAddress ::1\nHostKey %s\nAuthorizedKeysFile .ssh/authorized_keys\nPidFile %s/pid\nUsePAM yes\n'
                   'PermitRootLogin yes\nPasswordAuthentication yes\nStrictModes no\nMaxSessions 100\nMaxStartups 100\nAcceptEnv LANG LC_*\n'
                   'Subsystem sftp /usr/lib/openssh/sftp-server\n' % (port, hostkey, folder))
    log = open(os.path.join(folder, 'log'), 'wb')
    daemon = subprocess.Popen(['/usr/sbin/sshd', '-D', '-e', '-f', config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    until = time.time() + 10
    while time.time() < until and daemon.poll() is None:
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return daemon, key
        except OSError:
            time.sleep(0.05)
    raise RuntimeError('sshd did not start: ' + read(os.path.join(folder, 'log')))
