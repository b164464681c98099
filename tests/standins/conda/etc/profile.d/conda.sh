# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stand-in for conda's: the function that activates an environment.
conda()
{
	if [ "$1" != activate ]; then
		command conda "$@"
		return
	fi
	if [ ! -e "$2/conda-meta/history" ]; then
		echo "EnvironmentLocationNotFound: $2" >&2
		return 1
	fi
	CONDA_PREFIX=$2
	PS1="($2) $PS1" # as the real one does, which is why "set -u" has to be off
	PATH=$2/bin:$PATH
	export CONDA_PREFIX PATH
}
