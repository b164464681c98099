# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by every gate: where the tree is, which files are ours, how to complain.
# A gate prints one line a fault, path:line first, and ends with `verdict`.
set -u
export LC_ALL=C.UTF-8
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
faults=0

# ours PATTERN...: the files of the tree, new ones included, ignored ones not (all files
# outside build folders where this is no checkout), that match one of git's path patterns.
ours()
{
	local list

	if [ -e .git ] && list=$(git -c safe.directory="$top" ls-files -co \
		--exclude-standard -- "$@" 2>/dev/null); then
		printf '%s\n' "$list"
	else
		find . -path './build*' -prune -o -path './.*' -prune -o -type f -print |
			sed 's,^\./,,' | matching "$@"
	fi | while IFS= read -r file; do
		[ -f "$file" ] && printf '%s\n' "$file"
	done
}

# The paths on stdin that match one of the patterns as git understands them: with a slash
# the whole path, else the name in any folder; "dir" or "dir/" all below it.
matching()
{
	local path pattern

	while IFS= read -r path; do
		for pattern; do
			# shellcheck disable=SC2053 # a pattern, on purpose
			if [[ $path == $pattern || $path == ${pattern%/}/* ]]; then
				printf '%s\n' "$path"
				break
			fi
		done
	done
}

fault()
{
	printf '%s\n' "$*"
	faults=$((faults + 1))
}

# Lines on stdin are faults.
faults_from()
{
	local line

	while IFS= read -r line; do
		fault "$line"
	done
}

need()
{
	command -v "$1" >/dev/null || {
		echo "$1 is not installed; ./run-tests installs it"
		exit 1
	}
}

# C source on stdin without its comments and the text of its string and character
# literals; line numbers stay. $1: "strings" keeps the literals.
bare_c()
{
	perl -0777 -pe '
		s{(/\*.*?\*/)|(//[^\n]*)|("(?:\\.|[^"\\\n])*")|(\x27(?:\\.|[^\x27\\\n])*\x27)}
		 {my ($c, $l, $s, $q) = ($1, $2, $3, $4);
		  defined $c ? ($c =~ tr/\n//cdr || " ") :
		  defined $l ? "" :
		  "'"${1:-}"'" eq "strings" ? ($s // $q) : defined $s ? "\"\"" : "0"}gse'
}

verdict()
{
	if [ "$faults" -gt 0 ]; then
		echo "$faults fault(s)${1:+: $1}"
		exit 1
	fi
	exit 0
}
