"""Failures by cause: the first thing that each failed target complained about, without names and numbers, most frequent first."""
import os
import re

from .ledger import entries, needs_python
from .recap import ANSI
from .targets import read

# What an error looks like in the output, the tellingest first.
SIGNS = [re.compile(p, re.M) for p in (
    r"^thread '.*' .*panicked at .*\n?.*",
    r'^(?:\[ERROR\]|ERROR!?|error(?:\[[\w-]+\])?):? .*',
    r'^fatal: \[[^\]]*\]:? .*',
    r'^failed: \[[^\]]*\]:? .*',
    r'.*(?:command not found|No such file or directory|not supported|unrecognized|Usage:).*',
)]


def normal(line):
    """The complaint without what differs from target to target."""
    line = re.sub(r'/(?:[\w.\-\u00c0-\uffff]+/)+([\w.\-]*)', r'…/\1', line)
    line = re.sub(r'\b[0-9a-f]{8,}\b|\d+', 'N', line)
    return line.strip()[:220]


def complaint(log):
    text = ANSI.sub('', log.split('### begin\n', 1)[-1])
    tail = text[-20000:]
    for sign in SIGNS:
        found = sign.findall(tail)
        if found:       # runme scripts stop at the first failure that they did not expect, so the last is the one
            return found[-1]
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else 'no output'


def report(results, logs, out):
    known, groups = entries(), {}
    for result in results:
        if result['status'] == 'pass':
            continue
        line = complaint(read(os.path.join(logs, result['target'] + '.log')))
        if result['status'] in ('timeout', 'short', 'error'):
            line = result['status'] + ': ' + (result.get('note') or line)
        groups.setdefault(normal(line), []).append((result, line))
    passed = sum(r['status'] == 'pass' for r in results)
    print('# %d of %d targets pass\n' % (passed, len(results)), file=out)
    for cause, members in sorted(groups.items(), key=lambda g: -sum(known[r['target']]['tasks'] - r['tasks']['done'] for r, _ in g[1])):
        lost = sum(known[r['target']]['tasks'] - r['tasks']['done'] for r, _ in members)
        print('## %d targets, %d tasks short: `%s`\n' % (len(members), lost, cause.replace('`', "'")), file=out)
        for result, line in members:
            entry = known[result['target']]
            why = needs_python(entry)
            print('- %s %d/%d%s: `%s`' % (result['target'], result['tasks']['done'], entry['tasks'], ' (%s)' % why if why else '',
                                         line.strip().replace('`', "'").replace('\n', ' ')[:300]), file=out)
        print(file=out)
