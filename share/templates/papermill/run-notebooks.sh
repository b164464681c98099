#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./run-notebooks.sh [FILE...] runs notebook.ipynb once for each file of
# parameters, params/*.yaml if none is named, as tasks of one job.
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- params/*.yaml
for file; do
	[ -r "$file" ] || {
		echo "run-notebooks.sh: no file '$file'" >&2
		exit 1
	}
done
mkdir -p runs
exec usrun --batch --job-name=@sh:name@ --array="0-$(($# - 1))%"@sh:at_once@ \
	--output=runs/%A_%a.log ./job.sh "$@"
