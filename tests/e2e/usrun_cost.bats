#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154
# What usrun costs slurmctld: requests, counted by slurmctld itself and for one user, beside
# those of the same srun. Two more at most: one that sees whether slurmctld is there and
# brings what the checks need, one for the receipt.
load helper

setup()
{
	e2e_setup
	need_root
	export UCLUSTER_RECEIPTS=true
	unset XDG_STATE_HOME
	user_add uctcost
	cd "$WORK/home-uctcost" || return 1
	STATE=$WORK/home-uctcost/.local/state/ucluster
	printf 'time: 10m\npartition: batch\n' >"$WORK/site.yaml"
}

teardown()
{
	e2e_teardown
}

receipts()
{
	find "$STATE/receipts" -name '*.json' 2>/dev/null | wc -l
}

one_more()
{
	[ "$(receipts)" -eq $((BEFORE + 1)) ]
}

# asked COMMAND...: how often the user's processes ask slurmctld during it.
asked()
{
	BEFORE=$(receipts)
	# a job that has to wait is watched, and that costs more
	wait_until 20 no_jobs
	sdiag -r >/dev/null
	as uctcost "$@" || return 1
	[ "$1" = srun ] || wait_until 20 one_more || return 1
	sdiag | awk '/by user/ { on = 1 } on && $1 == "uctcost" { sub(/.*count:/, ""); n = $1 }
		END { print n + 0 }'
}

# more N WORD...: usrun asks N times more than srun does.
more()
{
	local own theirs expected=$1

	shift
	theirs=$(asked srun "$@")
	own=$(asked env UCLUSTER_SITE_CONFIG="${SITE:-/nonexistent}" usrun "$@" 2>said)
	echo "$*: srun $theirs, usrun $own"
	[ "$theirs" -ge 3 ]
	[ $((own - theirs)) -eq "$expected" ]
}

forget()
{
	rm -rf "$STATE/cache"
}

# As if they were written then.
make_older()
{
	touch -d "-$1" "$STATE"/cache/*
}

young()
{
	find "$STATE/cache" -type f -mmin -5 -printf '%f\n' | sed 's/-.*//' | sort | xargs
}

@test "nothing asked for: two more, cold and warm" {
	forget
	more 2 true
	more 2 true
	[ "$(young)" = partitions ]
}

@test "with a site's defaults, and with a GPU: two more, once a day limits and nodes" {
	SITE=$WORK/site.yaml
	more 3 true # the first of a day: limits, too
	more 2 true
	more 2 --gpus=1 true
	[ "$(young)" = "limits partitions" ]
	more 3 -c 2 --mem=1G true # and nodes
	more 2 -c 2 --mem=1G true
	more 2 --gpus=2 -c 4 --mem=2G --time=5 true
	[ "$(young)" = "limits nodes partitions" ]
}

@test "where limits are not enforced they are not asked for" {
	sed 's/^AccountingStorageEnforce=.*//' "$SLURM_CONF" >"$WORK/slurm.conf"
	cp "$(dirname "$SLURM_CONF")"/{plugstack,gres}.conf "$WORK"
	export SLURM_CONF=$WORK/slurm.conf
	more 2 --gpus=1 --time=5 true
	[ "$(young)" = partitions ]
}

@test "what is old is renewed in place of a ping, what is a day old is gone" {
	more 4 -c 2 --mem=1G true
	make_older '20 minutes'
	more 2 -c 2 --mem=1G true
	[ "$(young)" = partitions ]
	more 2 -c 2 --mem=1G true
	[ "$(young)" = "limits partitions" ]
	more 2 -c 2 --mem=1G true
	[ "$(young)" = "limits partitions" ]
	make_older '25 hours'
	more 4 -c 2 --mem=1G true
}

@test "without receipts one more" {
	UCLUSTER_RECEIPTS=false
	run -0 asked_without_receipt srun true
	theirs=$output
	run -0 asked_without_receipt usrun true
	[ $((output - theirs)) -eq 1 ]
}

asked_without_receipt()
{
	sdiag -r >/dev/null
	as uctcost "$@" || return 1
	sdiag | awk '/by user/ { on = 1 } on && $1 == "uctcost" { sub(/.*count:/, ""); n = $1 }
		END { print n + 0 }'
}
