/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Mounting, with the words of fstab for flags. Unknown words are ignored, as pyxis does.
 */
#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <linux/mount.h> and <sys/mount.h> cannot be included together before glibc 2.37. */
#define ATTR_RDONLY  0x1
#define ATTR_NOSUID  0x2
#define ATTR_NODEV   0x4
#define ATTR_NOEXEC  0x8
#define AT_ALL_BELOW 0x8000 /* AT_RECURSIVE */

struct mount_attributes {
	uint64_t set, clear, propagation, userns_fd;
};

struct words {
	uint64_t attributes;
	unsigned long propagation;
	bool recursive, plain_bind, nofail, silent, detach;
	enum uc_create create;
	char *data;
};

// clang-format off
static const struct {
	const char *word;
	uint64_t set;
	unsigned long propagation;
} known[] = {
	{ "ro", ATTR_RDONLY, 0 }, { "nosuid", ATTR_NOSUID, 0 }, { "nodev", ATTR_NODEV, 0 },
	{ "noexec", ATTR_NOEXEC, 0 },
	{ "private", 0, MS_PRIVATE }, { "rprivate", 0, MS_PRIVATE | MS_REC },
	{ "slave", 0, MS_SLAVE }, { "rslave", 0, MS_SLAVE | MS_REC },
	{ "shared", 0, MS_SHARED }, { "rshared", 0, MS_SHARED | MS_REC },
	{ "unbindable", 0, MS_UNBINDABLE }, { "runbindable", 0, MS_UNBINDABLE | MS_REC },
}, unset[] = {
	{ "rw", ATTR_RDONLY, 0 }, { "suid", ATTR_NOSUID, 0 }, { "dev", ATTR_NODEV, 0 },
	{ "exec", ATTR_NOEXEC, 0 },
};

static const struct {
	const char *word;
	size_t at;
} yes[] = {
	{ "rbind", offsetof(struct words, recursive) },
	{ "bind", offsetof(struct words, plain_bind) },
	{ "nofail", offsetof(struct words, nofail) },
	{ "silent", offsetof(struct words, silent) },
	{ "x-detach", offsetof(struct words, detach) },
};
// clang-format on

static bool take_attribute(struct words *words, const char *word)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(word, known[i].word) == 0) {
			words->attributes |= known[i].set;
			words->propagation |= known[i].propagation;
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(unset) / sizeof(*unset); i++) {
		if (strcmp(word, unset[i].word) == 0) {
			words->attributes &= ~unset[i].set;
			return true;
		}
	}
	return false;
}

static bool take_switch(struct words *words, const char *word)
{
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (strcmp(word, yes[i].word) == 0) {
			*(bool *)((char *)words + yes[i].at) = true;
			return true;
		}
	}
	return false;
}

static int take_word(struct words *words, const char *word, enum uc_create automatic)
{
	if (take_attribute(words, word) || take_switch(words, word))
		return 0;
	if (strcmp(word, "x-create=auto") == 0) {
		words->create = automatic;
	} else if (strcmp(word, "x-create=dir") == 0) {
		words->create = UC_CREATE_DIR;
	} else if (strcmp(word, "x-create=file") == 0) {
		words->create = UC_CREATE_FILE;
	} else if (strchr(word, '=') && strncmp(word, "x-", 2) != 0) {
		char *more = uc_fmt("%s%s%s", words->data ? words->data : "",
				    words->data ? "," : "", word);
		free(words->data);
		words->data = more;
		return more ? 0 : -1;
	}
	return 0;
}

static int read_words(struct words *words, const char *flags, enum uc_create automatic)
{
	char *copy = strdup(flags), *rest = copy, *word;
	int rc = copy ? 0 : -1;

	while (rc == 0 && (word = strsep(&rest, ",")))
		rc = take_word(words, word, automatic);
	free(copy);
	return rc;
}

static int set_attributes(int fd, uint64_t set, bool recursive)
{
	struct mount_attributes attr = { .set = set };

	return (int)syscall(SYS_mount_setattr, fd, "",
			    AT_EMPTY_PATH | (recursive ? AT_ALL_BELOW : 0), &attr,
			    sizeof(attr));
}

/* mount(2) wants a path: this one leads to what the descriptor is open on. */
static char *path_of(int fd)
{
	return uc_fmt("/proc/self/fd/%d", fd);
}

static int apply(int root, const char *target, const struct words *words)
{
	int fd = uc_path_open(root, target, O_PATH);
	char *path = path_of(fd);
	int rc = fd >= 0 && path ? 0 : -1;

	if (rc == 0 && words->attributes)
		rc = set_attributes(fd, words->attributes, false);
	/* Only the last kind of propagation could count; one is all mount(8) takes too.
	 */
	if (rc == 0 && words->propagation)
		rc = mount("none", path, NULL, words->propagation, NULL);
	free(path);
	uc_close(&fd);
	return rc;
}

int uc_mount_readonly(int root, const char *target, bool recursive)
{
	int fd = uc_path_open(root, target, O_PATH);
	int rc = fd < 0 ? -1 : set_attributes(fd, ATTR_RDONLY, recursive);

	uc_close(&fd);
	return rc;
}

static int mount_here(const char *source, const char *path, const struct words *words)
{
	if (words->detach)
		return umount2(path, MNT_DETACH);
	if (strcmp(source, "tmpfs") == 0)
		return mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, words->data);
	return mount(source, path, NULL, MS_BIND | (words->plain_bind ? 0 : MS_REC),
		     NULL);
}

/* Mounts source on target in root; errno tells why not. */
static int mount_words(int root, const char *source, const char *target,
		       const struct words *words)
{
	int fd = uc_path_make(root, target, words->create);
	char *path = path_of(fd);
	int rc = fd >= 0 && path ? mount_here(source, path, words) : -1;
	int saved = errno;

	free(path);
	uc_close(&fd);
	errno = saved;
	if (rc || words->detach)
		return rc;
	return apply(root, target, words);
}

int uc_mount_on(int root, const char *source, const char *target, enum uc_create create,
		const char *flags)
{
	struct words words = { .create = create };
	int rc = read_words(&words, flags, create);

	if (rc == 0)
		rc = mount_words(root, source, target, &words);
	free(words.data);
	return rc;
}

/* One of --container-mounts; says what failed as enroot does. */
int uc_mount_entry(int root, const struct uc_mount *entry)
{
	struct stat st;
	struct words words = { .create = UC_CREATE_NONE };
	bool is_path = entry->source[0] == '/' || entry->source[0] == '.';
	bool missing = is_path && stat(entry->source, &st);
	int why = errno;
	enum uc_create automatic = is_path && !missing && !S_ISDIR(st.st_mode)
					   ? UC_CREATE_FILE
					   : UC_CREATE_DIR;

	int rc = read_words(&words, entry->flags, automatic);
	if (rc == 0 && !missing) {
		rc = mount_words(root, entry->source, entry->target, &words);
		why = errno;
	}
	if ((rc || missing) && !words.nofail && !words.silent)
		uc_note("enroot-mount: failed to mount: %s at %s: %s", entry->source,
			entry->target, strerror(why));
	rc = (rc || missing) && !words.nofail ? -1 : 0;
	free(words.data);
	return rc;
}
