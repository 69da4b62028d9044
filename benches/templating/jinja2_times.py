"""Seconds a render that Jinja2 takes for each template of cases.json, compiled once; printed as JSON. The best of several rounds."""
import json
import os
import sys
import time

import jinja2

cases = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'cases.json')))
environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
times, texts = {}, {}
for source in cases['templates']:
    template = environment.from_string(source)
    texts[source] = template.render(cases['variables'])
    rounds = []
    for _ in range(7):
        begin, count = time.perf_counter(), 2000
        for _ in range(count):
            template.render(cases['variables'])
        rounds.append((time.perf_counter() - begin) / count)
    times[source] = min(rounds)
json.dump({'times': times, 'texts': texts}, sys.stdout)
