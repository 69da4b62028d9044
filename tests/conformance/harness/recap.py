"""What a target's output says about how far it came: the play recaps, added up, and the score from them."""
import re

ANSI = re.compile(r'\x1b\[[0-9;]*m')
RECAP = re.compile(r'^(\S.*?)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)\s+skipped=(\d+)\s+rescued=(\d+)\s+ignored=(\d+)', re.M)
STATUS = re.compile(r'^(ok|changed|skipping|included): (?!.*\(item=).*$', re.M)
COLUMNS = ('ok', 'changed', 'unreachable', 'failed', 'skipped', 'rescued', 'ignored')


def parse_output(text):
    text = ANSI.sub('', text)
    total = dict(recaps=0, **{c: 0 for c in COLUMNS})
    last = 0
    for match in RECAP.finditer(text):
        total['recaps'] += 1
        last = match.end()
        for column, count in zip(COLUMNS, match.groups()[1:]):
            total[column] += int(count)
    total['tail'] = len(STATUS.findall(text[last:]))     # a run that died without a recap
    total['done'] = total['ok'] + total['skipped'] + total['rescued'] + total['tail']
    return total


def judge(result, entry):
    """Turns exit 0 with too few tasks into `short`, and gives the score; entry is the target's line of open.json."""
    done, tasks, calls = result['tasks']['done'], entry['tasks'] or 0, entry['calls'] or 0
    if result['status'] == 'pass' and done < 0.9 * tasks:
        result['status'] = 'short'
        result['note'] = 'exit 0, but %d of %d tasks in the recaps' % (done, tasks)
    if result['status'] == 'pass':
        score = 1.0
    elif entry['kind'] == 'role' or tasks >= calls or result['status'] == 'short':
        score = min(0.99, done / tasks) if tasks else 0.0
    else:       # scripts that show fewer tasks than they make calls: the last call reached is the one that broke
        score = min(0.99, (done + max(0, result['calls'] - 1)) / (tasks + calls))
    result['score'] = round(score, 4)
    return result
