# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Transcripts in tests/expect: "$ words of a shell", then what they print on stdout and
# stderr, then "[status]" unless it is the usual one. To take what is printed now as what is expected, look at
# the difference, then:  UC_UPDATE=1 ctest -R cli.NAME

# check_transcript NAME [USUAL_STATUS]
check_transcript()
{
	local expected=$UC_TEST_TOP/tests/expect/$1 usual=${2:-0} line status

	while IFS= read -r line; do
		if [[ $line != '$ '* ]]; then
			continue
		fi
		printf '%s\n' "$line"
		status=0
		eval "timeout 20 ${line#??}" </dev/null 2>&1 || status=$?
		if ((status != usual)); then
			printf '[%s]\n' "$status"
		fi
	done <"$expected" >"$BATS_TEST_TMPDIR/actual"
	if [[ -n ${UC_UPDATE-} ]]; then
		cp "$BATS_TEST_TMPDIR/actual" "$expected"
	fi
	diff -u "$expected" "$BATS_TEST_TMPDIR/actual"
}

# on_terminal COLUMNS COMMAND...: run it on a pseudo-terminal of that width.
on_terminal()
{
	local columns=$1

	shift
	TERM=xterm COLUMNS=$columns script -qec "$*" /dev/null | tr -d '\r'
}
