#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs on another machine as streams: both transports, by the program ssh-stream.
load helper
load sshd
load ssh

setup()
{
	ssh_setup
}

teardown()
{
	[ -z "${LOGIN-}" ] || userdel "$LOGIN"
	ssh_teardown
}

@test "exit status, output and standard error of a command" {
	for by in openssh libssh2; do
		run --separate-stderr stream "$by" there 'echo out; echo err >&2; exit 7' </dev/null
		[ "$status" -eq 7 ]
		[ "$output" = out ]
		[[ $stderr == *"open by $by"* ]]
		[[ $stderr == *'said: err'* ]]
	done
}

@test "100 MB there and back are the same bytes" {
	head -c 100000000 /dev/urandom >"$SSHD_DIR/data"
	sum=$(sha256sum <"$SSHD_DIR/data")
	for by in openssh libssh2; do
		[ "$(stream "$by" there cat <"$SSHD_DIR/data" | sha256sum)" = "$sum" ]
	done
}

@test "the end of the input is seen while output is awaited" {
	head -c 3000000 /dev/urandom >"$SSHD_DIR/data"
	for by in openssh libssh2; do
		run --separate-stderr stream "$by" there sha256sum <"$SSHD_DIR/data"
		[ "$status" -eq 0 ]
		[ "$output" = "$(sha256sum <"$SSHD_DIR/data")" ]
		[ "$(head -c 100000 "$SSHD_DIR/data" | stream -m half "$by" there cat | sha256sum)" = \
			"$(head -c 100000 "$SSHD_DIR/data" | sha256sum)" ]
	done
}

@test "several streams over one connection" {
	for by in openssh libssh2; do
		run stream -m echo -n 8 -b 3000000 "$by" there cat
		[ "$status" -eq 0 ]
	done
	[ "$(grep -c 'Accepted publickey' "$SSHD_DIR/log")" -eq 2 ]
}

@test "a connection that ends takes its streams along" {
	for by in openssh libssh2; do
		run stream -m leave -n 4 "$by" there cat
		[ "$status" -eq 0 ]
	done
	wait_until 10 nobody_is_served
}

nobody_is_served()
{
	[ -z "$(sshd_processes)" ]
}

@test "what a command says is bounded, its end is kept" {
	for by in openssh libssh2; do
		run stream "$by" there 'head -c 30000000 /dev/zero | tr "\0" x >&2; echo end >&2' </dev/null
		[ "$status" -eq 0 ]
		[[ $output == *xxxxend* ]]
		[ "${#output}" -lt 6000 ]
	done
}

@test "a server that dies is noticed" {
	local -a all

	for by in openssh libssh2; do
		stream "$by" there 'echo begun; exec sleep 1000' </dev/null \
			>"$SSHD_DIR/out.$by" 2>"$SSHD_DIR/err.$by" 3>&- &
		client=$!
		wait_until 20 grep -q begun "$SSHD_DIR/out.$by"
		mapfile -t all < <(sshd_processes)
		kill -KILL "${all[@]}"
		wait_status "$client"
		case $by in
		openssh) [ "$status" -eq 255 ] ;;
		*) [ "$status" -eq 99 ] ;;
		esac
	done
}

@test "the end is not waited for longer than was said" {
	for by in openssh libssh2; do
		mkfifo "$SSHD_DIR/held.$by"
		exec 8<>"$SSHD_DIR/held.$by"
		SECONDS=0
		run stream -w 500 -m ask "$by" there "cat; exec cat <'$SSHD_DIR/held.$by'" <<<x
		exec 8>&-
		[ "$status" -eq 99 ]
		[ "$SECONDS" -lt 10 ]
	done
}

@test "nothing is done while nothing moves" {
	for by in openssh libssh2; do
		TIMEFORMAT='%U %S'
		used=$({ time stream "$by" there 'sleep 3' </dev/null >/dev/null 2>&1; } 2>&1)
		awk '{ exit !($1 + $2 < 1) }' <<<"$used"
	done
}

@test "a subsystem that is there, and one that is not" {
	for by in openssh libssh2; do
		printf '\0\0\0\5\1\0\0\0\3' | stream -m ask -s "$by" there sftp >"$SSHD_DIR/out"
		run od -An -tx1 "$SSHD_DIR/out"
		[[ $output == *' 02 00 00 00 03'* ]]
		run stream -s "$by" there nonesuch </dev/null
		[ "$status" -ne 0 ]
	done
	[[ $output == *"error 5: '127.0.0.1' does not want that"* ]]
}

# libssh2 1.10 forgets some 100 bytes when it reads an ECDSA key
@test "keys of every type; an RSA key is for ssh" {
	for type in ecdsa ed25519 rsa; do
		rm -f "$SSHD_DIR/id" "$SSHD_DIR/id.pub"
		ssh-keygen -q -t "$type" -N '' -f "$SSHD_DIR/id"
		cp "$SSHD_DIR/id.pub" "$SSHD_DIR/authorized_keys"
		ASAN_OPTIONS=detect_leaks=0 run stream auto there true </dev/null
		[ "$status" -eq 0 ]
		case $type in
		rsa) [[ $output == *'open by openssh'*"why: libssh2 1.10 cannot use the RSA key '$SSHD_DIR/id'"* ]] ;;
		*) [[ $output == *'open by libssh2'* ]] ;;
		esac
	done
	run stream libssh2 there true </dev/null
	[ "$status" -eq 105 ]
	[[ $output == *'cannot be used by libssh2 1.10; use --transport ssh or an Ed25519 key'* ]]
}

@test "a key that is not let in" {
	: >"$SSHD_DIR/authorized_keys"
	for by in openssh libssh2 auto; do
		run stream "$by" there true </dev/null
		[ "$status" -eq 105 ]
		[[ $output == *"does not let"* ]]
	done
}

@test "a key in a file that others can read is not used" {
	chmod 644 "$SSHD_DIR/id"
	for by in openssh libssh2; do
		run stream "$by" there true </dev/null
		[ "$status" -eq 105 ]
	done
}

@test "an encrypted key asks for its passphrase, again when it is wrong" {
	for type in ed25519 ecdsa; do
		rm -f "$SSHD_DIR/id" "$SSHD_DIR/id.pub"
		ssh-keygen -q -t "$type" -N 'pass word' -f "$SSHD_DIR/id"
		cp "$SSHD_DIR/id.pub" "$SSHD_DIR/authorized_keys"
		ASAN_OPTIONS=detect_leaks=0 run stream -p wrong -p 'pass word' libssh2 there 'echo in' </dev/null
		[ "$status" -eq 0 ]
		[ "$(grep -c "asked: Passphrase of the key '$SSHD_DIR/id'" <<<"$output")" -eq 2 ]
		[[ $output == *$'\nin\n'* ]]
	done
	run stream libssh2 there true </dev/null
	[ "$status" -eq 105 ]
	# the server is asked first: nobody types a passphrase for nothing
	: >"$SSHD_DIR/authorized_keys"
	run stream -p 'pass word' libssh2 there true </dev/null
	[ "$status" -eq 105 ]
	[[ $output != *asked:* ]]
}

@test "ssh asks at the terminal by itself" {
	rm -f "$SSHD_DIR/id" "$SSHD_DIR/id.pub"
	ssh-keygen -q -t ed25519 -N 'pass word' -f "$SSHD_DIR/id"
	cp "$SSHD_DIR/id.pub" "$SSHD_DIR/authorized_keys"
	sed -i '/BatchMode/d' "$SSHD_CONFIG"
	mkfifo "$SSHD_DIR/typed"
	script -qec "'$UC_TEST_BUILD/tests/ssh-stream' -F '$SSHD_CONFIG' -p '' openssh there 'echo in' </dev/null" \
		/dev/null <"$SSHD_DIR/typed" >"$SSHD_DIR/screen" 2>&1 3>&- &
	client=$!
	exec 8>"$SSHD_DIR/typed"
	wait_until 20 grep -q 'passphrase for key' "$SSHD_DIR/screen"
	printf 'pass word\n' >&8
	wait_until 20 grep -q '^in' "$SSHD_DIR/screen"
	exec 8>&-
	wait "$client" || :
}

@test "keys in the agent" {
	eval "$(ssh-agent -s -a "$SSHD_DIR/agent" 3>&-)" >/dev/null
	AGENT=$SSH_AGENT_PID
	ssh-add -q "$SSHD_DIR/id"
	mv "$SSHD_DIR/id" "$SSHD_DIR/id.away"
	sed -i '/IdentityAgent/d' "$SSHD_CONFIG"
	for by in openssh libssh2; do
		run stream "$by" there true </dev/null
		[ "$status" -eq 0 ]
	done
	# one that never answers
	mv "$SSHD_DIR/id.away" "$SSHD_DIR/id"
	perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Local => shift, Listen => 5) or die;
		$SIG{ALRM} = sub { exit }; alarm 60; sleep 60' "$SSHD_DIR/mute" 3>&- &
	mute=$!
	wait_until 10 test -S "$SSHD_DIR/mute"
	SECONDS=0
	SSH_AUTH_SOCK=$SSHD_DIR/mute run stream libssh2 there true </dev/null
	kill "$mute"
	[ "$status" -eq 0 ]
	[ "$SECONDS" -lt 15 ]
}

@test "a host never seen is refused unless the user trusts it" {
	: >"$SSHD_DIR/known_hosts"
	for by in openssh libssh2 auto; do
		run stream "$by" there true </dev/null
		[ "$status" -eq 105 ]
		[[ $output == *'not known'* ]]
		[ ! -s "$SSHD_DIR/known_hosts" ]
	done
	configure 'StrictHostKeyChecking ask' 'BatchMode no'
	run stream libssh2 there true </dev/null
	[ "$status" -eq 105 ]
	[ ! -s "$SSHD_DIR/known_hosts" ]
	run stream -y libssh2 there true </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *"$(ssh-keygen -lf "$SSHD_DIR/host_ed25519.pub" | awk '{ print $2 }')"* ]]
	ssh-keygen -F "[127.0.0.1]:$SSHD_PORT" -f "$SSHD_DIR/known_hosts"
	for by in openssh libssh2; do
		run stream "$by" there true </dev/null
		[ "$status" -eq 0 ]
	done
}

@test "accept-new adds a host, as a hash where that is wanted" {
	rm "$SSHD_DIR/known_hosts"
	configure 'StrictHostKeyChecking accept-new' 'HashKnownHosts yes' \
		"UserKnownHostsFile $SSHD_DIR/new/known_hosts"
	run stream libssh2 there true </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *"was added to '$SSHD_DIR/new/known_hosts'"* ]]
	[ "$(stat -c %a "$SSHD_DIR/new/known_hosts" "$SSHD_DIR/new")" = $'600\n700' ]
	grep -q '^|1|' "$SSHD_DIR/new/known_hosts"
	ssh-keygen -F "[127.0.0.1]:$SSHD_PORT" -f "$SSHD_DIR/new/known_hosts"
	run stream libssh2 there true </dev/null
	[ "$status" -eq 0 ]
	[[ $output != *added* ]]
	[ "$(wc -l <"$SSHD_DIR/new/known_hosts")" -eq 1 ]
}

@test "another key is refused, whatever the configuration allows" {
	ssh-keygen -q -t ed25519 -N '' -f "$SSHD_DIR/another"
	sed "s/^/[127.0.0.1]:$SSHD_PORT /" "$SSHD_DIR/another.pub" >"$SSHD_DIR/known_hosts"
	for strict in yes accept-new no; do
		sed -i "s/^StrictHostKeyChecking.*/StrictHostKeyChecking $strict/" "$SSHD_CONFIG"
		for by in openssh libssh2 auto; do
			run stream -y -p secret "$by" there true </dev/null
			[ "$status" -eq 105 ]
			[[ $output == *"'127.0.0.1' is not the known host"* ]]
			[[ $output == *"$(ssh-keygen -lf "$SSHD_DIR/host_ed25519.pub" | awk '{ print $2 }')"* ]]
			[[ $output == *"at: $SSHD_DIR/known_hosts:1"* ]]
			[[ $output != *asked:* && $output != *trust:* ]]
		done
		[[ $output == *"$(ssh-keygen -lf "$SSHD_DIR/another.pub" | awk '{ print $2 }')"* ]]
	done
}

@test "a key that is revoked, and a line that cannot be read" {
	sed -i 's/^/@revoked /' "$SSHD_DIR/known_hosts"
	configure 'StrictHostKeyChecking accept-new'
	for by in openssh libssh2 auto; do
		run stream -y "$by" there true </dev/null
		[ "$status" -eq 105 ]
		[[ $output == *revoked* ]]
	done
	echo "[127.0.0.1]:$SSHD_PORT ssh-ed25519 AAAAnonsense" >"$SSHD_DIR/known_hosts"
	run stream -y libssh2 there true </dev/null
	[ "$status" -eq 105 ]
	[[ $output == *'cannot be read'* ]]
}

@test "the type of key by which the host is known is asked for" {
	for type in ecdsa ed25519; do
		sed "s/^/[127.0.0.1]:$SSHD_PORT /" "$SSHD_DIR/host_$type.pub" >"$SSHD_DIR/known_hosts"
		ssh-keygen -H -f "$SSHD_DIR/known_hosts" 2>/dev/null
		run stream libssh2 there true </dev/null
		[ "$status" -eq 0 ]
	done
}

@test "a certified host is for ssh" {
	ssh-keygen -q -t ed25519 -N '' -f "$SSHD_DIR/authority"
	ssh-keygen -q -s "$SSHD_DIR/authority" -I host -h -n 127.0.0.1 "$SSHD_DIR/host_ed25519.pub"
	printf '@cert-authority * %s\n' "$(<"$SSHD_DIR/authority.pub")" >"$SSHD_DIR/known_hosts"
	printf 'HostCertificate "%s"\n' "$SSHD_DIR/host_ed25519-cert.pub" >>"$SSHD_DIR/sshd_config"
	kill -HUP "$SSHD_PID"
	wait_until 10 two_starts
	run stream auto there true </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *'open by openssh'*'why: the host has a certificate'* ]]
}

two_starts()
{
	[ "$(grep -c '^Server listening' "$SSHD_DIR/log")" -ge 2 ]
}

@test "through other hosts" {
	configure 'Host one' "HostName localhost" "Port $SSHD_PORT" "HostKeyAlias 127.0.0.1" \
		'Host two' 'HostName 127.0.0.1' "Port $SSHD_PORT" \
		'Host three' 'HostName 127.0.0.1' "Port $SSHD_PORT" 'ProxyJump one,two' \
		'Host four' 'HostName 127.0.0.1' "Port $SSHD_PORT" 'ProxyJump three' \
		'Host *' "$(sed -n '/^User /p; /^Identity/p; /^Strict/p; /^UserKnown/p' "$SSHD_CONFIG")"
	cat "$SSHD_DIR"/host_*.pub | sed 's/^/127.0.0.1 /' >>"$SSHD_DIR/known_hosts"
	head -c 20000000 /dev/urandom >"$SSHD_DIR/data"
	for host in three four; do
		: >"$SSHD_DIR/log"
		run --separate-stderr stream libssh2 "$host" sha256sum <"$SSHD_DIR/data"
		[ "$status" -eq 0 ]
		[ "$output" = "$(sha256sum <"$SSHD_DIR/data")" ]
	done
	[ "$(grep -c 'Accepted publickey' "$SSHD_DIR/log")" -eq 4 ]
	run stream -m leave -n 3 libssh2 four cat
	[ "$status" -eq 0 ]
}

@test "a host that lets nobody through" {
	sshd_stop
	sshd_start 'AllowTcpForwarding no'
	configure 'Host behind' 'HostName 127.0.0.1' "Port $SSHD_PORT" 'ProxyJump there'
	run stream libssh2 behind true </dev/null
	[ "$status" -eq 104 ]
	[[ $output == *prohibited* ]]
}

@test "what only ssh does is left to it, with the reason" {
	configure 'Host by' "ProxyCommand nc 127.0.0.1 $SSHD_PORT" 'HostName 127.0.0.1'
	run stream libssh2 by true </dev/null
	[ "$status" -eq 102 ]
	[[ $output == *ProxyCommand* ]]
	configure "ControlPath $XDG_RUNTIME_DIR/mine"
	ssh -F "$SSHD_CONFIG" -o ControlMaster=yes -o ControlPersist=60 -N there 2>/dev/null 3>&-
	run stream auto there 'exit 3' </dev/null
	ssh -F "$SSHD_CONFIG" -O exit there 2>/dev/null
	[ "$status" -eq 3 ]
	[[ $output == *'why: ssh keeps a connection'* ]]
	[ "$(grep -c 'Accepted publickey' "$SSHD_DIR/log")" -eq 1 ]
}

@test "a connection of ssh that is kept for the next run" {
	for _ in 1 2; do
		run stream -k openssh there 'exit 3' </dev/null
		[ "$status" -eq 3 ]
	done
	[[ $output == *'was kept'* ]]
	[ "$(grep -c 'Accepted publickey' "$SSHD_DIR/log")" -eq 1 ]
	[ "$(stat -c %a "$XDG_RUNTIME_DIR/ucluster-ssh")" = 700 ]
	# a folder where others can write is not used
	run stream openssh there true </dev/null
	[ "$status" -eq 0 ]
	[ "$(find "$XDG_RUNTIME_DIR" -type s | wc -l)" -eq 1 ]
}

@test "new keys are agreed on in the middle" {
	sshd_stop
	sshd_start 'RekeyLimit 1M'
	head -c 15000000 /dev/urandom >"$SSHD_DIR/data"
	sum=$(sha256sum <"$SSHD_DIR/data")
	for by in openssh libssh2; do
		[ "$(stream "$by" there cat <"$SSHD_DIR/data" | sha256sum)" = "$sum" ]
		run stream -m echo -n 4 -b 3000000 "$by" there cat
		[ "$status" -eq 0 ]
	done
}

@test "refused, unknown, and no destination" {
	port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
	for by in openssh libssh2; do
		run stream "$by" "127.0.0.1:$port" true </dev/null
		[ "$status" -eq 104 ]
		[[ $output == *'refuses connections'* ]]
		run stream -t 5000 "$by" nonesuch.invalid true </dev/null
		[ "$status" -eq 104 ]
		[[ $output == *address* ]]
		run stream "$by" '-oProxyCommand=x' true </dev/null
		[ "$status" -eq 2 ] || [ "$status" -eq 102 ]
		run stream "$by" 'a;b' true </dev/null
		[ "$status" -eq 102 ]
	done
}

# login_user: a user with a password, until the end of the test.
login_user()
{
	LOGIN=uctssh$((RANDOM % 1000))
	useradd --no-log-init -M -d / -s /bin/sh "$LOGIN" && echo "$LOGIN:pass word" | chpasswd
}

@test "a password, and questions of the server" {
	[ "$(id -u)" = 0 ] || skip 'needs root, to make a user'
	login_user
	for method in password keyboard-interactive; do
		sshd_stop
		sshd_start 'UsePAM yes' 'PasswordAuthentication yes' 'KbdInteractiveAuthentication yes' \
			"AuthenticationMethods $method"
		run stream -p wrong -p 'pass word' libssh2 "$LOGIN@there" 'id -un' </dev/null
		[ "$status" -eq 0 ]
		[[ $output == *$'\n'"$LOGIN"$'\n'* ]]
		[ "$(grep -c '^asked: .*127.0.0.1' <<<"$output")" -eq 2 ]
		[[ $output != *'pass word'* ]]
		run stream -p wrong libssh2 "$LOGIN@there" true </dev/null
		[ "$status" -eq 105 ]
		run stream libssh2 "$LOGIN@there" true </dev/null
		[ "$status" -eq 105 ]
		[[ $output == *"does not let '$LOGIN' in; it takes $method"* ]]
	done
}

# no_answer TRANSPORT: a look-up by a name server that says nothing, in a namespace.
no_answer()
{
	# shellcheck disable=SC2016
	timeout 60 unshare --mount bash -c 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"' \
		hangs "$SSHD_DIR/resolv.conf" "$UC_TEST_BUILD/tests/ssh-stream" -F "$SSHD_CONFIG" \
		-t 2000 "$1" host.example true </dev/null 3>&-
}

@test "a look-up of a name that hangs ends in time" {
	[ "$(id -u)" = 0 ] || skip 'needs root, for a resolv.conf of its own'
	# nobody answers there: the socket is open, and that is all
	perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp",
		LocalAddr => "127.0.0.53:53") or exit 1; $SIG{ALRM} = sub { exit }; alarm 90; sleep 90' 3>&- &
	mute=$!
	echo 'nameserver 127.0.0.53' >"$SSHD_DIR/resolv.conf"
	for by in openssh libssh2; do
		SECONDS=0
		run no_answer "$by"
		echo "$by $status $SECONDS s: $output"
		[ "$status" -eq 104 ]
		[ "$SECONDS" -le 15 ]
	done
	kill "$mute" || :
}

# few N TRANSPORT: with no more descriptors than that.
few()
{
	# shellcheck disable=SC2016
	bash -c 'ulimit -n "$0" && exec timeout 60 "$@"' "$1" "$UC_TEST_BUILD/tests/ssh-stream" \
		-F "$SSHD_CONFIG" -t 5000 "$2" there true </dev/null 3>&-
}

@test "few descriptors: what cannot be opened is said, and nothing hangs" {
	for by in openssh libssh2; do
		for n in 4 5 6 7 8 10 12; do
			SECONDS=0
			run few "$n" "$by"
			echo "$by $n: $status $SECONDS s: $output"
			[ "$status" -ne 124 ] && [ "$status" -le 127 ]
			[[ $output != *Sanitizer* ]]
			[ "$status" -eq 0 ] || [ -n "$output" ]
			[ "$SECONDS" -le 25 ]
		done
		run stream "$by" there true </dev/null
		[ "$status" -eq 0 ]
	done
}
