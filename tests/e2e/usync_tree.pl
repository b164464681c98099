#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Random trees for tests of usync: names that hurt, links, hard links, holes, modes, times.
#
#	usync_tree.pl make DIR SEED [ENTRIES]	make DIR, which is not there
#	usync_tree.pl edit DIR SEED		change some of it
#	usync_tree.pl list [--seconds] [--apart] DIR	what it is, one entry a line, to be compared
use strict;
use warnings;
use Digest::SHA;
use Fcntl qw(:mode);
use File::Find ();
use Time::HiRes qw(lstat utime);

my $verb = shift;
my $whole = @ARGV && $ARGV[0] eq '--seconds' && shift;
my $apart = @ARGV && $ARGV[0] eq '--apart' && shift;
my ($root, $seed, $count) = @ARGV;
die "usage: $0 make|edit|list DIR [SEED]\n" unless defined $root;
my $is_root = $> == 0;

sub pick { $_[int rand @_] }

# Bytes but NUL and slash; not the names that usync has for itself.
sub name {
	my $kind = int rand 14;
	return "plain" . int rand 1000 if $kind < 5;
	return "with blank " . int rand 100 if $kind == 5;
	return "new\nline" . int rand 100 if $kind == 6;
	return "\e[31mred\a" . int rand 100 if $kind == 7;
	return "-dash" . int rand 100 if $kind == 8;
	return "\xff\xfe\x80" . int rand 100 if $kind == 9;
	return "\xc3\xbcml" . int rand 100 if $kind == 10;
	return ("n" x 250) . sprintf "%05d", rand 100000 if $kind == 11;
	return pick("*", "?", "[x]", "\\", "!x", "#x", "'", '"', "\$(id)", "a:b", ".hidden", "~", "...") . int rand 100
		if $kind == 12;
	return join '', map { chr pick(1 .. 46, 48 .. 255) } 1 .. 1 + rand 20;
}

sub new_name {
	my ($dir) = @_;

	while (1) {
		my $name = name();
		next if $name =~ /^\.(uc-|ucluster-|usyncignore|gitignore|git$|\.?$)/;
		return "$dir/$name" if length("$dir/$name") < 3500 && !lstat "$dir/$name";
	}
}

sub content {
	my $kind = int rand 10;
	return '' if $kind == 0;
	return join '', map { "line $_ of some text " . int(rand 50) . "\n" } 1 .. rand 200 if $kind < 5;
	return join '', map { chr int rand 256 } 1 .. rand 3000 if $kind < 9;
	return join '', map { chr int rand 256 } 1 .. 50000 + rand 200000;
}

sub write_file {
	my ($path, $bytes) = @_;
	open my $out, '>', $path or die "$path: $!";
	print $out $bytes;
	close $out or die "$path: $!";
}

# In part holes.
sub write_sparse {
	my ($path) = @_;
	open my $out, '>', $path or die "$path: $!";
	for (1 .. 1 + rand 3) {
		seek $out, int(rand 40) * 65536, 0;
		print $out content();
	}
	truncate $out, 40 * 65536 + int rand 100000 or die "$path: $!";
	close $out or die "$path: $!";
}

# Whole times too, and what clocks that are wrong would give.
sub set_time {
	my ($path) = @_;
	my $when = pick(1, 946684800, 1700000000, time - 1, time, time + 86400, 4102444800)
		+ pick(0, 0, int(rand 1e6));
	$when += int(rand 1e6) / 1e6 if rand() < 0.7;
	utime $when, $when, $path or die "$path: $!";
}

sub set_mode {
	my ($path, $dir) = @_;
	my $mode = $dir ? pick(0755, 0700, 0775, 0711, 0750) : pick(0644, 0600, 0755, 0640, 0444, 0400, 0666, 0500);
	chmod $mode, $path or die "$path: $!";
}

# All folders and files, sorted: what is done must not hang on the order of a disk.
sub entries {
	my (@folders, @files);
	File::Find::find({ no_chdir => 1, preprocess => sub { sort grep { !/^\.ucluster-/ } @_ }, wanted => sub {
		my @st = lstat $_ or return;
		push @folders, $_ if S_ISDIR($st[2]);
		push @files, $_ if S_ISREG($st[2]);
	} }, $root);
	return (\@folders, \@files);
}

sub add_entry {
	my ($folders, $files) = @_;
	my $dir = pick(@$folders);
	# deep, now and then
	$dir = $folders->[-1] if rand() < 0.3;
	my $path = new_name($dir);
	my $kind = rand;

	if ($kind < 0.18 && ($path =~ tr{/}{}) - ($root =~ tr{/}{}) < 40) {
		mkdir $path or die "$path: $!";
		push @$folders, $path;
	} elsif ($kind < 0.28) {
		symlink pick("plain", "../..", "/etc/passwd", "no where", "\xff\n", "x" x 1000, $path), $path
			or die "$path: $!";
	} elsif ($kind < 0.36 && @$files) {
		link pick(@$files), $path or die "$path: $!";
		push @$files, $path;
	} elsif ($kind < 0.42) {
		write_sparse($path);
		push @$files, $path;
	} else {
		write_file($path, content());
		push @$files, $path;
	}
}

sub set_all {
	my ($folders, $files) = @_;
	for my $path (@$files) {
		set_mode($path, 0);
		set_time($path);
	}
	# below first: times of folders change with what is in them
	for my $path (sort { length $b <=> length $a } @$folders) {
		set_mode($path, 1);
		set_time($path);
	}
}

sub make {
	my (@folders, @files);
	mkdir $root or die "$root: $!";
	@folders = ($root);
	add_entry(\@folders, \@files) for 1 .. ($count || 5 + rand 60);
	set_all(\@folders, \@files);
}

sub remove_tree {
	my ($path) = @_;
	File::Find::finddepth({ no_chdir => 1, wanted => sub {
		-d $_ && !-l $_ ? rmdir $_ : unlink $_ or die "$_: $!";
	} }, $path);
}

# A file that changes gets a time of its own: that is how changes are found.
sub touch {
	my ($path) = @_;
	my $when = time - int(rand 1e6) + rand;
	utime $when, $when, $path or die "$path: $!";
}

sub edit_file {
	my ($path) = @_;
	my $kind = rand;
	chmod 0600, $path or die "$path: $!";
	if ($kind < 0.4) {
		write_file($path, content());
	} elsif ($kind < 0.7) {
		open my $out, '+<', $path or die "$path: $!";
		seek $out, int(rand(1 + -s $path)), 0;
		print $out content();
		close $out or die;
	} elsif ($kind < 0.8) {
		truncate $path, int rand(1 + -s $path) or die "$path: $!";
	} else {
		set_mode($path, 0);
	}
	set_mode($path, 0);
	touch($path);
}

sub edit {
	for (1 .. 2 + rand 12) {
		my ($folders, $files) = entries();
		my @below = grep { $_ ne $root } @$folders;
		my $kind = rand;

		if ($kind < 0.4 && @$files) {
			edit_file(pick(@$files));
		} elsif ($kind < 0.65) {
			add_entry($folders, $files);
		} elsif ($kind < 0.75 && @$files) {
			unlink pick(@$files) or die;
		} elsif ($kind < 0.8 && @below) {
			remove_tree(pick(@below));
		} elsif ($kind < 0.9 && @$files) {
			my $path = pick(@$files);
			rename $path, new_name(pick(@$folders)) or die;
		} elsif (@$files) {
			# another kind under the same name
			my $path = pick(@$files);
			unlink $path or die;
			rand() < 0.5 ? mkdir $path : symlink 'elsewhere', $path or die "$path: $!";
		}
	}
	my ($folders) = entries();
	touch($_) for sort { length $b <=> length $a } @$folders;
}

sub shown { my ($bytes) = @_; $bytes =~ s/([^!-\$&-~])/sprintf "%%%02x", ord $1/ge; $bytes }

# Who else may write is the umask's business, not usync's: those bits are left out.
# The entry's kind, mode, time, size, content, target, and the first name of the same file.
sub list {
	my (%names, %line);
	File::Find::find({ no_chdir => 1, preprocess => sub { sort grep { !/^\.(ucluster-|uc-)/ } @_ }, wanted => sub {
		my @st = CORE::lstat $_ or die "$_: $!";
		my @fine = lstat $_;
		my $path = $_ eq $root ? '.' : substr $_, 1 + length $root;
		my $kind = S_ISDIR($st[2]) ? 'd' : S_ISLNK($st[2]) ? 'l' : S_ISREG($st[2]) ? 'f' : '?';
		my $line = sprintf "%s %s %04o", shown($path), $kind, S_IMODE($st[2]) & ($kind eq 'l' ? 0 : 0755);
		# the root itself is not synced
		$line = '. d' if $path eq '.';
		$line .= $whole ? " $st[9]" : sprintf " %.6f", $fine[9] if $kind ne 'l' && $path ne '.';
		$line .= ' ' . shown(readlink $_) if $kind eq 'l';
		if ($kind eq 'f') {
			my $sum = Digest::SHA->new(1);
			$sum->addfile($_, 'b') if -r $_;
			$line .= " $st[7] " . $sum->hexdigest;
			push @{$names{"$st[0]:$st[1]"}}, $path;
		}
		$line{$path} = $line;
	} }, $root);
	# other names that it has here: what is in a trash is none
	for my $same (grep { @$_ > 1 && !$apart } values %names) {
		my ($first) = sort @$same;
		$line{$_} .= ' = ' . shown($first) for @$same;
	}
	print map { "$_\n" } sort values %line;
}

srand($seed // 0);
if ($verb eq 'make') { make() } elsif ($verb eq 'edit') { edit() } elsif ($verb eq 'list') { list() }
else { die "unknown verb '$verb'\n" }
