"""Runs ansible-core's own integration targets against a tool that answers to Ansible's command names.

Start reading in ../conformance (the commands); then targets (what a target is), stage (a throw-away root),
testhost (one target in that root), recap (what its output says), ledger (open.json and expected.txt), causes.
Python's standard library only.
"""
