# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# image NAME --from busybox|debian: a squashfs image and, beside it, the list
# of its packages in the two columns of 'pip list', as clusters keep them.
#
# Variables are shared by the files that 'sandbox' reads together.
# shellcheck disable=SC2034,SC2154

# What a debian image asks for; apt adds what these need.
readonly DEBIAN_PACKAGES=(base-files base-passwd bash coreutils dash debianutils
	diffutils findutils grep gzip hostname less libc-bin mawk ncurses-base ncurses-bin
	procps python3 sed tar)

cmd_image()
{
	local name=${1-}
	if (($# > 1)); then die_usage "one image at a time, '$(show "$2")' is too much"; fi
	name=${name%.sqsh}
	if [[ -z $name ]]; then die_usage "image: a name is missing"; fi
	if [[ ! $name =~ ^[A-Za-z0-9][A-Za-z0-9._+-]{0,200}$ ]]; then
		die 2 "image name '$(show "$name")': letters, digits and '._+-' only" "as debian-12"
	fi
	case $opt_from in
	busybox | debian) ;;
	'') die_usage "image: say what from: --from busybox or --from debian" ;;
	*) die_usage "--from '$(show "$opt_from")': expected busybox or debian" ;;
	esac
	find_program mksquashfs squashfs-tools; mksquashfs_bin=$REPLY
	make_dir
	images=$dir/images
	mkdir -p "$images"
	refuse_existing "$name"
	clear_builds
	start_ms=$((${EPOCHREALTIME/./} / 1000))
	work=$(mktemp -d "$images/.building-$$-XXXXXX")
	trap 'abort_image 130' INT TERM HUP
	trap 'abort_image $?' EXIT
	mkdir "$work/root"
	: >"$work/pseudo"
	"fill_$opt_from"
	fill_common
	pack "$name"
	trap - INT TERM HUP EXIT
	remove_work
	say "made '$images/$name.sqsh', $(($(stat -c %s "$images/$name.sqsh") / 1024)) KiB ($((${EPOCHREALTIME/./} / 1000 - start_ms)) ms)"
}

refuse_existing()
{
	if [[ -e $images/$1.sqsh ]] && ((!opt_force)); then
		die 1 "image '$images/$1.sqsh' exists" "replace it with --force, or choose another name"
	fi
}

remove_work()
{
	chmod -R u+rwX "$work" 2>/dev/null || :
	rm -rf -- "$work"
}

abort_image()
{
	trap '' INT TERM HUP
	trap - EXIT
	set +e
	remove_work
	if (($1 == 130)); then say "interrupted; no image was made"; fi
	exit "$1"
}

# clear_builds: work folders of builds that were killed.
clear_builds()
{
	local folder pid
	for folder in "$images"/.building-*; do
		pid=${folder##*/.building-}
		pid=${pid%%-*}
		if [[ -d $folder && ! -d /proc/$pid ]]; then
			work=$folder
			remove_work
		fi
	done
}

# fill_busybox: nothing but one static program and names for it.
fill_busybox()
{
	local busybox version applet
	find_program busybox busybox-static; busybox=$REPLY
	if head -c 4096 "$busybox" | grep -qa 'ld-linux\|ld-musl'; then
		die 1 "'$busybox' is not a static program" "apt-get install busybox-static"
	fi
	mkdir -p "$work"/root/{bin,sbin,usr/bin,usr/sbin,etc}
	cp -- "$busybox" "$work/root/bin/busybox"
	chmod 0755 "$work/root/bin/busybox"
	# Links are written straight into the image: 300 of them, and no process each.
	"$busybox" --list-full | while IFS= read -r applet; do
		case $applet in
		bin/busybox) ;;
		bin/* | sbin/* | usr/bin/* | usr/sbin/*)
			printf '%s s 777 0 0 /bin/busybox\n' "$applet" ;;
		esac
	done >"$work/pseudo"
	grep -q '^bin/sh ' "$work/pseudo" || printf 'bin/sh s 777 0 0 busybox\n' >>"$work/pseudo"
	version=$("$busybox" 2>&1 | sed -n '1s/^BusyBox v\([^ ]*\).*/\1/p')
	printf 'PRETTY_NAME="BusyBox %s"\nNAME="BusyBox"\nID=busybox\nVERSION_ID="%s"\n' \
		"$version" "$version" >"$work/root/etc/os-release"
	printf 'busybox %s\n' "$version" >"$work/packages"
}

# apt PRIVATE-OPTIONS...: apt-get that believes nothing is installed and keeps
# all its state in our work folder; needs no root.
apt()
{
	"$apt_bin" -q -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
		-o Dir::State="$work/apt" -o Dir::State::status="$work/apt/status" \
		-o Dir::State::lists="$lists" -o Dir::Cache="$work/apt" \
		-o Dir::Cache::archives="$work/debs" -o APT::Install-Recommends=0 \
		-o Dir::Log="$work/apt" -o APT::Get::Assume-Yes=1 \
		-o Acquire::Retries=2 -o Acquire::Languages=none "$@" </dev/null
}

# fill_debian: the packages of this host's own distribution, unpacked, without
# their scripts; nothing needs root or user namespaces.
fill_debian()
{
	local deb
	find_program apt-get apt; apt_bin=$REPLY
	find_program dpkg-deb dpkg
	mkdir -p "$work/apt/lists/partial" "$work/debs/partial"
	: >"$work/apt/status"
	lists=/var/lib/apt/lists
	say "fetching packages with apt"
	if ! apt install --download-only "${DEBIAN_PACKAGES[@]}" >"$work/apt.log" 2>&1; then
		# No lists yet, or old ones: fetch our own and try again.
		lists=$work/apt/lists
		if ! apt update >"$work/apt.log" 2>&1 ||
			! apt install --download-only "${DEBIAN_PACKAGES[@]}" >>"$work/apt.log" 2>&1; then
			say "apt cannot fetch the packages; it says:"
			grep -E '^[EW]:' "$work/apt.log" | tail -n 4 | clean | sed 's/^/apt: /' >&2
			hint "look at the network and /etc/apt/sources.list; --from busybox needs neither"
			exit 1
		fi
	fi
	# Today's layout: /bin and its like are links into /usr.
	mkdir -p "$work"/root/usr/{bin,sbin,lib,lib64}
	ln -s usr/bin usr/sbin usr/lib usr/lib64 "$work/root/"
	say "unpacking $(find "$work/debs" -name '*.deb' | wc -l) packages"
	for deb in "$work"/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$work/root" --keep-directory-symlink --no-same-owner \
				--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
				--exclude='./usr/share/locale/*' --exclude='./usr/share/info/*' ||
			die 1 "cannot unpack '${deb##*/}'"
	done
	find "$work/root" -perm /6000 -exec chmod ug-s {} +
	finish_debian
	for deb in "$work"/debs/*.deb; do
		# shellcheck disable=SC2016
		dpkg-deb --show --showformat='${Package} ${Version}\n' "$deb"
	done >"$work/packages"
	list_python >>"$work/packages"
}

# finish_debian: what the packages' scripts would have done and somebody misses.
finish_debian()
{
	local root=$work/root
	mkdir -p "$root/etc"
	cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
	cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
	if [[ ! -e $root/usr/bin/awk ]]; then ln -s mawk "$root/usr/bin/awk"; fi
	if [[ ! -e $root/usr/bin/sh ]]; then ln -s dash "$root/usr/bin/sh"; fi
	printf 'PS1='\''\\u@\\h:\\w\\$ '\''\n' >"$root/etc/bash.bashrc"
}

# list_python: Python packages that came with the debs, from their metadata.
list_python()
{
	local file
	find "$work/root/usr/lib/python3/dist-packages" -maxdepth 2 \
		\( -path '*.dist-info/METADATA' -o -path '*.egg-info/PKG-INFO' -o -name '*.egg-info' -type f \) \
		2>/dev/null | while IFS= read -r file; do
		awk '/^Name: /{n=$2} /^Version: /{v=$2} /^$/{exit} END{if (n && v) print n, v}' "$file"
	done
}

# fill_common: directories and files every image has.
fill_common()
{
	local root=$work/root file
	mkdir -p "$root"/{dev,proc,sys,run,tmp,root,home,mnt,opt,srv,etc,var/tmp,var/log,usr/local/bin}
	chmod 1777 "$root/tmp" "$root/var/tmp"
	chmod 0755 "$root/root"
	if [[ ! -e $root/var/run ]]; then ln -s /run "$root/var/run"; fi
	for file in hosts hostname resolv.conf machine-id; do
		if [[ ! -e $root/etc/$file ]]; then : >"$root/etc/$file"; fi
	done
	printf 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n' >"$root/etc/environment"
	if [[ ! -e $root/etc/passwd ]]; then
		printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' \
			'nobody:x:65534:65534:nobody:/nonexistent:/bin/false' >"$root/etc/passwd"
		printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' >"$root/etc/group"
	fi
	if [[ ! -e $root/etc/nsswitch.conf ]]; then
		printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"
	fi
}

# pack NAME: image and list are made beside their final names, then renamed.
pack()
{
	if ! "$mksquashfs_bin" "$work/root" "$work/image" -noappend -all-root -no-progress \
		-comp zstd -Xcompression-level 3 -b 1M -pf "$work/pseudo" \
		>"$work/mksquashfs.log" 2>&1 </dev/null; then
		say "mksquashfs failed; it says:"
		tail -n 4 "$work/mksquashfs.log" | clean | sed 's/^/mksquashfs: /' >&2
		exit 1
	fi
	{ printf 'Package Version\n'; sort -f -u "$work/packages"; } | awk '
		{ name[NR] = $1; version[NR] = $2
		  if (length($1) > w1) w1 = length($1)
		  if (length($2) > w2) w2 = length($2) }
		END { for (i = 1; i <= NR; i++) {
			printf "%-*s %s\n", w1, name[i], version[i]
			if (i == 1) { dash = sprintf("%*s %*s", w1, "", w2, ""); gsub(" ", "-", dash)
				print substr(dash, 1, w1) " " substr(dash, 1, w2) } } }' >"$work/list"
	chmod 0644 "$work/image" "$work/list"
	refuse_existing "$1"
	mv -f -- "$work/list" "$images/$1.packages"
	mv -f -- "$work/image" "$images/$1.sqsh"
}
