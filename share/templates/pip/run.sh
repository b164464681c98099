#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./run.sh ./setup.sh, ./run.sh ./job.sh [ARG...] runs a script on a
# node; options of usrun may stand before it: ./run.sh --batch ./job.sh
# shellcheck disable=SC1091,SC2154 # what settings.sh sets
set -eu
cd "$(dirname "$0")"
. ./settings.sh
mkdir -p "$env_dir"
if [ "$container" = no ]; then
	exec usrun --no-container "$@"
fi
case $env_dir in
"$PWD"/*) exec usrun "$@" ;;
*) exec usrun --mounts="$env_dir" "$@" ;;
esac
