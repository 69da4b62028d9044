"""open.json (the targets that may be run, with ansible-core's own counts) and expected.txt (those that pass: the ratchet)."""
import json
import os

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OPEN = os.path.join(HERE, 'open.json')
EXPECTED = os.path.join(HERE, 'expected.txt')
HEAD = '# The open targets that pass. `conformance ratchet` fails when one of them does not; `conformance update` adds new ones.\n'


def entries():
    with open(OPEN) as file:
        return {e['target']: e for e in json.load(file)}


def expected():
    with open(EXPECTED) as file:
        return [line.strip() for line in file if line.strip() and not line.startswith('#')]


def write_expected(names):
    known = entries()
    with open(EXPECTED, 'w') as file:
        file.write(HEAD + ''.join(n + '\n' for n in sorted(names) if n in known))


def needs_python(entry):
    """Why a target cannot pass without a Python bridge, or None."""
    if entry.get('python_plugins'):
        return 'controller plugins in Python'
    if entry.get('python_modules'):
        return 'modules in Python'
    return None


def save(path, tool, ssh, results):
    part = path + '.part'
    with open(part, 'w') as file:
        json.dump(dict(tool=tool, ssh=ssh, results=results), file, indent=1)
    os.replace(part, path)


def load(path):
    with open(path) as file:
        return json.load(file)['results']


def table(results, out):
    """Totals per category, with the score: how far all runs came together."""
    known, rows = entries(), {}
    for result in results:
        row = rows.setdefault(known[result['target']]['category'], [0, 0, 0.0, 0.0, 0.0])
        row[0] += result['status'] == 'pass'
        row[1] += 1
        row[2] += result['score']
        row[3] += result['seconds']
        row[4] += known[result['target']]['seconds']
    print('%-16s %5s %5s %7s %8s %10s' % ('category', 'pass', 'of', 'score', 'seconds', 'ansible s'), file=out)
    total = [sum(column) for column in zip(*rows.values())] if rows else [0, 0, 0.0, 0.0, 0.0]
    for name, row in sorted(rows.items()) + [('TOTAL', total)]:
        print('%-16s %5d %5d %7.3f %8.1f %10.1f' % (name, row[0], row[1], row[2] / max(1, row[1]), row[3], row[4]), file=out)
