#!/usr/bin/env bash
# See readme_test.py. Arguments: that, the programs, the README.
exec /usr/bin/python3 "$@"
