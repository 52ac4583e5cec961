#!/usr/bin/env bash
# See readme_test.py. Arguments: that, the programs, the README, the programs of the examples.
exec /usr/bin/python3 "$@"
