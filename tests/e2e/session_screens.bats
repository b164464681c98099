#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Full-screen programs in detachable sessions: drawn again as they were, and resized.
load helper

setup()
{
	e2e_setup
	export HOME=$WORK/home XDG_STATE_HOME=$WORK/state
	mkdir -p "$HOME" "$XDG_STATE_HOME"
}

# A shell does not listen to scancel, and keeps the job for KillWait.
teardown()
{
	[ -z "${JOB:-}" ] || scancel --signal=KILL "$JOB" 2>/dev/null || :
	e2e_teardown
}

# session COMMAND...: in a terminal; $JOB is its job.
session()
{
	tmux_start 100 30 usrun --no-container --detachable --time=30 "$@"
	tmux_wait 'session of job [0-9]+;' 60
	JOB=$(tmux_screen | sed -n 's/.*session of job \([0-9]*\);.*/\1/p' | head -1)
}

# come_back COLUMNS ROWS: detaches, then attaches in a terminal of that size.
come_back()
{
	tmux_keys C-a d
	[ "$(tmux_status)" = 0 ]
	tmux_end
	rm "$WORK/tmux.status"
	tmux_start "$1" "$2" uattach "$JOB"
}

# What the terminal shows, and how: colours, the cursor, the modes.
look()
{
	tmux_do capture-pane -p -e
	tmux_do display-message -p \
		'#{cursor_x},#{cursor_y} #{alternate_on}#{cursor_flag}#{keypad_cursor_flag}'
}

same_look()
{
	look | cmp -s - "$1"
}

# looks_like FILE: so before long; shows what is different when it never is.
looks_like()
{
	wait_until 30 same_look "$1" && return 0
	look | diff "$1" -
}

# The screen's rows as they are: none is joined with the next.
rows()
{
	tmux_do capture-pane -p | sed 's/[[:blank:]]*$//'
}

same_rows()
{
	rows | cmp -s - "$1"
}

# vim_is_drawn ROWS: the line, the status line and the mode, where they are due.
vim_is_drawn()
{
	rows >screen
	[[ $(grep -cE '^ *50 line 50 of the file, changed$' screen) = 1 &&
		$(sed -n "$(($1 - 1))p" screen) =~ ^text\ \[\+\]\ +50,29\ +[0-9]+%$ &&
		$(sed -n "$1p" screen) = '-- INSERT --' ]]
}

@test "vim: the same after coming back, edited on, in windows of other sizes" {
	seq -f 'line %g of the file' 200 >text
	session vim.tiny -u NONE -N --cmd 'set laststatus=2 ruler showmode number' text
	tmux_wait '^ *1 line 1 of the file$' 60
	# not written, in the middle of it, while text is put in
	tmux_keys 50G A ', changed'
	wait_until 20 vim_is_drawn 30
	look >before
	come_back 100 30
	looks_like before
	# a smaller window, a larger one: vim draws for it, the status line is where it is due
	come_back 70 20
	wait_until 30 vim_is_drawn 20
	tmux_do resize-window -x 120 -y 40
	wait_until 30 vim_is_drawn 40
	# nobody looks while it has this size; the same again
	look >before
	come_back 120 40
	looks_like before
	tmux_keys ' twice' Escape ':wq' Enter
	[ "$(tmux_status)" = 0 ]
	[ "$(sed -n 50p text)" = 'line 50 of the file, changed twice' ]
	[ "$(wc -l <text)" = 200 ]
}

# The one process that htop shows, meters that do not grow with the machine.
htop_of()
{
	mkdir -p "$HOME/.config/htop"
	cat >"$HOME/.config/htop/htoprc" <<-'EOT'
		left_meters=CPU Memory
		left_meter_modes=1 1
		right_meters=Tasks LoadAverage Uptime
		right_meter_modes=2 2 2
	EOT
	session htop -d 5 -p "$1"
}

# htop_is_drawn ROWS: the header, the columns' names, the process's row, the keys.
htop_is_drawn()
{
	rows >screen
	[[ $(grep -cE '(Load average|Uptime): [0-9]|Tasks: |^ *Mem\[.*\]' screen) = 3 &&
		$(grep -cE '^ *PID USER .* Command$' screen) = 1 &&
		$(grep -cE "^ *$sleeper +[^ ]+ .* sleep 12345\$" screen) = 1 &&
		$(sed -n "$1p" screen) == F1Help*F10Quit ]]
}

drawn()
{
	wait_until 40 htop_is_drawn "$1" || {
		cat screen
		return 1
	}
}

uptime_goes_on()
{
	[ "$(tmux_screen | grep -o 'Uptime: .*')" != "$uptime" ]
}

@test "htop: header and process as they were, also in windows of other sizes" {
	sleep 12345 3>&- &
	sleeper=$!
	htop_of "$sleeper"
	drawn 30
	# it stands still: what is on the screen after coming back is not htop's own work
	htop=$(ps -C htop -o pid=,args= | sed -n "s/^ *\([0-9]*\) .* -p $sleeper\$/\1/p")
	[ -n "$htop" ]
	kill -STOP "$htop"
	wait_until 10 stands_still "$htop"
	# the text: where nothing is written, tmux may tell of a colour or not
	rows >before
	come_back 100 30
	wait_until 30 same_rows before
	htop_is_drawn 30
	uptime=$(tmux_screen | grep -o 'Uptime: .*')
	kill -CONT "$htop"
	wait_until 20 uptime_goes_on
	# smaller, then larger
	come_back 80 20
	drawn 20
	tmux_do resize-window -x 130 -y 36
	drawn 36
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
	kill "$sleeper"
}

# Stopped, and all it has drawn before is here.
stands_still()
{
	[ "$(ps -o stat= -p "$1" | cut -c1)" = T ] && look >one && sleep 0.6 && same_look one
}
