#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# ssh_hostile.pl MODE: listens on a port of this machine, prints its number, and treats
# whoever connects as MODE says. It ends when its standard input does.
use strict;
use warnings;
use IO::Socket::INET;

my $mode = shift or die "usage: $0 MODE\n";
my $banner = "SSH-2.0-OpenSSH_9.2\r\n";

sub packet {
	my ($payload) = @_;
	my $padding = 8 - (5 + length $payload) % 8;

	$padding += 8 if $padding < 4;
	return pack('NC', 1 + length($payload) + $padding, $padding) . $payload . "\0" x $padding;
}

sub names { return pack 'N/a*', join ',', @_ }

sub kexinit {
	my (%of) = (kex => ['curve25519-sha256'], key => ['ssh-ed25519'], cipher => ['aes128-ctr'],
		mac => ['hmac-sha2-256'], @_);

	return packet("\x14" . 'x' x 16 . names(@{$of{kex}}) . names(@{$of{key}}) .
		names(@{$of{cipher}}) x 2 . names(@{$of{mac}}) x 2 . names('none') x 2 .
		names() x 2 . ($of{guess} ? "\1" : "\0") . "\0\0\0\0");
}

# What is said in one go; then the connection stays open without a word.
my %once = (
	silent => '',
	banner => $banner,
	half => 'SSH-2.0-Op',
	wrong => "HTTP/1.1 400 Bad Request\r\nServer: \e]0;owned\a\r\n\r\n" x 3,
	old => "SSH-1.5-old\r\n",
	nul => "SSH-2.0-\0\0\0\r\n",
	escape => "\e[2J\e]52;c;aGk=\a\r\nSSH-2.0-\e[31m\r\n",
	length0 => $banner . pack('NC', 0, 0) . 'x' x 100,
	length1 => $banner . pack('NC', 1, 0) . 'x' x 100,
	huge => $banner . pack('NC', 0x7fffffff, 4) . 'x' x 100,
	most => $banner . pack('NC', 0xffffffff, 4) . 'x' x 100,
	padding => $banner . pack('NC', 20, 255) . 'x' x 100,
	empty_kexinit => $banner . packet("\x14" . 'x' x 16),
	long_kexinit => $banner . kexinit(kex => [('curve25519-sha256') x 1500]),
	weak => $banner . kexinit(kex => ['diffie-hellman-group1-sha1'], cipher => ['arcfour'],
		mac => ['hmac-md5'], key => ['ssh-dss']),
	guessed => $banner . kexinit(guess => 1) . packet("\x1f" . 'x' x 50),
	bad_reply => $banner . kexinit() . packet("\x1f" . pack('N', 0xffffffff) . 'x' x 90),
	banner8k => 'SSH-2.0-' . 'x' x 8192 . "\r\n",
	both => "SSH-1.99-OpenSSH_9.2\r\n" . kexinit() . 'x' x 100,
	bidi => "\xe2\x80\xae\xe2\x81\xa6 line\r\nSSH-2.0-\xe2\x80\xae\x9b31m\r\n" .
		packet("\x01" . pack('N', 2) . names("\xe2\x80\xae gone") . names()),
	wrong_guess => $banner . kexinit(guess => 1) . packet("\x1e" . names('x' x 500)),
	same_names => $banner . kexinit(map { $_ => [('curve25519-sha256') x 40] } qw(key cipher mac)),
	no_names => $banner . kexinit(kex => [], key => [], cipher => [], mac => []),
	# a group of 5 bits, for who takes one that the server chooses
	tiny_group => $banner . kexinit(kex => ['diffie-hellman-group-exchange-sha256']) .
		packet("\x1f" . pack('N/a*', "\x17") . pack('N/a*', "\x05")),
	disconnect => $banner . packet("\x01" . pack('N', 2) . names("\e]0;owned\a gone") . names()),
	ext_info => $banner . packet("\x07" . pack('N', 0xffffffff)),
);
# What is said again and again, and how many seconds lie between.
my %endless = (
	flood => ["line\r\n" x 1000, 0],
	one_line => ['x' x 8192, 0],
	drip => ["x\r\n", 0.2],
	drip_banner => ['S', 0.2],
	ignore => [packet("\x02" . names('x' x 1000)), 0, $banner],
	debug => [packet("\x04\x01" . names("\e[2J") . names()), 0, $banner],
	unknown => [packet("\xc8" . 'x' x 1000), 0, $banner],
	kexinit_storm => [kexinit(), 0, $banner],
);

my $listener = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1') or die "$@\n";
$| = 1;
$SIG{PIPE} = 'IGNORE';
print $listener->sockport, "\n";

# It ends with whoever holds its input.
my $parent = $$;
if (!fork) {
	sysread STDIN, my $byte, 1;
	kill 'TERM', $parent;
	exit;
}
while (my $peer = $listener->accept) {
	binmode $peer;
	$peer->autoflush(1);
	next if $mode eq 'close';
	if ($mode =~ /^cut(\d+)$/) {
		syswrite $peer, substr $banner . kexinit(), 0, $1;
		next;
	}
	my ($said, $pause, $first) = $endless{$mode} ? @{$endless{$mode}} : ();
	defined $once{$mode} or $said or die "no mode '$mode'\n";
	syswrite $peer, $first // $once{$mode} // '';
	while ($said) {
		defined syswrite $peer, $said or last;
		select undef, undef, undef, $pause if $pause;
	}
	1 while !$said && sysread $peer, my $bytes, 65536;
}
