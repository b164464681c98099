#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./login.sh kaggle.json puts the key of the file that Kaggle gives
# (Settings, API, Create New Token) where kaggle.sh reads it, for you alone.
set -eu
umask 077
key_file=@sh:key_file@
mkdir -p "$(dirname "$key_file")"
python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["key"], end="")' \
	"${1:?the file kaggle.json}" >"$key_file.new"
mv "$key_file.new" "$key_file"
echo "the key is in $key_file; delete $1 now"
