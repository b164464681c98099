#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the node: makes an environment with what environment.yml says, and lets jobs use it
# from now on. Jobs that run keep the one they have.
# shellcheck disable=SC1091,SC2154 # what settings.sh sets
set -eu
. ./env.sh

new=$env_dir/$(date +%Y%m%d-%H%M%S)-${SLURM_JOB_ID:-0}
trap 'rm -rf "$new"' EXIT
conda env create --quiet --prefix "$new" --file environment.yml
# One rename: the old environment or the new one is there at any time.
ln -s "${new##*/}" "$new.link"
mv -T "$new.link" "$env_dir/current"
trap - EXIT
echo "environment $new is ready"
