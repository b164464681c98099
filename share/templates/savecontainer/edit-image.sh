#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./edit-image.sh opens a shell in the image, to install by hand; when it
# ends, with "exit", the image is saved. Again: goes on from the image that was saved.
# ./edit-image.sh ./install.sh runs a script in it instead.
# shellcheck disable=SC1091,SC2154 # what settings.sh sets
set -eu
cd "$(dirname "$0")"
. ./settings.sh
over=
if [ -e "$saved" ]; then
	base=$saved
	over=--force # replaced when the new one is whole
fi
[ $# -gt 0 ] || set -- --pty bash
exec usrun --gpus=0 --image="$base" --save="$saved" ${over:+"$over"} --container-remap-root "$@"
