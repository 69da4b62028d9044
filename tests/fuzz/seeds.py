"""Writes what the fuzzers start from, out of the cases of the other tests: seeds.py FOLDER."""

import json
import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[2]
out = Path(sys.argv[1])
count = 0


def put(target: str, content: bytes) -> None:
    global count
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / str(count)).write_bytes(content)
    count += 1


for name, target in {"load": "yaml", "key_value": "key_value", "key_value_command": "key_value"}.items():
    text = (root / f"src/yaml/testdata/{name}.in").read_text()
    for case in re.findall(r'\(r#+"(.*?)"#+,', text, re.S):
        put(target, case.encode())

for name in ("cases", "filters"):
    for line in (root / f"tests/templating/{name}.jsonl").read_text().splitlines():
        put("template", json.loads(line)["source"].encode())

# The first byte chooses the kind of file: see targets/inventory.rs.
endings = {".ini": 0, "": 0, ".yml": 1, ".toml": 2, ".json": 3}
for path in (root / "src/inventory/testdata/cases").rglob("*"):
    if path.is_file() and path.suffix in endings:
        put("inventory", bytes([endings[path.suffix]]) + path.read_bytes())

put("vault", b"$ANSIBLE_VAULT;1.1;AES256\n3132\n")
put("vault", b"$ANSIBLE_VAULT;1.2;AES256;dev\n33330a33330a3333\n")
