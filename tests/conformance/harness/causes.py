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
# Complaints that mean the same in other words.
SAME = [(re.compile(pattern), cause) for pattern, cause in (
    (r"lookup plugin '([\w.]+)' was not found", r'no lookup \1'),
    (r"there is no lookup '([\w.]+)'", r'no lookup \1'),
    (r"couldn't resolve module/action '([\w.]+)'", r'no module \1'),
    (r'the runner has no module (\w+)', r'no module \1'),
    (r"'([\w.]+)' is a module written in Python", r'a module in Python'),
    (r'Assertion failed', 'an assertion fails'),
)]


def normal(line):
    """The complaint without what differs from target to target."""
    for pattern, cause in SAME:
        match = pattern.search(line)
        if match:
            return match.expand(cause)
    line = re.sub(r'^.*(?:Error while (?:resolving value for|evaluating)[^:]*): ', '', line)
    line = re.sub(r'/(?:[\w.\-\u00c0-\uffff]+/)+([\w.\-]*)', r'…/\1', line)
    line = re.sub(r'\b[0-9a-f]{8,}\b|\d+', 'N', line)
    return line.strip()[:220]


def complaint(log):
    """The last error of the output, and where: the place, the assertion that failed, or the lines before."""
    text = ANSI.sub('', log.split('### begin\n', 1)[-1])
    for sign in SIGNS:
        found = list(sign.finditer(text, max(0, len(text) - 40000)))
        if not found:
            continue
        # Scripts stop at the first failure that they did not expect, so the last one counts; ignored ones don't.
        found = [m for m in found if '...ignoring' not in text[m.end():].split('TASK [', 1)[0]] or found
        last = found[-1]
        rest = text[last.end():last.end() + 3000]
        place = re.search(r'(?:Origin: |--> )\S*?([\w.-]+/[\w.-]+:\d+)', rest)
        assertion = re.search(r'"assertion": "(.*?)", "', rest)
        more = [place.group(1)] if place else []
        return last.group(0), ' '.join(more + ([assertion.group(1)] if assertion else []))
    lines = [line for line in text.splitlines() if line.strip()]
    return (lines[-1], ' after: ' + ' | '.join(lines[-4:-1])) if lines else ('no output', '')


def report(results, logs, out):
    known, groups = entries(), {}
    for result in results:
        if result['status'] == 'pass':
            continue
        line, where = complaint(read(os.path.join(logs, result['target'] + '.log')))
        if result['status'] in ('timeout', 'short', 'error'):
            line = result['status'] + ': ' + (result.get('note') or line)
        groups.setdefault(normal(line), []).append((result, line + (' @ ' + where if where else '')))
    passed = sum(r['status'] == 'pass' for r in results)
    print('# %d of %d targets pass\n' % (passed, len(results)), file=out)
    for cause, members in sorted(groups.items(), key=lambda g: -sum(known[r['target']]['tasks'] - r['tasks']['done'] for r, _ in g[1])):
        lost = sum(known[r['target']]['tasks'] - r['tasks']['done'] for r, _ in members)
        print('## %d targets, %d tasks short: `%s`\n' % (len(members), lost, cause.replace('`', "'")), file=out)
        for result, line in members:
            entry = known[result['target']]
            why = needs_python(entry)
            print('- %s %d/%d%s: `%s`' % (result['target'], result['tasks']['done'], entry['tasks'], ' (%s)' % why if why else '',
                                         line.strip().replace('`', "'").replace('\n', ' ')[:420]), file=out)
        print(file=out)
