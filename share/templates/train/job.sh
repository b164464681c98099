#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the node, in the container: prepares it, then trains. The working directory is the
# mounted one; what is written elsewhere is gone with the container.
set -eu

# Packages that the image lacks, installed once for each requirements.txt and Python, and
# kept here for the jobs to come.
if [ -s requirements.txt ]; then
	python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	packages=$PWD/.packages/$python-$(cksum <requirements.txt | cut -d' ' -f1)
	if [ ! -d "$packages" ]; then
		new=$packages.${SLURM_JOB_ID:-0}.$$
		trap 'rm -rf "$new"' EXIT
		echo "installing requirements.txt"
		python3 -m pip install --quiet --target "$new" -r requirements.txt
		# Another job may have been faster; one of the two is enough.
		mv -T "$new" "$packages" 2>/dev/null || [ -d "$packages" ]
		rm -rf "$new"
		trap - EXIT
	fi
	export PYTHONPATH="$packages${PYTHONPATH:+:$PYTHONPATH}"
fi

# exec: Slurm's signals (the time limit is near, scancel) reach the program itself.
exec python3 train.py "$@"
