# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the node, read by setup.sh and job.sh: nothing here needs .bashrc, which jobs do not
# read, and nothing is written to the home directory.
. ./settings.sh
export PYTHONNOUSERSITE=1 PIP_CACHE_DIR="$env_dir/cache" XDG_CACHE_HOME="$env_dir/cache"

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
