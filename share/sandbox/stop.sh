# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# Stop: jobs, daemons, mounts and files, in this order.
#
# Variables are shared by the files that 'sandbox' reads together.
# shellcheck disable=SC2034,SC2154

# end_all SECONDS: every process and mount of this sandbox; SECONDS is how long
# jobs get to end by themselves.
end_all()
{
	end_jobs "$1"
	# Slurmds first: slurmctld then has nobody to talk to and ends at once.
	end_procs slurmd- 3
	end_jobs 0
	end_procs slurmctld 5
	end_procs slurmdbd 5
	end_procs mariadbd 5
	end_procs munged 2
	end_procs '' 2
	end_strays || :
	end_mounts
}

# remove_tree DIR: containers may have left folders that are closed even to us.
remove_tree()
{
	if rm -rf --one-file-system -- "$1" 2>/dev/null; then return 0; fi
	chmod -R u+rwX -- "$1" 2>/dev/null || :
	rm -rf --one-file-system -- "$1" || say "cannot remove all of '$1'"
}

# remove_files: all that a start made, images excepted.
remove_files()
{
	local name
	if [[ $runtime != "$dir" ]]; then
		case $runtime in
		*/ucluster-??????) remove_tree "$runtime" ;;
		esac
	fi
	for name in "${OWN_NAMES[@]}"; do
		remove_tree "${dir:?}/$name"
	done
	rm -f -- "$dir/state.new"
	rmdir -- "$dir/images" 2>/dev/null || :
}

# cancel_jobs: asks slurmctld to end all jobs, if it can still be asked.
cancel_jobs()
{
	local jobs
	if ! proc_pid slurmctld; then return 0; fi
	jobs=$(SLURM_CONF=$conf timeout 5 squeue -h -a -o %A 2>/dev/null | sort -u) || return 0
	if [[ -z $jobs ]]; then return 0; fi
	# shellcheck disable=SC2086
	SLURM_CONF=$conf timeout 5 scancel -f $jobs 2>/dev/null || :
}

cmd_stop()
{
	if ! is_sandbox; then
		if end_strays; then
			say "ended the daemons of a sandbox whose directory '$dir' was deleted"
			return 0
		fi
		say "no sandbox in '$dir'; nothing to stop"
		return 0
	fi
	if [[ ${SLURM_CONF-} == "$conf" && -n ${SLURMD_NODENAME-} ]]; then
		die 1 "this shell is a job of the sandbox and would be ended with it" \
			"leave the job first, then stop"
	fi
	take_lock "$WAIT_LOCK"
	load_state
	if [[ -e $dir/state || -e $dir/procs || -e $etc ]]; then
		unset_foreign
		cancel_jobs
		end_all 2
		remove_files
		say "stopped the sandbox in '$dir'"
	else
		say "no sandbox runs in '$dir'; nothing to stop"
	fi
	if ((opt_purge)); then
		remove_tree "${dir:?}/images"
		rm -f -- "$dir/$MARKER" "$dir/.lock"
		rmdir -- "$dir" 2>/dev/null || say "'$dir' holds other files, so it stays"
	elif [[ ! -d $dir/images ]]; then
		# Nothing worth keeping: leave no empty shell behind.
		rm -f -- "$dir/$MARKER" "$dir/.lock"
		rmdir -- "$dir" 2>/dev/null || :
	fi
}

# unset_foreign: variables meant for another cluster's Slurm.
unset_foreign()
{
	local name
	for name in $(compgen -e); do
		case $name in
		SLURM_* | SBATCH_* | SALLOC_* | SRUN_* | SQUEUE_* | SINFO_* | SCANCEL_* | SACCT_* | SACCTMGR_*)
			unset "$name" ;;
		esac
	done
}
