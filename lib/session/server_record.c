/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What is known of a session, kept as STATE/JOB.json: where it runs, how it ended. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/receipt.h>
#include "base/file.h"
#include "session/server.h"

#define KEEP_DAYS  90
#define LAST_LINES 1000

static void set(json_t *object, const char *name, const char *value)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	/* what is not UTF-8 has no place in JSON */
	uc_buf_safe(&safe, uc_raw(value), 0);
	if (value)
		json_object_set_new(object, name, json_string(uc_buf_text(&safe)));
}

static int exit_code(const struct server *s)
{
	return WIFSIGNALED(s->status) ? 128 + WTERMSIG(s->status)
				      : WEXITSTATUS(s->status);
}

static void set_end(const struct server *s, json_t *object)
{
	static const char *const ends[] = { [UC_SESSION_ENDED] = "ended",
					    [UC_SESSION_IDLE] = "idle",
					    [UC_SESSION_CANCELLED] = "cancelled" };

	json_object_set_new(object, "ended", json_integer(time(NULL)));
	json_object_set_new(object, "end", json_string(ends[s->end]));
	json_object_set_new(object, "exit_code", json_integer(exit_code(s)));
	if (s->given_back > 0)
		json_object_set_new(object, "gpu_seconds_given_back",
				    json_integer(s->given_back));
}

/* What is older than KEEP_DAYS, so that the folder does not grow for ever. */
static void prune(const char *folder)
{
	DIR *dir = opendir(folder);
	const time_t before = time(NULL) - (time_t)KEEP_DAYS * 24 * 3600;
	const struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot && (strcmp(dot, ".json") == 0 || strcmp(dot, ".log") == 0) &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime < before)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

/* Our own standard error, when nothing was written to it. */
static void remove_empty_log(const struct server *s)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat here, there;

	uc_buf_addf(&path, "%s/%s.log", s->options.state, s->job);
	if (!path.failed && fstat(STDERR_FILENO, &here) == 0 &&
	    stat(path.data, &there) == 0 && S_ISREG(there.st_mode) &&
	    there.st_size == 0 && here.st_dev == there.st_dev &&
	    here.st_ino == there.st_ino)
		unlink(path.data);
}

void uc_server_last_words(const struct server *s)
{
	uc_auto(buf) struct uc_buf words = { 0 };
	ssize_t put = 0;

	for (size_t i = 0; i < VIEWERS; i++)
		if (s->viewer[i].fd >= 0 && s->viewer[i].attached)
			return;
	uc_screen_text(s->screen, LAST_LINES, &words);
	for (size_t at = 0; at < words.len && put >= 0; at += (size_t)put) {
		put = write(STDERR_FILENO, words.data + at, words.len - at);
		if (put < 0 && errno == EINTR)
			put = 0;
	}
}

/* Receipts are beside the folder of sessions. */
static void keep_end(const struct server *s)
{
	const char *slash = strrchr(s->options.state, '/');
	const struct uc_receipt_key key = { .job_id =
						    (uint32_t)strtoul(s->job, NULL, 10) };
	uc_auto(buf) struct uc_buf dir = { 0 };

	if (!slash || strcmp(slash, "/sessions") != 0)
		return;
	uc_buf_addn(&dir, s->options.state, (size_t)(slash - s->options.state));
	/* a viewer learns of it, too */
	if (!dir.failed)
		(void)!uc_receipt_end(uc_buf_text(&dir), &key, (uint32_t)exit_code(s),
				      time(NULL), NULL);
}

void uc_server_record(const struct server *s)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	char host[256] = "";
	json_t *object;
	char *text;

	if (!s->options.state)
		return;
	object = json_object();
	json_object_set_new(object, "version", json_integer(1));
	set(object, "job", s->job);
	set(object, "name", s->options.name);
	if (gethostname(host, sizeof(host) - 1) == 0)
		set(object, "host", host);
	json_object_set_new(object, "started", json_integer(s->started));
	if (s->ended)
		set_end(s, object);
	text = json_dumps(object, JSON_INDENT(2));
	uc_buf_addf(&path, "%s/%s.json", s->options.state, s->job);
	/* what cannot be written is not worth the session */
	if (text && !path.failed)
		(void)!uc_file_write(path.data, text, strlen(text), 0600, NULL);
	free(text);
	json_decref(object);
	if (s->ended) {
		keep_end(s);
		remove_empty_log(s);
		return;
	}
	prune(s->options.state);
}
