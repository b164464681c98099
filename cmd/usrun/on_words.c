/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --on: the command lines of usync, ssh, and what they start there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "usrun/on.h"

#define CODE_WORDS  4      /* of a command are looked at */
#define COMMAND_MAX 100000 /* one word of an exec there may have 128 KiB */
#define MESSAGE_MAX 120

/*
 * In the project's folder there: DIR ID FOLDER INDEX WORD... The word of that index is a
 * file of the project, which is read from the snapshot. One line, for csh's sake.
 */
static const char submit_there[] =
	"PATH=$PATH:$HOME/.local/bin; CDPATH=; cd -- \"$1\" || exit 3; "
	"UCLUSTER_SNAPSHOT=$(pwd)/.ucluster-snapshots/$2/tree; export UCLUSTER_SNAPSHOT; "
	"cd -- \"./$3\" || exit 3; n=$4; shift 4; "
	"for w do shift; if [ \"$n\" = 0 ] && [ -e \"$UCLUSTER_SNAPSHOT/$w\" ]; "
	"then w=$UCLUSTER_SNAPSHOT/$w; fi; n=$((n-1)); set -- \"$@\" \"$w\"; done; "
	"exec usrun \"$@\"";
/* JOB MARK */
static const char follow_there[] =
	"PATH=$PATH:$HOME/.local/bin; uattach --from-start \"$1\"; "
	"printf \"\\036%s %d\\n\" \"$2\" \"$?\"";

static void add_config(const struct usrun_on *on, struct uc_strv *words,
		       const char *option)
{
	if (!on->u->args.ssh_config)
		return;
	uc_strv_add(words, option);
	uc_strv_add(words, on->u->args.ssh_config);
}

static void add_usync(const struct usrun_on *on, struct uc_strv *words, const char *verb)
{
	if (on->u->args.dry_run)
		uc_strv_add(words, "usync");
	else
		uc_strv_addf(words, "%s/usync", on->u->run->bin_dir);
	uc_strv_add(words, verb);
}

void usrun_on_push_words(const struct usrun_on *on, struct uc_strv *words)
{
	uc_auto(buf) struct uc_buf message = { 0 };
	size_t len;

	uc_buf_add(&message, "usrun ");
	uc_buf_quote_argv(&message, uc_spec_command(on->u->spec), UC_QUOTE_VISIBLE);
	len = message.len < MESSAGE_MAX ? message.len : MESSAGE_MAX;
	if (message.data)
		message.data[len] = '\0';
	add_usync(on, words, "push");
	add_config(on, words, "--config");
	uc_strv_add(words, "--snapshot");
	uc_strv_addf(words, "--message=%s", uc_buf_text(&message));
	words->failed |= message.failed;
}

void usrun_on_pull_words(const struct usrun_on *on, struct uc_strv *words)
{
	add_usync(on, words, "pull");
	add_config(on, words, "--config");
	uc_strv_add(words, "--outputs");
}

/* As sync.host has it: [USER@]HOST[:PORT]. */
static void add_host(const struct usrun_on *on, struct uc_strv *words)
{
	const char *at = strrchr(on->host, '@'), *host = at ? at + 1 : on->host;
	const char *colon = strchr(host, ':');

	uc_strv_add(words, "--");
	if (host[0] == '[' || (colon && !strchr(colon + 1, ':')))
		uc_strv_addf(words, "ssh://%s", on->host);
	else
		uc_strv_add(words, on->host);
}

static void add_ssh(const struct usrun_on *on, struct uc_strv *words)
{
	uc_strv_add(words, "ssh");
	add_config(on, words, "-F");
	if (on->terminal) {
		uc_strv_add(words, "-t");
	} else {
		/* a connection that a sleeping laptop has lost is noticed */
		uc_strv_add(words, "-Tax");
		uc_strv_add(words, "-oClearAllForwardings=yes");
		uc_strv_add(words, "-oConnectTimeout=20");
	}
	uc_strv_add(words, "-oServerAliveInterval=15");
	uc_strv_add(words, "-oServerAliveCountMax=3");
	uc_strv_add(words, "-oRemoteCommand=none");
	add_host(on, words);
}

/* ssh joins its words with blanks, and a shell there takes them apart. */
static void add_there(struct uc_strv *words, const struct uc_strv *there)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	uc_buf_quote_argv(&line, (const char *const *)there->item, UC_QUOTE_EXACT);
	uc_strv_add(words, uc_buf_text(&line));
	words->failed |= line.failed || there->failed;
}

/* Below the working directory, or NULL. */
static const char *below(const char *cwd, const char *word)
{
	const size_t len = strlen(cwd);

	if (word[0] == '-' || strncmp(word, "../", 3) == 0)
		return NULL;
	if (word[0] != '/')
		return strncmp(word, "./", 2) == 0 ? word + 2 : word;
	return strncmp(word, cwd, len) == 0 && word[len] == '/' ? word + len + 1 : NULL;
}

/* The program or script that the command runs, a file of the project; -1: none. */
static int find_code(const struct usrun_on *on, const char **name)
{
	const char *const *command = uc_spec_command(on->u->spec);
	const char *cwd = on->u->run->cwd;
	struct stat st;

	for (int i = 0; command[i] && i < CODE_WORDS; i++) {
		*name = below(cwd, command[i]);
		if (*name && stat(command[i], &st) == 0 && S_ISREG(st.st_mode) &&
		    (i > 0 || strchr(command[0], '/') || !on->terminal))
			return i;
	}
	*name = NULL;
	return -1;
}

/* The folder there, so that no shell and no `cd` takes it for something else. */
static void add_dir(const struct usrun_on *on, struct uc_strv *there)
{
	const char *dir = on->dir;

	if (dir[0] == '~')
		dir += dir[1] == '/' ? 2 : 1;
	uc_strv_addf(there, "%s%s", dir[0] == '/' ? "" : "./", dir);
}

static void add_words(const struct usrun_on *on, struct uc_strv *there, size_t from)
{
	const struct uc_strv *words = &on->u->on_words;
	const char *name, *const *command = uc_spec_command(on->u->spec);
	const int code = find_code(on, &name);

	/* our own and the options are before the command */
	if (code >= 0)
		uc_strv_addf(there, "%zu", from + words->count + (size_t)code);
	else
		uc_strv_add(there, "-1");
	if (!on->terminal) {
		uc_strv_add(there, "--batch");
		uc_strv_add(there, "--parsable");
	}
	uc_strv_add_all(there, (const char *const *)words->item);
	for (int i = 0; command[i]; i++) {
		if (i == code)
			uc_strv_addf(there, "%s%s%s", uc_buf_text(&on->folder),
				     on->folder.len ? "/" : "", name);
		else
			uc_strv_add(there, command[i]);
	}
}

int usrun_on_submit_words(const struct usrun_on *on, struct uc_strv *words,
			  struct uc_error *err)
{
	uc_auto(strv) struct uc_strv there = { 0 };
	size_t len = 0;

	add_ssh(on, words);
	uc_strv_add(&there, "sh");
	uc_strv_add(&there, "-c");
	uc_strv_add(&there, submit_there);
	uc_strv_add(&there, "usrun");
	add_dir(on, &there);
	uc_strv_add(&there, uc_buf_text(&on->snapshot));
	uc_strv_add(&there, uc_buf_text(&on->folder));
	add_words(on, &there, on->terminal ? 0 : 2);
	add_there(words, &there);
	if (words->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	len = strlen(words->item[words->count - 1]);
	if (len > COMMAND_MAX) {
		uc_fail(err, UC_USAGE, "the command line has %zu bytes, at most %d fit",
			len, COMMAND_MAX);
		return uc_hint(err, "put it into a script of the project");
	}
	return 0;
}

void usrun_on_follow_words(const struct usrun_on *on, const char *mark,
			   struct uc_strv *words)
{
	uc_auto(strv) struct uc_strv there = { 0 };

	add_ssh(on, words);
	uc_strv_add(&there, "sh");
	uc_strv_add(&there, "-c");
	uc_strv_add(&there, follow_there);
	uc_strv_add(&there, "uattach");
	if (on->job)
		uc_strv_addf(&there, "%" PRIu32, on->job);
	else
		uc_strv_add(&there, "JOB");
	uc_strv_add(&there, mark);
	add_there(words, &there);
}
