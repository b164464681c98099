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

# helps PROGRAM [COMMAND...]: its --help, and those of all its commands.
helps()
{
	local text name

	text=$("$@" --help) || return 0
	printf '%s\n' "$text"
	while read -r name; do
		helps "$@" "$name"
	done < <(sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<<"$text")
}

mapfile -t programs < <(sed -n 's/^uc_completions(\([a-z]*\))$/\1/p' "$UC_TEST_TOP"/cmd/*/CMakeLists.txt)

@test "every option of --help, of each command, is in the command's page" {
	local program option page

	for program in "${programs[@]}"; do
		page=$(mandoc -T utf8 "$UC_TEST_BUILD/man/$program.1" | col -bx)
		while read -r option; do
			grep -qE -- "$option([^a-z0-9-]|$)" <<<"$page" || {
				echo "$program.1: no $option"
				return 1
			}
		done < <(helps "$program" | grep -oE '^ +(-., )?--[a-z0-9-]+' | grep -oE '[-][-].*')
	done
}

@test "every option that a page lists or shows in an example is one" {
	local program option known foreign

	foreign=$(usrun --help=mdoc-foreign | grep -oE 'Fl [-][a-z0-9-]+' | sed 's/^Fl /-/')
	for program in "${programs[@]}"; do
		known=$(helps "$program" | grep -oE '[-][-][a-z0-9-]+')
		while read -r option; do
			grep -qxF -e "$option" <<<"$known"$'\n'"$foreign"$'\n--source' || {
				echo "$program.1: $option is no option"
				return 1
			}
		done < <(grep -E "^(\\.It .*Fl|\\.Dl $program|$program) " "$UC_TEST_BUILD/man/$program.1" |
			sed -E 's/(Fl )-([a-z])/\1--\2/g; s/[|;].*//; s/ ([.][/]|python).*//' |
			grep -oE '(^| )--[a-z0-9-]+')
	done
}

@test "what the pages of listings show as examples is understood" {
	local line program count=0

	export UC_SOURCE=synthetic:nodes=4,jobs=50,seed=1
	cd "$BATS_TEST_TMPDIR"
	while IFS= read -r line; do
		count=$((count + 1))
		status=0
		(eval "timeout 60 ${line%%|*}") </dev/null >out 2>&1 || status=$?
		# no such job, nobody to ask or act on: the cluster is another; never a mistake
		[[ $status =~ ^[0135]$ ]] || grep -q 'there is no terminal' out || {
			echo "$line: status $status"
			cat out
			return 1
		}
	done < <(for program in uinfo uqueue; do
		sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$UC_TEST_BUILD/man/$program.1" |
			sed -nE "s/^(\\.Dl )?($program .*)/\2/p"
	done)
	[ "$count" -ge 18 ]
}

@test "what jq is told in an example arrives whole, and works where nothing is listed" {
	local word count=0
	local nothing='{"jobs":[],"capacity":[],"packages":[],"folders":[],"scans":[{"owners":[]}]}'

	while IFS= read -r word; do
		count=$((count + 1))
		jq -r "$word" <<<"$nothing" || {
			echo "jq '$word'"
			return 1
		}
	done < <(for page in "$UC_TEST_BUILD"/man/*.1; do
		mandoc -T utf8 -O width=200 "$page" | col -bx |
			sed -nE "s/.*jq (-[a-z] )?'([^']*)'.*/\2/p"
	done)
	[ "$count" -eq "$(cat "$UC_TEST_BUILD"/man/*.1 | grep -c 'jq ')" ]
	[ "$count" -ge 5 ]
}

@test "README and the documents show options that there are" {
	local line known option count=0

	known=$(for program in "${programs[@]}"; do helps "$program"; done | grep -oE '[-][-][a-z0-9-]+' | sort -u
		usrun --help=mdoc-foreign | grep -oE 'Fl [-][a-z0-9-]+' | sed 's/^Fl /-/'
		echo --source)
	# shellcheck disable=SC2016 # of Markdown
	while IFS= read -r line; do
		while IFS= read -r option; do
			count=$((count + 1))
			grep -qxF -e "$option" <<<"$known" || {
				echo "$line: $option is no option"
				return 1
			}
		done < <(sed -E 's/ ([.][/]|python|sh -c).*//' <<<"$line" | grep -oE '(^| )--[a-z0-9-]+' | tr -d ' ')
	done < <(cat "$UC_TEST_TOP"/{README,SECURITY,NEWS}.md "$UC_TEST_TOP"/share/doc/*.md |
		grep -oE '(`|^\$ |^laptop\$ )(uattach|ucluster|udash|uimage|uinfo|uqueue|usrun|usync) [^`|;&]*')
	[ "$count" -ge 60 ]
}

@test "every column of a listing is in its page" {
	local column page words

	while read -r words; do
		page=$(mandoc -T utf8 "$UC_TEST_BUILD/man/${words%% *}.1" | col -bx)
		# shellcheck disable=SC2086 # words
		for column in $($words --list-columns | cut -d' ' -f1); do
			grep -qE "(^|[ ,(])$column([ ,.);]|$)" <<<"$page" || {
				echo "$words: no $column in its page"
				return 1
			}
		done
	done <<-EOT
		uqueue
		uinfo
		uinfo gpus
		uinfo nodes
		uinfo partitions
		uimage list
	EOT
}

@test "every variable of ours that the code knows is in a page" {
	local name count=0

	while IFS= read -r name; do
		count=$((count + 1))
		grep -qE "Ev .*$name( |$)" "$UC_TEST_BUILD"/man/*.[1-8] || {
			echo "$name is in none"
			return 1
		}
	done < <(grep -rhoE '"(UCLUSTER_[A-Z_]+|UC_SOURCE)"' "$UC_TEST_TOP/lib" "$UC_TEST_TOP/cmd" | tr -d '"' | sort -u)
	[ "$count" -ge 30 ]
}

@test "every page has the sections that readers look for" {
	local program section

	for program in "${programs[@]}"; do
		for section in SYNOPSIS DESCRIPTION ENVIRONMENT 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
			grep -q "^\.Sh $section" "$UC_TEST_BUILD/man/$program.1" || {
				echo "$program.1: no $section"
				return 1
			}
		done
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

@test "libucluster(3) has every function that the libraries export" {
	local name library count=0

	for library in "$UC_TEST_BUILD"/lib/libucluster*.so; do
		while IFS= read -r name; do
			count=$((count + 1))
			grep -qxF ".Fo $name" "$UC_TEST_BUILD/man/libucluster.3" || {
				echo "libucluster.3: no $name of ${library##*/}"
				return 1
			}
		done < <(nm -D --defined-only "$library" | sed -nE 's/.* [TR] (uc_[a-z0-9_]+)(@.*)?$/\1/p')
	done
	[ "$count" -ge 300 ]
}

@test "the example of libucluster(3) compiles, and says what is wrong without a cluster" {
	cd "$BATS_TEST_TMPDIR"
	mandoc -T utf8 -O width=200 "$UC_TEST_BUILD/man/libucluster.3" | col -bx |
		sed -n '/^EXAMPLES/,/^HEADERS/p' | sed -n '/#include/,/^           }$/p' >example.c
	"${CC:-cc}" -std=c11 -Wall -Wextra -Werror -I"$UC_TEST_TOP/include" \
		${UC_TEST_SANITIZE:+-fsanitize=$UC_TEST_SANITIZE} example.c \
		-L"$UC_TEST_BUILD/lib" -lucluster -Wl,-rpath,"$UC_TEST_BUILD/lib" -o example
	export UCLUSTER_SLURM_WORKER=$BATS_TEST_TMPDIR/none
	run ./example
	echo "$output"
	[ "$status" -ge 1 ] && [ "$status" -le 4 ]
	[ "${#lines[@]}" -eq 1 ]
}
