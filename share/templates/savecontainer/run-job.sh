#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./run-job.sh [ARG...] runs job.sh in the image that was saved.
# shellcheck disable=SC1091,SC2154 # what settings.sh sets
set -eu
cd "$(dirname "$0")"
. ./settings.sh
if [ ! -e "$saved" ]; then
	echo "run-job.sh: no image $saved yet: ./edit-image.sh makes it" >&2
	exit 1
fi
exec usrun --image="$saved" ./job.sh "$@"
