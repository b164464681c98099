#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./run-job.sh [ARG...] runs job.sh in a container on a node and shows
# its output. What the job needs is in .ucluster.yaml; arguments go to train.py.
set -eu
cd "$(dirname "$0")"
exec usrun --job-name=@sh:name@ ./job.sh "$@"
