"""A throw-away root for one target: an overlay of the prepared Debian root in namespaces of its own. Nothing of it stays.

`run` is called on the machine; it starts `conformance _stage`, which builds the root and enters it; `conformance _inside` there calls `testhost.run`.
"""
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time

from . import testhost
from .recap import parse_output
from .targets import read

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
LIBC = '/usr/lib/x86_64-linux-gnu/'


def run(settings, name, entry):
    """Runs one target; settings: src, root, tool, ansible, ssh, logs, timeout, nice, verbose, port, open (the names that may be run)."""
    if name not in settings['open']:
        raise SystemExit('%s is not one of the open targets: it is never run' % name)
    logs = os.path.abspath(settings['logs'])
    os.makedirs(logs, exist_ok=True)
    host_net = entry.get('net') == 'host'       # needs a package registry
    opt = dict(timeout=settings['timeout'], nice=settings['nice'], ssh=settings['ssh'], verbose=settings['verbose'], open=settings['open'],
               src='/conf/src', log='/conf/log/%s.log' % name, result='/conf/log/.result-%s.json' % name, path=PATH,
               port=settings['port'] + settings['open'].index(name) if host_net else 22, scratch=entry.get('scratch', '/var/tmp'),
               tool=None, ansible=None)
    binds = [(settings['src'], '/conf/src', True), (logs, '/conf/log', False), (HERE, '/conf/harness', True)]
    if settings['ansible']:
        binds.append((os.path.abspath(settings['ansible']), '/opt/ansible', True))
        opt['ansible'] = '/opt/ansible'
    else:
        opt['tool'] = '/conf/tool/' + os.path.basename(settings['tool'])
        binds.append((os.path.abspath(settings['tool']), opt['tool'], True))
        binds += newer_libc(settings['root'])
    if host_net:
        binds.append((os.path.realpath('/etc/resolv.conf'), '/etc/resolv.conf', True))
    result = os.path.join(logs, '.result-%s.json' % name)
    if os.path.exists(result):
        os.unlink(result)
    work = tempfile.mkdtemp(prefix='conf-stage-')
    spec = dict(root=os.path.abspath(settings['root']), work=work, binds=binds, opt=opt, target=name, host_net=host_net)
    command = ['unshare', '--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child=KILL', '--propagation', 'private']
    command += [] if host_net else ['--net']
    command += [sys.executable, os.path.abspath(sys.argv[0]), '_stage', json.dumps(spec)]
    begin = time.time()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        out, _ = process.communicate(timeout=settings['timeout'] + 60)
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    try:
        with open(result) as file:
            outcome = json.load(file)
        os.unlink(result)
    except (OSError, ValueError):
        outcome = dict(target=name, status='error', rc=process.returncode, seconds=round(time.time() - begin, 2), calls=0,
                       tasks=parse_output(read(os.path.join(logs, name + '.log'))), note='harness: ' + out.decode('utf-8', 'replace')[-600:])
    try:
        os.rmdir(work)
    except OSError:
        pass
    return outcome


def newer_libc(root):
    """Binds this machine's glibc over the root's when it is newer, so that a tool built here starts there."""
    def version(loader):
        try:
            text = subprocess.run([loader, '--version'], capture_output=True, text=True).stdout
            return tuple(int(n) for n in text.split('version ')[1].split('.')[:2])
        except (OSError, IndexError, ValueError):
            return (0, 0)
    loader = 'ld-linux-x86-64.so.2'
    if version(LIBC + loader) <= version(root + LIBC + loader):
        return []
    names = [loader] + ['lib%s' % n for n in ('c.so.6', 'm.so.6', 'dl.so.2', 'pthread.so.0', 'rt.so.1', 'resolv.so.2', 'util.so.1', 'anl.so.1',
                                              'nss_files.so.2', 'nss_dns.so.2', 'nss_compat.so.2', 'thread_db.so.1', 'mvec.so.1')]
    return [(LIBC + n, LIBC + n, True) for n in names if os.path.exists(LIBC + n) and os.path.exists(root + LIBC + n)]


def mount(*args):
    subprocess.run(['mount', *args], check=True)


def build(spec):
    """Mounts the overlay with /proc, /dev, /run and the binds; returns its mount point."""
    work = spec['work']
    mount('-t', 'tmpfs', '-o', 'size=8g,mode=755', 'conf', work)
    upper, scratch, root = work + '/upper', work + '/scratch', work + '/root'
    for folder in (upper, scratch, root):
        os.mkdir(folder)
    mount('-t', 'overlay', 'overlay', '-o', 'lowerdir=%s,upperdir=%s,workdir=%s' % (spec['root'], upper, scratch), root)
    mount('-t', 'proc', 'proc', root + '/proc')
    subprocess.run(['mount', '-t', 'sysfs', '-o', 'ro', 'sysfs', root + '/sys'], stderr=subprocess.DEVNULL)
    mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', root + '/dev')
    for name, major, minor in (('null', 1, 3), ('zero', 1, 5), ('full', 1, 7), ('random', 1, 8), ('urandom', 1, 9), ('tty', 5, 0)):
        os.mknod(root + '/dev/' + name, 0o666 | 0o020000, os.makedev(major, minor))
        os.chmod(root + '/dev/' + name, 0o666)
    os.mkdir(root + '/dev/pts')
    os.mkdir(root + '/dev/shm')
    mount('-t', 'devpts', '-o', 'newinstance,ptmxmode=0666,mode=620,gid=5', 'devpts', root + '/dev/pts')
    mount('-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', root + '/dev/shm')
    for to, link in (('pts/ptmx', 'ptmx'), ('/proc/self/fd', 'fd'), ('/proc/self/fd/0', 'stdin'), ('/proc/self/fd/1', 'stdout'), ('/proc/self/fd/2', 'stderr')):
        os.symlink(to, root + '/dev/' + link)
    mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', root + '/run')
    os.makedirs(root + '/run/lock', exist_ok=True)
    for source, inside, read_only in spec['binds']:
        place = root + inside
        if os.path.isdir(source):
            os.makedirs(place, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            open(place, 'a').close()
        mount('--bind', source, place)
        if read_only:
            mount('-o', 'remount,bind,ro', place)
    return root


def private_network(root):
    """A network in which nothing outside answers, with a default route for the facts; pip works from the wheels kept in the root."""
    if os.path.isdir(root + '/opt/wheels'):
        with open(root + '/etc/pip.conf', 'a') as file:
            file.write('no-index=true\nfind-links=/opt/wheels\n')
    for args in ('link set lo up', 'link add name eth0 type veth peer name eth0p', 'addr add 192.0.2.2/24 dev eth0', 'link set eth0 up',
                 'link set eth0p up', 'route add default via 192.0.2.1'):
        subprocess.run(['ip'] + args.split(), stderr=subprocess.DEVNULL)
    with open(root + '/etc/resolv.conf', 'w') as file:
        file.write('nameserver 127.0.0.1\n')


def enter(spec):
    """The first process of the new namespaces: builds the root, enters it, runs the target, reaps what it leaves."""
    opt = spec['opt']
    root = build(spec)
    subprocess.run(['hostname', 'conf-target'])
    if not spec['host_net']:
        private_network(root)
    os.chroot(root)
    os.chdir('/root')
    os.environ.clear()
    os.environ.update(HOME='/root', PATH=opt['path'], LC_ALL=testhost.LOCALE, SHELL='/bin/bash')
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (16, 17, 22, 25, 27, 34):       # modules, raw io, boot, clock, mknod, syslog
        libc.prctl(24, capability, 0, 0, 0)
    pid = os.fork()
    if pid == 0:
        # The root's own Python goes on: this one's library is not in the root.
        os.execv('/usr/bin/python3', ['python3', '-B', '/conf/harness/conformance', '_inside', json.dumps(opt), spec['target']])
    while True:         # what is left when the worker ends is killed with the namespace
        try:
            child, status = os.wait()
        except ChildProcessError:
            os._exit(1)
        if child == pid:
            os._exit(os.waitstatus_to_exitcode(status) & 255)
