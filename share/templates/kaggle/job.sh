#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the node, in the container: Kaggle's command with what this project is about.
set -eu
competition=@sh:competition@
dataset=@sh:dataset@
kernel=@sh:username@/@sh:slug@

# fetch COMMAND...: a command that fills the folder it gets as last word; then its files
# are in data/, and nothing is there before all of it is.
fetch()
{
	folder=$1
	shift
	new=data/.$folder.${SLURM_JOB_ID:-0}
	rm -rf "$new"
	mkdir -p "$new"
	"$@" "$new"
	for zip in "$new"/*.zip; do
		if [ -e "$zip" ]; then
			python3 -m zipfile -e "$zip" "$new"
			rm "$zip"
		fi
	done
	rm -rf "data/$folder"
	mv "$new" "data/$folder"
	echo "data/$folder is there"
}

case ${1-} in
download)
	fetch "$competition" kaggle competitions download --competition "$competition" --path
	if [ -n "$dataset" ]; then
		fetch "${dataset#*/}" kaggle datasets download --dataset "$dataset" --path
	fi
	;;
submit)
	kaggle competitions submit --competition "$competition" --file "${2:?a file}" \
		--message "${3:?a message}"
	;;
push)
	python3 pack.py
	kaggle kernels push --path kernel
	;;
status)
	kaggle kernels status "$kernel"
	;;
*)
	echo "job.sh: download, submit FILE MESSAGE, push or status" >&2
	exit 2
	;;
esac
