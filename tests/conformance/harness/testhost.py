"""Runs one target the way ansible-test does, inside the root that `stage` has entered: scratch copy, inventory, environment, time limit."""
import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from . import sshd
from .recap import parse_output
from .targets import Suite, read

CLI = ['ansible-playbook', 'ansible', 'ansible-inventory', 'ansible-vault', 'ansible-config', 'ansible-doc',
       'ansible-galaxy', 'ansible-console', 'ansible-pull']
SUFFIX = '-\u00c5\u00d1\u015a\u00cc\u03b2\u0141\u00c8'     # ansible-test's own: paths with letters of other alphabets must work
PYTHON, PYVER, VERSION, LOCALE = '/usr/bin/python3', '3.11', '2.19.14', 'en_US.UTF-8'


def run(opt, name):
    """Runs one target; opt comes from `conformance run` through `stage`."""
    suite = Suite(opt['src'], opt['open'])
    os.nice(opt['nice'])
    return TestHost(suite, opt, tempfile.mkdtemp(prefix='conf-', dir=opt['scratch'])).run(name)


class TestHost:
    """The disposable root with the tool's commands on PATH."""

    def __init__(self, suite, opt, work):
        self.suite, self.opt, self.work = suite, opt, work
        self.key = None
        self.calls = os.path.join(work, 'invocations')
        open(self.calls, 'w').close()
        os.chmod(self.calls, 0o666)
        self.bin = os.path.join(work, 'bin')
        os.makedirs(self.bin)
        os.chmod(work, 0o755)
        self.make_commands()
        self.make_python()
        self.make_date()

    def make_commands(self):
        """Every command name on PATH: a wrapper that counts the call and then is the tool under that name."""
        links = os.path.join(self.work, 'links')
        os.makedirs(links)
        for name in CLI:
            wrapper = os.path.join(self.bin, name)
            if self.opt['ansible']:
                if not os.path.exists(os.path.join(self.opt['ansible'], 'bin', name)):
                    continue
                command = 'python ' + shlex.quote(os.path.join(self.opt['ansible'], 'bin', name))
            else:
                os.symlink(self.opt['tool'], os.path.join(links, name))
                command = shlex.quote(os.path.join(links, name))
            with open(wrapper, 'w') as file:
                file.write('#!/bin/sh\n{ echo %s >> %s; } 2>/dev/null || :\nexec %s "$@"\n' % (name, shlex.quote(self.calls), command))
            os.chmod(wrapper, 0o755)

    def make_python(self):
        """The interpreter under the names that the targets' scripts use."""
        helper = os.path.join(self.suite.src, 'test/lib/ansible_test/_util/target/injector/virtualenv.sh')
        if os.path.isfile(helper):
            shutil.copy(helper, os.path.join(self.bin, 'virtualenv.sh'))
        with open(os.path.join(self.bin, 'python.py'), 'w') as file:
            file.write('#!/bin/sh\nexec python "$@"\n')
        os.chmod(os.path.join(self.bin, 'python.py'), 0o755)
        for name in ('python', 'python3', 'python' + PYVER):
            os.symlink(PYTHON, os.path.join(self.bin, name))

    def make_date(self):
        """`date` alone also says the nanoseconds: ansible-pull's script commits it twice as a change, and a second is too long for that."""
        with open(os.path.join(self.bin, 'date'), 'w') as file:
            file.write('#!/bin/sh\n[ $# = 0 ] || exec /bin/date "$@"\nexec /bin/date "+%a %b %e %H:%M:%S.%N %Z %Y"\n')
        os.chmod(os.path.join(self.bin, 'date'), 0o755)

    def inventory(self, target):
        if self.opt['ssh'] or (target.needs_ssh and target.context == 'target'):
            variables = dict(ansible_connection='ssh', ansible_pipelining='yes', ansible_python_interpreter=PYTHON, ansible_host='localhost',
                             ansible_port=self.opt['port'], ansible_user='root', ansible_ssh_private_key_file=self.key,
                             ansible_ssh_extra_args='-o BatchMode=no -o StrictHostKeyChecking=no')
        else:
            variables = dict(ansible_connection='local', ansible_pipelining='yes', ansible_python_interpreter=PYTHON)
        return '[testgroup]\ntesthost %s\n' % ' '.join('%s=%r' % kv for kv in variables.items())

    def environment(self, target, root, integration, inventory, output):
        env = dict(
            HOME=os.environ.get('HOME', '/root'), LC_ALL=LOCALE, PATH=self.bin + ':' + self.opt['path'],
            ANSIBLE_PYTHON_MODULE_RLIMIT_NOFILE='1024', ANSIBLE_FORCE_COLOR='false', ANSIBLE_FORCE_HANDLERS='true',
            ANSIBLE_HOST_PATTERN_MISMATCH='error', ANSIBLE_INVENTORY='/dev/null', ANSIBLE_DEPRECATION_WARNINGS='false',
            ANSIBLE_HOST_KEY_CHECKING='false', ANSIBLE_RETRY_FILES_ENABLED='false', ANSIBLE_DISPLAY_TRACEBACK='never',
            ANSIBLE_CONFIG=os.path.join(integration, 'integration.cfg'), ANSIBLE_LIBRARY='/dev/null', ANSIBLE_DEVEL_WARNING='false',
            PAGER='/bin/cat', ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT='100', ANSIBLE_WORKER_SHUTDOWN_POLL_DELAY='0.1',
            ANSIBLE_PYTHON_INTERPRETER='/set/ansible_python_interpreter/in/inventory',
            JUNIT_OUTPUT_DIR=os.path.join(self.work, 'junit'), JUNIT_TASK_RELATIVE_PATH=root, JUNIT_REPLACE_OUT_OF_TREE_PATH='out-of-tree:',
            ANSIBLE_TEST_CI='', ANSIBLE_TEST_COVERAGE='', ANSIBLE_TEST_ANSIBLE_VERSION=VERSION,
            ANSIBLE_TEST_PYTHON_VERSION=PYVER, ANSIBLE_TEST_PYTHON_INTERPRETER=PYTHON,
            OUTPUT_DIR=output, INVENTORY_PATH=inventory, PIP_DISABLE_PIP_VERSION_CHECK='1')
        if self.opt['ansible']:
            env['PYTHONPATH'] = self.opt['ansible']
            env['ANSIBLE_TEST_ANSIBLE_LIB_ROOT'] = os.path.join(self.opt['ansible'], 'ansible')
        support = os.path.join(self.suite.src, 'test/support/integration/plugins/modules')
        if os.path.isdir(support):
            env['ANSIBLE_LIBRARY'] = support
        if 'non_local' in target.aliases:
            env['ANSIBLE_TEST_REMOTE_INTERPRETER'] = ''
        env.update(target.env_set)
        env['ANSIBLE_PLAYBOOK_DIR'] = integration
        return env

    def scratch(self, target):
        """A copy of the target and of what it needs; returns the copy's root, its integration folder and its targets folder."""
        root = tempfile.mkdtemp(prefix=target.name + '-', suffix=SUFFIX, dir=self.work)
        os.chmod(root, 0o755)
        integration = os.path.join(root, 'test/integration')
        targets = os.path.join(integration, 'targets')
        os.makedirs(targets)
        for part in [target] + [self.suite.targets[n] for n in self.suite.deps(target.name)]:
            shutil.copytree(part.path, os.path.join(targets, part.name), symlinks=True)
            for file in part.needs_file:
                source, copy = os.path.join(self.suite.src, file), os.path.join(root, file)
                if os.path.isfile(source) and not os.path.exists(copy):
                    os.makedirs(os.path.dirname(copy), exist_ok=True)
                    shutil.copy2(source, copy)
        open(os.path.join(integration, 'integration.cfg'), 'w').close()
        return root, integration, targets

    def one(self, target, log, deadline):
        """Runs a target's script or role once; returns the exit code, None when the time was up."""
        root, integration, targets = self.scratch(target)
        inventory = os.path.join(integration, 'inventory')
        with open(inventory, 'w') as file:
            file.write(self.inventory(target))
        output = os.path.join(self.work, 'output_dir')
        shutil.rmtree(output, ignore_errors=True)
        os.makedirs(output)
        env = self.environment(target, root, integration, inventory, output)
        verbose = ['-' + 'v' * self.opt['verbose']] if self.opt['verbose'] else []
        if target.kind == 'runme':
            cwd = os.path.join(targets, target.name)
            command = ['./runme.sh'] + verbose
            os.chmod(os.path.join(cwd, 'runme.sh'), 0o755)
            env['ANSIBLE_PLAYBOOK_DIR'] = cwd
        else:
            cwd = integration
            env['ANSIBLE_ROLES_PATH'] = targets
            play = target.name + '-play.yml'
            with open(os.path.join(integration, play), 'w') as file:
                json.dump([dict(hosts='testhost', gather_facts=target.gather, vars_files=[], vars=dict(output_dir=output), roles=[target.name])],
                          file, indent=4, sort_keys=True)
            command = [os.path.join(self.bin, 'ansible-playbook'), play, '-i', 'inventory'] + verbose
        log.write(('### %s: %s\n' % (target.name, ' '.join(command))).encode())
        log.flush()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait(timeout=max(1, deadline - time.time()))
        except subprocess.TimeoutExpired:
            for sig in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, sig)
                    process.wait(timeout=3)
                    break
                except (OSError, subprocess.TimeoutExpired):
                    pass
            return None

    def run(self, name):
        target = self.suite.runnable(name)
        if target.needs_ssh or self.opt['ssh']:
            _, self.key = sshd.start(self.work, self.opt['port'])
        with open(self.opt['log'], 'wb') as log:
            begin = time.time()
            deadline = begin + self.opt['timeout']
            for needed in target.setup_once + target.setup_always:
                code = self.one(self.suite.support(needed), log, deadline)
                if code != 0:
                    return dict(target=name, status='fail', rc=code, seconds=round(time.time() - begin, 2), calls=0, tasks=parse_output(''),
                                note='support target %s failed' % needed)
            log.write(b'### begin\n')
            log.flush()
            start_of_output = log.tell()
            open(self.calls, 'w').close()
            begin, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
            code = self.one(target, log, deadline)
            seconds, after = time.time() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        with open(self.opt['log'], 'rb') as file:
            file.seek(start_of_output)
            text = file.read().decode('utf-8', 'replace')
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return dict(target=name, status='timeout' if code is None else 'pass' if code == 0 else 'fail', rc=code, seconds=round(seconds, 2),
                    cpu_seconds=round(cpu, 2), calls=len(read(self.calls).split()), tasks=parse_output(text))
