/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --snapshot: the job runs from a copy of the code, its output stays where it was. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/snapshot.h>
#include <ucluster/state.h>
#include "usrun/usrun.h"

#define CODE_WORDS 4 /* of a command are looked at */

/* Is it a place of its own, and no file in the working directory? */
static bool is_fixed(const char *value)
{
	if (value[0] == '/' || strcmp(value, "none") == 0 || strcmp(value, "all") == 0)
		return true;
	return value[strspn(value, "0123456789")] == '\0'; /* a task's number */
}

/* A folder in a pattern: "%" is ordinary there. */
static void add_folder(struct uc_buf *out, const char *folder)
{
	for (; *folder; folder++)
		uc_buf_add(out, *folder == '%' ? "%%" : (char[]){ *folder, '\0' });
	uc_buf_addc(out, '/');
}

/* Files that are named relative to the working directory are those of the original. */
static int keep_files(struct usrun *u, const char *folder, struct uc_error *err)
{
	static const char *const names[] = { "output", "error", "input" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = uc_spec_get(u->spec, names[i]);
		uc_auto(buf) struct uc_buf path = { 0 };

		if (!value && i == 0 && u->args.batch)
			value = uc_spec_get(u->spec, "array") ? "slurm-%A_%a.out"
							      : "slurm-%j.out";
		if (!value || is_fixed(value))
			continue;
		add_folder(&path, folder);
		uc_buf_add(&path, value);
		if (path.failed)
			return uc_fail(err, UC_FAILED, "out of memory");
		if (uc_spec_set(u->spec, names[i], uc_buf_text(&path), err) < 0)
			return -1;
	}
	return 0;
}

static void say(const struct usrun *u, const struct uc_snapshot *snap)
{
	uc_auto(git) struct uc_git git = { 0 };
	uc_auto(buf) struct uc_buf commit = { 0 };

	for (size_t i = 0; i < snap->notes.count; i++)
		uc_run_say(u->run, 0, "%s", snap->notes.item[i]);
	if (uc_git_look(snap->root, u->run->environment, &git, NULL) == 0 && git.commit)
		uc_buf_addf(&commit, ", commit %.12s%s", git.commit,
			    git.dirty ? " with changes" : "");
	uc_run_say(u->run, 0, "snapshot of %zu files, %llu KiB%s: %s", snap->files,
		   (unsigned long long)(snap->bytes + 1023) / 1024, uc_buf_text(&commit),
		   snap->path);
}

int usrun_snapshot(struct usrun *u, struct uc_error *err)
{
	const struct uc_snapshot_rules rules = { .start = u->run->cwd,
						 .root = u->run->cwd,
						 .now = time(NULL),
						 .environment = u->run->environment };
	uc_auto(snapshot) struct uc_snapshot snap = { 0 };

	if (!u->run->cwd)
		return uc_fail(err, UC_FAILED, "the working directory is gone");
	if (u->args.dry_run || u->args.explain) {
		uc_run_say(u->run, 0, "it would run from a snapshot of '%s'",
			   u->run->cwd);
		return 0;
	}
	if (uc_snapshot_make(&rules, &snap, err) < 0)
		return uc_context(err, "snapshot");
	if (keep_files(u, u->run->cwd, err) < 0)
		return -1;
	if (chdir(snap.workdir) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "'%s'", snap.workdir);
	say(u, &snap);
	free(u->run->cwd);
	u->run->cwd = uc_take(&snap.workdir);
	u->where.cwd = u->run->cwd;
	u->snapshot = uc_take(&snap.path);
	u->snapshot_root = uc_take(&snap.root);
	u->snapshot_folder = uc_take(&snap.folder);
	return 0;
}

/* A file of the working directory, as the job's command names it? */
static bool is_here(const struct usrun *u, const char *word)
{
	const size_t len = strlen(u->run->cwd);
	struct stat st;

	if (word[0] == '-' || strncmp(word, "../", 3) == 0 ||
	    (word[0] == '/' &&
	     (strncmp(word, u->run->cwd, len) != 0 || word[len] != '/')))
		return false;
	return stat(word, &st) == 0 && S_ISREG(st.st_mode);
}

/* "./job.sh", "python3 train.py": the program, or what it is to run. */
static const char *find_code(const struct usrun *u)
{
	const char *const *words = uc_spec_command(u->spec);

	/* without a slash it is found on PATH; a script of --batch is copied by slurmctld
	 */
	for (size_t i = 0; words[i] && i < CODE_WORDS; i++)
		if ((i > 0 || (strchr(words[0], '/') && !u->script.len)) &&
		    is_here(u, words[i]))
			return words[i];
	return NULL;
}

bool usrun_code_note(const struct usrun *u, struct uc_buf *note)
{
	const char *code = NULL;

	/* what --on started has its code in a snapshot */
	if (u->run->cwd && !u->snapshot && !u->args.snapshot && !u->again &&
	    !uc_run_env(u->run, "UCLUSTER_SNAPSHOT"))
		code = find_code(u);
	if (!code)
		return false;
	uc_buf_add(note, "'");
	uc_buf_safe(note, uc_raw(code), u->run->safe);
	uc_buf_add(note, "' is read when the job starts, with all edits until then; "
			 "--snapshot keeps it as it is now");
	return !note->failed;
}

/* Remove old ones that none of the user's jobs runs in. */
static void prune(const struct usrun *u, const struct uc_jobs *jobs)
{
	const char **in_use = calloc(jobs->count + 2, sizeof(*in_use));
	struct uc_error err = { 0 };
	size_t n = 0;

	if (!in_use)
		goto out;
	in_use[n++] = u->snapshot;
	for (size_t i = 0; i < jobs->count; i++)
		if (!uc_job_is_finished(jobs->row[i].state) && jobs->row[i].workdir.bytes)
			in_use[n++] = jobs->row[i].workdir.bytes;
	if (uc_snapshot_prune(u->snapshot_folder, UC_SNAPSHOT_KEEP, in_use, NULL, &err) <
	    0)
		uc_run_say(u->run, 1, "old snapshots: %s", err.text);
out:
	free(in_use);
}

void usrun_snapshot_prune(const struct usrun *u, struct uc_source *src)
{
	const uint32_t me = getuid();
	const struct uc_job_query mine = { .user_ids = &me, .user_count = 1 };
	uc_auto(jobs) struct uc_jobs *jobs = NULL;

	if (uc_jobs_load(src, &mine, &jobs, NULL) == 0)
		prune(u, jobs);
}
