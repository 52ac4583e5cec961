#!/usr/bin/env bash
# See readme_test.py. Arguments: that, the server's program, the README.
exec /usr/bin/python3 "$@"
