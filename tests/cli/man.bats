# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The man pages as they were built.
bats_require_minimum_version 1.5.0

@test "mandoc has nothing to say about any page" {
	local page pages=("$UC_TEST_BUILD"/man/*.[1-8])

	[ "${#pages[@]}" -ge 6 ]
	for page in "${pages[@]}"; do
		mandoc -T lint -W warning "$page"
	done
}

@test "no placeholder is left in a page" {
	run ! grep -nE '^@[A-Z_]+@$|Mdocdate' "$UC_TEST_BUILD"/man/*.[1-8]
}

@test "every option of --help is in the command's page, and every column" {
	local program option column page

	for program in uattach uqueue usrun usync; do
		page=$(mandoc -T utf8 "$UC_TEST_BUILD/man/$program.1" | col -bx)
		for option in $("$program" --help | grep -oE '^ +(-., )?--[a-z0-9-]+' | grep -oE '[-][-].*'); do
			grep -qF -- "$option" <<<"$page" || {
				echo "$program.1: no $option"
				return 1
			}
		done
	done
	page=$(mandoc -T utf8 "$UC_TEST_BUILD/man/uqueue.1" | col -bx)
	for column in $(uqueue --list-columns | cut -d' ' -f1); do
		grep -qE "^ +$column( |$)" <<<"$page"
	done
}

@test "pages that are referred to exist, or are Slurm's or the system's" {
	local name

	while IFS= read -r name; do
		case $name in
		u*.[157] | libucluster.3) [ -e "$UC_TEST_BUILD/man/$name" ] ;;
		esac
	done < <(sed -nE 's/^\.Xr ([^ ]+) ([0-9]).*/\1.\2/p' "$UC_TEST_BUILD"/man/*.[1-8] | sort -u)
}

@test "libucluster(3) names every public header" {
	local header name

	for header in "$UC_TEST_TOP"/include/ucluster/*.h; do
		name=${header##*/}
		grep -q "In ucluster/$name" "$UC_TEST_BUILD/man/libucluster.3" || {
			echo "libucluster.3: no $name"
			return 1
		}
	done
}
