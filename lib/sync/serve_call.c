/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Questions of another kind: CALL. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sync/serve_inside.h"
#include "sync/verbs.h"

#define ANSWER_PIECE (512u << 10)
#define NAMES_MAX    5000

static int call_space(struct serve *s, json_t *arguments, json_t **answer,
		      struct uc_error *err)
{
	struct statvfs fs;

	(void)arguments;
	if (fstatvfs(s->root, &fs) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot look at the disk");
	*answer = json_pack("{s:I, s:I}", "bytes_free",
			    (json_int_t)((uint64_t)fs.f_bavail * fs.f_frsize),
			    "files_free", (json_int_t)fs.f_favail);
	return 0;
}

/* One name for completion; those that are no text are left out. */
static int add_name(json_t *names, int folder, const char *name)
{
	struct stat st;
	bool is_folder = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			 S_ISDIR(st.st_mode);
	json_t *item = json_pack("{s:s, s:b}", "name", name, "folder", is_folder);

	return item ? json_array_append_new(names, item) : 0;
}

static int list_names(int fd, const char *prefix, json_t *names, struct uc_error *err)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		close(fd);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	while (json_array_size(names) < NAMES_MAX && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
		    strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (add_name(names, dirfd(dir), entry->d_name) < 0)
			break;
	}
	closedir(dir);
	return 0;
}

static int call_names(struct serve *s, json_t *arguments, json_t **answer,
		      struct uc_error *err)
{
	const char *folder = "", *prefix = "";
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	json_t *names;
	int fd;

	if (json_unpack(arguments, "{s?s, s?s}", "folder", &folder, "prefix", &prefix) <
	    0)
		return uc_fail(err, UC_USAGE,
			       "names: a folder and a prefix are expected");
	if (folder[0] && !uc_message_path_ok(folder))
		return uc_fail(err, UC_USAGE, "names: '%s' is no path below the folder",
			       folder);
	fd = folder[0] ? uc_store_openat(s->root, folder, flags)
		       : openat(s->root, ".", flags);
	if (fd < 0)
		return uc_fail_errno(err, errno == ENOENT ? UC_NOTFOUND : UC_FAILED,
				     errno, "cannot read '%s'", folder);
	names = json_array();
	if (!names || list_names(fd, prefix, names, err) < 0) {
		json_decref(names);
		return -1;
	}
	*answer = json_pack("{s:o}", "names", names);
	return 0;
}

static const struct {
	const char *verb;
	int (*fn)(struct serve *s, json_t *arguments, json_t **answer,
		  struct uc_error *err);
} verbs[] = {
	{ "names", call_names },
	{ "space", call_space },
};

static int answer_with(struct serve *s, json_t *answer, struct uc_error *err)
{
	char *text = json_dumps(answer, JSON_COMPACT | JSON_ENCODE_ANY);
	size_t len = text ? strlen(text) : 0;
	int status = 0;

	if (!text || len > SERVE_ANSWER_MAX) {
		struct uc_error fault = { 0 };

		free(text);
		uc_fail(&fault, UC_FAILED, "the answer is too long");
		return uc_talk_fault(&s->talk, &fault, err);
	}
	for (size_t at = 0; status == 0 && at < len;) {
		uc_auto(buf) struct uc_buf buf = { 0 };
		size_t part = len - at < ANSWER_PIECE ? len - at : ANSWER_PIECE;

		uc_buf_addc(&buf, at + part == len);
		uc_buf_addn(&buf, text + at, part);
		at += part;
		status = buf.failed ? uc_fail(err, UC_FAILED, "out of memory")
				    : uc_talk_send(&s->talk, UC_FRAME_ANSWER, buf.data,
						   buf.len, true, err);
	}
	free(text);
	return status;
}

/* While something takes long. */
static bool stop(void *arg)
{
	struct serve *s = arg;

	return serve_busy(s, NULL) < 0 || s->talk.broken;
}

static int run_verb(struct serve *s, const char *verb, json_t *arguments, json_t **answer,
		    struct uc_error *err)
{
	const struct uc_sync_verbs shared = { .root = s->root,
					      .path = s->path,
					      .store = s->store,
					      .no_sync = s->open.no_sync,
					      .stop = stop,
					      .arg = s };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].verb, verb) != 0)
			continue;
		if (verbs[i].fn(s, arguments, answer, err) < 0)
			return -1;
		return *answer ? 0 : uc_fail(err, UC_FAILED, "out of memory");
	}
	*answer = uc_sync_verb(&shared, verb, arguments, err);
	return *answer ? 0 : -1;
}

int serve_call(struct serve *s, const struct uc_frame *frame, struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);
	json_t *arguments = NULL, *answer = NULL;
	struct uc_error fault = { 0 };
	char verb[64];
	int status;

	uc_read_text(&r, verb, sizeof(verb) - 1);
	if (!r.bad)
		arguments = json_loadb((const char *)r.at, (size_t)(r.end - r.at),
				       JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(arguments)) {
		json_decref(arguments);
		return uc_fail(err, UC_INVALID, "the client sent a damaged message");
	}
	if (run_verb(s, verb, arguments, &answer, &fault) < 0)
		status = uc_talk_fault(&s->talk, &fault, err);
	else
		status = answer_with(s, answer, err);
	json_decref(arguments);
	json_decref(answer);
	return status;
}
