#!/usr/bin/env python3
"""Prints the files of a lab host as sorted lines: path, kind, mode, owner, link target or checksum.

usage: snapshot.py ROOT NAME      (NAME is written as HOST, so that two hosts can be compared)

Left out is what a host changes by itself: logs, caches, /proc, the package manager's own files.
Equal snapshots before and after a run mean that the run touched nothing.
"""
import hashlib
import os
import stat
import sys

BUSY = {
    '/proc', '/sys', '/run', '/dev', '/tmp', '/var/tmp', '/var/log', '/var/cache', '/root/.ansible', '/root/.cache',
    '/var/lib/apt', '/var/lib/systemd', '/var/lib/dpkg', '/var/lib/dbus', '/var/backups', '/etc/hostname', '/etc/hosts',
    '/etc/machine-id', '/etc/ssh', '/etc/.updated', '/var/.updated',
}


def ids(path):
    """number -> name, from passwd or group"""
    found = {}
    with open(path, errors='replace') as lines:
        for line in lines:
            fields = line.split(':')
            if len(fields) > 2:
                found[int(fields[2])] = fields[0]
    return found


def lines(root, name):
    users, groups = ids(root + '/etc/passwd'), ids(root + '/etc/group')
    for folder, folders, files in os.walk(root):
        here = folder[len(root):]
        folders[:] = [f for f in folders if here + '/' + f not in BUSY]
        for entry in folders + files:
            path = here + '/' + entry
            if path in BUSY:
                continue
            try:
                info = os.lstat(root + path)
                owner = '%s:%s' % (users.get(info.st_uid, info.st_uid), groups.get(info.st_gid, info.st_gid))
                mode = '%o' % stat.S_IMODE(info.st_mode)
                if stat.S_ISLNK(info.st_mode):
                    yield '%s l %s %s' % (path, owner, os.readlink(root + path))
                elif stat.S_ISDIR(info.st_mode):
                    yield '%s d %s %s' % (path, mode, owner)
                elif stat.S_ISREG(info.st_mode):
                    with open(root + path, 'rb') as file:
                        content = file.read().replace(name.encode(), b'HOST')
                    if path.startswith('/var/spool/cron/'):     # crontab notes when and from which file it was installed
                        content = b''.join(line for line in content.splitlines(True) if not line.startswith((b'# (', b'# DO NOT EDIT')))
                    yield '%s f %s %s %s' % (path, mode, owner, hashlib.sha1(content).hexdigest()[:12])
                else:
                    yield '%s o %s %s' % (path, mode, owner)
            except FileNotFoundError:      # a running host removes files while we look
                continue


if __name__ == '__main__':
    print('\n'.join(sorted(line.replace(sys.argv[2], 'HOST') for line in lines(sys.argv[1].rstrip('/'), sys.argv[2]))))
