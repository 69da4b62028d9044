"""The integration targets of an unpacked ansible-core source package, and what each needs beside it.

Only the targets of the open list, and the support targets that they use, are ever loaded.
"""
import os
import re


def read(path):
    try:
        with open(path, encoding='utf-8', errors='surrogateescape') as file:
            return file.read()
    except OSError:
        return ''


class Target:
    """One folder of test/integration/targets: its kind and what its `aliases` file asks for."""

    def __init__(self, src, name, modules):
        self.name = name
        self.path = os.path.join(src, 'test/integration/targets', name)
        self.kind = 'runme' if os.path.isfile(os.path.join(self.path, 'runme.sh')) else 'role'
        self.aliases = []
        for line in read(os.path.join(self.path, 'aliases')).splitlines():
            line = re.sub(r'\s*#.*', '', line).strip()
            if line:
                self.aliases.append(line)
        self.env_set = {}
        for alias in self.aliases:
            match = re.match(r'env/set/([^/]+)/(.*)', alias)
            if match:
                self.env_set[match.group(1)] = match.group(2)
        self.setup_once = self._after('setup/once/')
        self.setup_always = self._after('setup/always/')
        self.needs_target = self._after('needs/target/')
        self.needs_file = self._after('needs/file/')
        self.hidden = ('hidden' in self.aliases or name.startswith(('setup_', 'prepare_'))
                       or (self.kind == 'role' and not os.path.isdir(os.path.join(self.path, 'tasks'))))
        tests_module = [a for a in self.aliases if a in modules] or name in modules
        if 'context/controller' in self.aliases:
            self.context = 'controller'
        elif 'context/target' in self.aliases or tests_module or name.startswith('module_utils_'):
            self.context = 'target'
        else:
            self.context = 'controller'
        self.gather = 'gather_facts/no' not in self.aliases
        self.needs_ssh = 'needs/ssh' in self.aliases

    def _after(self, prefix):
        return [a[len(prefix):] for a in self.aliases if a.startswith(prefix)]


class Suite:
    """The open targets, and the support targets that they need copied beside them."""

    def __init__(self, src, open_names):
        self.src = os.path.abspath(src)
        folder = os.path.join(self.src, 'test/integration/targets')
        modules = {f[:-3] for f in os.listdir(os.path.join(self.src, 'lib/ansible/modules')) if f.endswith('.py') and f != '__init__.py'}
        self.open = set(open_names)
        self._all = {n: Target(self.src, n, modules) for n in sorted(os.listdir(folder)) if os.path.isdir(os.path.join(folder, n))}
        self._direct = {}
        self.targets = {n: t for n, t in self._all.items() if n in self.open or t.hidden}
        for name in sorted(self.open & set(self._all)):
            for needed in self.deps(name):
                self.targets[needed] = self._all[needed]

    def runnable(self, name):
        """The target, if it is one that may be run; everything that runs a target asks here."""
        if name not in self.open:
            raise SystemExit('%s is not one of the open targets: it is never run (see README.md)' % name)
        if name not in self.targets:
            raise SystemExit('no target %s in %s' % (name, self.src))
        return self.targets[name]

    def support(self, name):
        """A hidden target that prepares something for others."""
        target = self._all[name]
        if not target.hidden:
            raise SystemExit('%s is a test, not a support target: it is not run for another one' % name)
        return target

    def deps(self, name):
        """Names of all the targets that a target needs beside it, as ansible-test works them out."""
        out, todo = set(), [name]
        while todo:
            for needed in self._needs(todo.pop()):
                if needed not in out and needed != name:
                    out.add(needed)
                    todo.append(needed)
        return sorted(out)

    def _needs(self, name):
        if name in self._direct:
            return self._direct[name]
        target = self._all[name]
        hidden = {n for n, t in self._all.items() if t.hidden and t.kind == 'role'}
        found = set(target.setup_always + target.setup_once + target.needs_target)
        for folder, _, files in os.walk(os.path.join(target.path, 'meta')):
            for file in files:
                for line in read(os.path.join(folder, file)).splitlines():
                    if line.strip() and not re.match(r'^ *#', line):
                        found.update(h for h in hidden if h in line)
        root = os.path.realpath(os.path.join(self.src, 'test/integration/targets')) + '/'
        for folder, folders, files in os.walk(target.path):
            for entry in files + folders:
                path = os.path.join(folder, entry)
                if os.path.islink(path) and os.path.realpath(path).startswith(root):
                    found.add(os.path.realpath(path)[len(root):].split('/')[0])
        found.discard(name)
        self._direct[name] = {n for n in found if n in self._all}
        return self._direct[name]

    def unused(self):
        """Target folders that no open target needs; `setup` removes them from the unpacked package."""
        return [t.path for n, t in self._all.items() if n not in self.targets]
