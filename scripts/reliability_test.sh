#!/usr/bin/env bash
# See reliability_test.py. Argument: that.
exec /usr/bin/python3 "$@"
