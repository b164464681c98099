#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node, each as a job:
#	./kaggle.sh download		data of the competition, and the data set, into data/
#	./kaggle.sh submit FILE MESSAGE	a submission
#	./kaggle.sh push		pack src/ into a kernel and push it
#	./kaggle.sh status		how the kernel does
set -eu
cd "$(dirname "$0")"
key_file=@sh:key_file@
if [ ! -s "$key_file" ]; then
	echo "kaggle.sh: no key in $key_file; ./login.sh kaggle.json puts it there" >&2
	exit 1
fi
# The key is in the job's environment and nowhere else; see usrun(1), SECURITY.
exec usrun --secret KAGGLE_KEY="$key_file" --env KAGGLE_USERNAME=@sh:username@ \
	--env KAGGLE_CONFIG_DIR="$PWD" ./job.sh "$@"
