#!/usr/bin/env python3
"""Runs a command and measures its whole process tree, daemons that it leaves included: tree.py RESULT COMMAND…

Adopts what the command orphans; when the command ends (or on SIGTERM) the rest is ended too, so that all CPU time is accounted for.
RESULT: {"code", "wall", "cpu", "rss"}: exit code, seconds, user + system seconds, peak of the sum of resident sets in bytes.
"""
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time

PAGE = os.sysconf('SC_PAGE_SIZE')


def descendants(root):
    parents = {}
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open('/proc/%s/stat' % name) as file:
                    parents.setdefault(int(file.read().rsplit(')', 1)[1].split()[1]), []).append(int(name))
            except (OSError, IndexError):
                pass
    found, todo = [], [root]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def resident(pids):
    total = 0
    for pid in pids:
        try:
            with open('/proc/%d/statm' % pid) as file:
                total += int(file.read().split()[1]) * PAGE
        except (OSError, IndexError):
            pass
    return total


def main():
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)     # PR_SET_CHILD_SUBREAPER
    begin = time.monotonic()
    child = subprocess.Popen(sys.argv[2:])
    peak, done = 0, threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())

    def sample():
        nonlocal peak
        while not done.wait(0.03):
            peak = max(peak, resident(descendants(os.getpid())))
    sampler = threading.Thread(target=sample)
    sampler.start()
    code = child.wait()
    wall = time.monotonic() - begin
    done.set()
    sampler.join()
    for sig in (signal.SIGTERM, signal.SIGKILL):
        for pid in descendants(os.getpid()):
            try:
                os.kill(pid, sig)
            except OSError:
                pass
        until = time.monotonic() + 2
        while time.monotonic() < until:
            try:
                if os.waitpid(-1, os.WNOHANG) == (0, 0):
                    time.sleep(0.01)
            except ChildProcessError:
                break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(sys.argv[1], 'w') as file:
        json.dump(dict(code=code, wall=wall, cpu=used.ru_utime + used.ru_stime, rss=peak), file)
    sys.exit(code if code >= 0 else 1)


main()
