#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./run-jupyter.sh starts JupyterLab in a job and forwards its port to
# this host; what to type on the laptop is printed. Ctrl-C ends the forwarding, not the job.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p .jupyter

# The token is in a file that only you can read: not on a command line, which everybody on
# the node sees, nor in the job's environment or its output.
if [ ! -s .jupyter/token ]; then
	od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >.jupyter/token.new
	mv .jupyter/token.new .jupyter/token
fi
name=@sh:name@
# Of the server on its node, and of the laptop; this host has the next one.
port=${1:-$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 20000))}
here=$((port + 1))
job=$(usrun --batch --parsable --job-name="$name" --output=.jupyter/%j.log ./jupyter.sh "$port")
url=http://127.0.0.1:$port/lab
echo "$url?token=$(cat .jupyter/token)" >.jupyter/url

echo "job $job: JupyterLab, once it runs: $url"
if [ -t 1 ]; then
	echo "with its token: $(cat .jupyter/url)"
else
	echo "with its token: $PWD/.jupyter/url"
fi
echo "later again: uattach $job --forward $here:$port; end it: scancel $job"
echo "on the laptop:"
exec uattach "$job" --forward "$here:$port"
