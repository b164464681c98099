#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# ./table.sh [SWEEP] [--csv]: parameters and results of all tasks of the last sweep, or of
# this one, the best first.
set -eu
cd "$(dirname "$0")"
exec python3 sweep.py table --by @sh:best@ "$@"
