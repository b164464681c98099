#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ucluster init papermill, kaggle and savecontainer.
load helper
load templates

setup()
{
	e2e_setup
}

teardown()
{
	template_teardown
}

begin()
{
	e2e_teardown
	template_setup "$@" mem=1G time=10m
}

@test "papermill: a run for each file of parameters, its output in a notebook of its own" {
	begin papermill image=python
	run -0 ./run-notebooks.sh
	submitted
	wait_until 90 test -s runs/small.ipynb -a -s runs/large.ipynb
	wait_for_job "$job" GONE 60
	grep -q 'loss 0.3487' runs/small.ipynb
	grep -q 'loss 0.3660' runs/large.ipynb
	grep -q 'injected-parameters' runs/small.ipynb
	grep -q 'loss 0.3487' runs/*_1.log
	[ -z "$(ls runs/.*.ipynb 2>/dev/null)" ]
}

@test "papermill: a name with blanks; a notebook that fails is kept aside; a file that is not there" {
	begin papermill image=python kernel=python3
	printf 'steps: 1\nlr: 1/0\n' >'params/a b; $(touch no).yaml'
	run -0 ./run-notebooks.sh 'params/a b; $(touch no).yaml'
	submitted
	wait_for_job "$job" GONE 60
	[[ $(scontrol show job "${job}_0") == *"JobState=FAILED"* ]]
	[ -s 'runs/.a b; $(touch no).ipynb' ]
	[ ! -e 'runs/a b; $(touch no).ipynb' ]
	grep -q ZeroDivisionError runs/*_0.log
	[ ! -e no ]
	run ! ./run-notebooks.sh params/none.yaml
	[[ $output == "run-notebooks.sh: no file 'params/none.yaml'" ]]
}

# The site: a key, data, and what was sent to it.
kaggle_site()
{
	mkdir site
	printf 's3cret-key' >site/key
	python3 - site <<-'EOT'
		import sys, zipfile
		for name in ("digits", "bob-more"):
		    with zipfile.ZipFile(f"{sys.argv[1]}/{name}.zip", "w") as z:
		        z.writestr("train.csv", f"{name}\n")
	EOT
	standins_config "  KAGGLE_STANDIN: $PWD/site"
	echo '{"username": "anna", "key": "s3cret-key"}' >kaggle.json
}

@test "kaggle: data, a submission and a kernel; the key is a secret" {
	begin kaggle image=python competition=digits dataset=bob/more username=anna \
		"title=It's \"mine\" \$(touch no)" slug=my-try
	kaggle_site
	run ! ./kaggle.sh download
	[[ $output == *"no key in $HOME/.kaggle/key; ./login.sh kaggle.json"* ]]
	run -2 ./login.sh
	[ "$output" = "login.sh: the file that Kaggle gives is expected: ./login.sh kaggle.json" ]
	for file in nothing train.sh; do
		echo 'not JSON' >train.sh
		run -1 ./login.sh "$file"
		[ "$output" = "login.sh: there is no key in $file; is it the file that Kaggle gives?" ]
	done
	[ -z "$(ls -A "$HOME/.kaggle")" ]
	run -0 ./login.sh kaggle.json
	[ "$(stat -c %a "$HOME/.kaggle/key")" = 600 ]
	[ "$(cat "$HOME/.kaggle/key")" = s3cret-key ]
	run -0 ./kaggle.sh download
	[ "$(cat data/digits/train.csv data/more/train.csv | xargs)" = "digits bob-more" ]
	[ "$(find data -name '.*' | wc -l)" -eq 0 ]
	run -0 usrun python3 src/main.py
	[[ $output == *"2 files of data"* ]]
	run -0 ./kaggle.sh submit submission.csv "first 'try'; \$(touch no)"
	python3 -c '
import json
assert json.loads(open("site/submissions").read()) == ["digits", "first \x27try\x27; $(touch no)",
    "file\ndata/digits/train.csv\ndata/more/train.csv\n"]'
	run -0 ./kaggle.sh push
	[[ $output == *"successfully pushed"* ]]
	python3 -c '
import json
data = json.load(open("site/kernel/kernel-metadata.json"))
assert data["id"] == "anna/my-try" and data["title"] == "It\x27s \"mine\" $(touch no)", data
assert data["dataset_sources"] == ["bob/more"] and data["is_private"] is True, data'
	# the kernel runs by itself
	mkdir elsewhere
	(cd elsewhere && python3 ../site/kernel/kernel.py) | grep -q '0 files of data'
	run -0 ./kaggle.sh status
	[[ $output == *'anna/my-try has status "complete"'* ]]
	[ ! -e no ]
}

@test "kaggle: a wrong key is the job's error, and no half of a download stays" {
	begin kaggle image=python competition=digits username=anna
	kaggle_site
	./login.sh kaggle.json
	printf wrong >"$HOME/.kaggle/key"
	run ! ./kaggle.sh download
	[[ $output == *"401 - Unauthorized"* ]]
	[ ! -e data/digits ]
	run ! ./kaggle.sh upload
	[[ $output == *"download, submit FILE MESSAGE, push or status"* ]]
}

@test "savecontainer: a script, a shell, and jobs in what was saved" {
	begin savecontainer base=tiny gpus=0
	run ! ./run-job.sh
	[[ $output == *"no image ./my-image.sqsh yet"* ]]
	run -0 ./edit-image.sh ./install.sh
	run -0 ./run-job.sh
	[[ $output == *"installed: made"* ]]
	# by hand, in what was saved before
	printf '#!/bin/sh\nexec /bin/sh "$@"\n' >shell.sh
	chmod +x shell.sh
	tmux_start 100 20 ./edit-image.sh --pty ./shell.sh
	tmux_wait '[#$] *$' 60
	tmux_keys 'touch /opt/mine/by-hand; exit' Enter
	[ "$(tmux_status 90)" -eq 0 ]
	run -0 ./run-job.sh
	[[ $output == *"installed: by-hand made"* || $output == *"installed: by-hand"*"made"* ]]
	[ "$(head -c 4 my-image.sqsh)" = hsqs ]
}
