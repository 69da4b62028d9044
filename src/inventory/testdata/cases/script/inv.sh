#!/bin/sh
cat <<'J'
{"web": {"hosts": ["w1", "w2"], "vars": {"a": true, "t": "{{ x }}"}, "children": ["inner"]},
 "inner": ["i1", "w1"],
 "bare": {"foo": 1},
 "_meta": {"hostvars": {"w1": {"x": [1, 1e3, null]}, "i1": {}, "nobody": {"y": 1}}}}
J
