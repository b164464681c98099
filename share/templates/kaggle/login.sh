#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./login.sh kaggle.json puts the key of the file that Kaggle gives
# (Settings, API, Create New Token) where kaggle.sh reads it, for you alone.
set -eu
umask 077
key_file=@sh:key_file@
if [ $# -ne 1 ]; then
	echo "login.sh: the file that Kaggle gives is expected: ./login.sh kaggle.json" >&2
	exit 2
fi
mkdir -p "$(dirname "$key_file")"
if ! python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["key"], end="")' \
	"$1" >"$key_file.new" 2>/dev/null; then
	rm -f "$key_file.new"
	echo "login.sh: there is no key in $1; is it the file that Kaggle gives?" >&2
	exit 1
fi
mv "$key_file.new" "$key_file"
echo "the key is in $key_file; delete $1 now"
