#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the node, in the container. exec: the signal reaches the program itself.
set -eu
exec python3 train.py "$@"
