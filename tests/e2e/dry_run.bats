#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What --dry-run shows is what would be run: 1,000 random job specifications, shown, pasted
# into bash and into dash, and compared byte for byte with what srun gets without --dry-run.
# In place of srun stands a recorder (specs.c), here only: it writes down words and
# environment. UC_SPECS and UC_SEED choose others.
load helper

: "${UC_SPECS:=1000}" "${UC_SEED:=1}"

setup()
{
	local name

	e2e_setup
	mkdir bin m shown exec bash dash
	cp "$UC_TEST_BUILD/tests/specs" specs
	cp specs bin/srun
	./specs folders "$WORK/m" "$IMAGES/tiny.sqsh"
	# working directories with odd names, configured or not
	PLACES=("$WORK/plain" "$WORK/two  blanks" "$WORK/it's" "$WORK/"$'\xff\x81' "$WORK/\$HOME")
	for name in "${PLACES[@]}"; do
		mkdir -p "$name"
	done
	printf 'image: python\ntime: 8h\nenv: {GREETING: "two  words", A: "it'\''s"}\n' \
		>"${PLACES[1]}/.ucluster.yaml"
	printf 'gpus: "1"\nmem: 24G\nmounts: [".:/here:ro"]\n' \
		>"${PLACES[2]}/.ucluster.yaml"
	export PATH=$WORK/bin:$PATH UCLUSTER_RUNTIME=pyxis UCLUSTER_RECEIPTS=false
	# what an allocation outside has left, and a variable that is handed on
	export _SLURM_SPANK_OPTION_pyxis_container_image=/old.sqsh
	export CALLERS=$'it\'s\na "value"\xff'
	echo "seed $UC_SEED, $UC_SPECS specifications"
}

teardown()
{
	e2e_teardown
}

# in_place N COMMAND...: in the working directory of specification N.
in_place()
{
	cd "${PLACES[$1 % ${#PLACES[@]}]}" && shift && "$@"
}

# each FIRST: every second specification, shown and run.
each()
{
	local n

	for ((n = $1; n < UC_SPECS; n += 2)); do
		(in_place "$n" ../specs run "$UC_SEED" "$n" srun "$WORK/m" usrun --dry-run) \
			>"shown/$n" 2>>"errors.$1" || return
		(RECORD=$WORK/exec/$n in_place "$n" ../specs run "$UC_SEED" "$n" srun \
			"$WORK/m" usrun --no-check) >/dev/null 2>>"errors.$1" || return
	done
}

# paste SHELL FIRST: 50 of them, one after the other, in one shell.
paste_into()
{
	local n

	for ((n = $2; n < $2 + 50 && n < UC_SPECS; n++)); do
		printf 'cd %q\n' "$WORK" # without anything that only bash knows
		printf "cd '%s'\n" "${PLACES[n % ${#PLACES[@]}]//\'/\'\\\'\'}"
		printf 'RECORD=%q; export RECORD\n' "$WORK/$1/$n"
		cat "shown/$n"
	done >"$1.sh"
	"$1" "$1.sh"
}

# show_different SHELL: the first that differs.
show_different()
{
	local n

	head -n 3 different
	for ((n = 0; n < UC_SPECS; n++)); do
		cmp -s "exec/$n" "$1/$n" && continue
		cat "shown/$n"
		diff -a <(tr '\0' '\n' <"exec/$n") <(tr '\0' '\n' <"$1/$n")
		return 1
	done
	return 1
}

@test "1,000 job specifications come through bash and dash as srun would get them" {
	local n shell first pid

	each 0 &
	pid=$!
	each 1 || {
		tail -3 errors.1
		false
	}
	wait "$pid" || {
		tail -3 errors.0
		false
	}
	for shell in bash dash; do
		for ((first = 0; first < UC_SPECS; first += 50)); do
			paste_into "$shell" "$first"
		done
		diff -rq exec "$shell" >different || show_different "$shell"
	done
	[ "$(find exec -type f | wc -l)" -eq "$UC_SPECS" ]
	# neither is right by being wrong in the same way
	for ((n = 0; n < UC_SPECS; n++)); do
		./specs check "$UC_SEED" "$n" srun "$WORK/m" "exec/$n"
	done
}

@test "200 batch scripts are bash, and give srun the command and its variables" {
	local n

	for ((n = 0; n < UC_SPECS / 5; n++)); do
		(in_place "$n" ../specs run "$UC_SEED" "$n" batch "$WORK/m" \
			usrun --batch --dry-run) >"shown/$n" 2>errors || {
			cat errors
			false
		}
		bash -n "shown/$n"
		RECORD=$WORK/exec/$n bash "shown/$n"
		./specs check "$UC_SEED" "$n" batch "$WORK/m" "exec/$n" || {
			cat "shown/$n"
			false
		}
	done
}
