# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the node, read by setup.sh and job.sh: nothing here needs .bashrc, which jobs do not
# read, and nothing is written to the home directory.
. ./settings.sh
export PYTHONNOUSERSITE=1 CONDA_PKGS_DIRS="$env_dir/pkgs" PIP_CACHE_DIR="$env_dir/cache"
export XDG_CACHE_HOME="$env_dir/cache" CONDA_NUMBER_CHANNEL_NOTICES=0

# The function "module" is made by a login shell; a job has none.
if [ -n "$modules" ]; then
	set +u
	for init in "${MODULESHOME:-/usr/share/modules}/init/sh" /usr/share/lmod/lmod/init/sh \
		/etc/profile.d/modules.sh /etc/profile.d/lmod.sh; do
		if ! command -v module >/dev/null && [ -r "$init" ]; then
			# shellcheck disable=SC1090 # the site's
			. "$init"
		fi
	done
	set -f
	# shellcheck disable=SC2086 # several words
	module load $modules
	set +f -u
fi

# What "conda init" writes to .bashrc.
if [ -z "$conda" ]; then
	if ! command -v conda >/dev/null; then
		echo "no conda here: say in settings.sh where it is" >&2
		exit 1
	fi
	conda=$(conda info --base)
fi
set +u # scripts of packages read what is not set
# shellcheck disable=SC1091 # conda's
. "$conda/etc/profile.d/conda.sh"
