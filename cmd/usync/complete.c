/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * usync complete WORD: what the shells' completion offers for HOST:PATH, one name a line.
 * Somebody sits at the prompt: it takes a second at the most, asks nothing and says
 * nothing, and what a host said is kept for a minute.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "usync/options.h"

enum {
	SECONDS = 1,
	KEEP_S = 60,
	KEPT_MAX = 4 << 20,
	NAMES_MAX = 1000,
};

// clang-format off
static const struct uc_opt options[] = {
	{ "config", .type = UC_OPT_STRING, .metavar = "FILE", USYNC_AT(config),
	  .group = "Connection", .help = "ssh's configuration, as ssh -F" },
	{ 0 }
};
// clang-format on

/* Names that a shell would expand or that need quotes are left out. */
static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.+-/:@%,=";

	return word[0] && strspn(word, plain) == strlen(word);
}

/* --- hosts: what ~/.ssh/config names --- */

static void add_hosts(const char *line, const char *typed)
{
	while (*line) {
		const size_t len = strcspn(line, " \t\n");
		uc_auto(buf) struct uc_buf host = { 0 };

		uc_buf_addn(&host, line, len);
		if (len && !strpbrk(uc_buf_text(&host), "*?!") &&
		    is_plain(uc_buf_text(&host)) &&
		    strncmp(uc_buf_text(&host), typed, strlen(typed)) == 0)
			printf("%s:\n", uc_buf_text(&host));
		line += len;
		line += strspn(line, " \t\n");
	}
}

static void complete_hosts(const struct uc_run *run, const char *typed)
{
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 };
	char *line, *rest;

	uc_buf_addf(&path, "%s/.ssh/config", run->home ? run->home : "");
	if (usync_file_read(uc_buf_text(&path), 1 << 20, &text, NULL) != 0 || !text.data)
		return;
	for (line = text.data; line && *line; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		line += strspn(line, " \t");
		if (strncasecmp(line, "host", 4) == 0 && strchr(" \t=", line[4]) &&
		    line[4])
			add_hosts(line + 4 + strspn(line + 4, " \t="), typed);
	}
}

/* --- names there --- */

static void kept_path(const struct uc_run *run, const char *host, const char *folder,
		      struct uc_buf *out)
{
	const char *parts[] = { host, folder };
	uint64_t hash = 0xcbf29ce484222325;

	for (int i = 0; i < 2; i++) {
		for (const char *p = parts[i]; *p; p++)
			hash = (hash ^ (unsigned char)*p) * 0x100000001b3; /* FNV-1a */
		hash = (hash ^ 0xff) * 0x100000001b3;
	}
	uc_run_state_dir(run, out);
	if (out->len)
		uc_buf_addf(out, "/complete/usync-%016llx", (unsigned long long)hash);
}

static bool is_kept(const char *path, struct uc_buf *names)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_uid == geteuid() &&
	       time(NULL) - st.st_mtime >= 0 && time(NULL) - st.st_mtime < KEEP_S &&
	       usync_file_read(path, KEPT_MAX, names, NULL) == 0;
}

static void ask_names(struct usync *u, const char *host, const char *folder,
		      struct uc_buf *names)
{
	json_t *answer = NULL, *list, *item, *arguments;
	struct uc_error err = { 0 };
	size_t i;

	if (uc_run_config(u->run, NULL) < 0 || usync_request(u, UC_SYNC_PUSH, &err) < 0)
		return;
	u->request.host = u->request.ssh.destination = host;
	u->request.far = folder;
	u->request.near = "/";
	u->request.create = false;
	u->request.dry_run = true;
	/* nobody answers: without a key that needs no passphrase there is nothing */
	u->request.ssh.asker = NULL;
	u->request.ssh.connect_ms = 1000 * SECONDS;
	arguments = json_object();
	if (!arguments ||
	    uc_sync_call(&u->request, "names", arguments, &answer, &err) < 0)
		answer = NULL;
	json_decref(arguments);
	list = json_object_get(answer, "names");
	for (i = 0; i < json_array_size(list) && i < NAMES_MAX; i++) {
		const char *name;

		item = json_array_get(list, i);
		name = json_string_value(json_object_get(item, "name"));
		if (name && is_plain(name) && !strpbrk(name, ":/"))
			uc_buf_addf(names, "%s%s\n", name,
				    json_is_true(json_object_get(item, "folder")) ? "/"
										  : "");
	}
	json_decref(answer);
}

static void complete_path(struct usync *u, const struct usync_place *place)
{
	uc_auto(buf) struct uc_buf folder = { 0 }, kept = { 0 }, names = { 0 };
	const char *typed = uc_buf_text(&place->path), *slash = strrchr(typed, '/');
	const char *last = slash ? slash + 1 : typed;
	char *line, *rest;

	if (slash)
		uc_buf_addn(&folder, typed, slash == typed ? 1 : (size_t)(slash - typed));
	else
		uc_buf_add(&folder, ".");
	kept_path(u->run, uc_buf_text(&place->host), uc_buf_text(&folder), &kept);
	if (!kept.len || !is_kept(kept.data, &names)) {
		uc_buf_reset(&names);
		ask_names(u, uc_buf_text(&place->host), uc_buf_text(&folder), &names);
		if (names.len && kept.len &&
		    uc_keep_file(kept.data, names.data, names.len, 0600, NULL) < 0)
			uc_run_say(u->run, 2, "the names were not kept");
	}
	for (line = names.data; line && *line; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		if (strncmp(line, last, strlen(last)) == 0)
			printf("%s:%.*s%s\n", uc_buf_text(&place->host),
			       (int)(last - typed), typed, line);
	}
}

static int run_complete(struct uc_run *run, const struct uc_cmd *cmd, int argc,
			char **argv)
{
	uc_auto(usync) struct usync u = { .run = run, .args = USYNC_ARGS };
	uc_auto(usync_place) struct usync_place place = { 0 };
	const char *word;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &u.args))
		return run->status;
	word = run->parsed.operands.item[0];
	if (word[0] && usync_place_parse(&place, word, NULL) < 0)
		return 0;
	alarm(SECONDS + 1); /* whatever hangs */
	if (place.host.len)
		complete_path(&u, &place);
	else if (!strchr(word, '/'))
		complete_hosts(run, word);
	return 0;
}

const struct uc_cmd usync_cmd_complete = {
	.name = "usync complete",
	.summary = "print words for the shells' completion",
	.options = options,
	.operands = "WORD",
	.min_operands = 1,
	.max_operands = 1,
	.hidden = true,
	.fn = run_complete,
};
