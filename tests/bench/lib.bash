# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# What the benchmarks share; read by the scripts here, which set $tsv with --tsv.
# shellcheck disable=SC2034

bench_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bench_repo=${bench_here%/tests/bench}
tsv=''

# bench_tsv FILE: where bench_row adds to, whatever folder the script goes to.
bench_tsv()
{
	tsv=$(realpath "$1")
}

# bench_row WHAT OURS PEER GOAL UNIT: a line for tests/bench/table, which has the words of
# GOAL. Figures may be "-".
bench_row()
{
	[ -z "$tsv" ] || printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$tsv"
}

# bench_median [FACTOR]: of numbers, a line each.
bench_median()
{
	sort -n | awk -v f="${1:-1}" '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] * f : "-" }'
}

# bench_machine: which processor, how many, and what else runs.
bench_machine()
{
	printf '%s, %d processors, load %s\n' \
		"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
		"$(cut -d' ' -f1 /proc/loadavg)"
}

# bench_compile PROGRAM [WORD...]: PROGRAM.c from here, by the same name.
bench_compile()
{
	local program=$1

	shift
	cc -O2 -D_GNU_SOURCE -o "$program" "$bench_here/${program##*/}.c" "$@"
}

# bench_goal GOAL REACHED: in brackets, which are not judged, where the world is smaller
# than the goal's.
bench_goal()
{
	if [ "$2" = yes ] || [ "$1" = - ]; then echo "$1"; else echo "($1)"; fi
}

# bench_title TEXT: rows that follow belong to it.
bench_title()
{
	[ -z "$tsv" ] || printf '# %s\n' "$1" >>"$tsv"
}
