#!/usr/bin/env bash
# See figures_test.py. Argument: that.
exec /usr/bin/python3 "$@"
