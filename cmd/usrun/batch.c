/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --batch: a script or a command, submitted through the worker. */
#include "common/stay.h"
#include "usrun/usrun.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SCRIPT_MAX (4 << 20) /* slurmctld's max_script_size */

/* After open() failed: no script, but what a shell would look for or run all the same. */
static bool is_no_script(const char *path, int error)
{
	struct stat st;

	if (error == EACCES) /* a program may be one to run and not to read */
		return stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
		       access(path, X_OK) == 0;
	return error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG ||
	       error == ELOOP || error == ENXIO;
}

/* Read a script of at most SCRIPT_MAX bytes; 0: it is no file with "#!" in front. */
static int read_script(const char *path, struct uc_buf *text, struct uc_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const int error = fd < 0 ? errno : 0;
	struct stat st;
	char chunk[16384];
	ssize_t got = 0;

	if (fd < 0 && is_no_script(path, error))
		return 0;
	errno = error;
	/* a script that could not be read is not run as a command without its options */
	if (fd < 0 || fstat(fd, &st) < 0)
		got = -1;
	else if (S_ISREG(st.st_mode))
		while (text->len <= SCRIPT_MAX && !text->failed &&
		       (got = read(fd, chunk, sizeof(chunk))) > 0) {
			uc_buf_addn(text, chunk, (size_t)got);
			if (text->len >= 2 && strncmp(text->data, "#!", 2) != 0)
				break;
		}
	if (got < 0)
		uc_fail_errno(err, UC_FAILED, errno, "cannot read '%s'", path);
	if (fd >= 0)
		close(fd);
	if (got < 0)
		return -1;
	return text->failed || (text->len >= 2 && strncmp(text->data, "#!", 2) == 0);
}

/* sbatch's own checks. */
static int check_script(const char *path, const struct uc_buf *text, struct uc_error *err)
{
	if (text->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (text->len > SCRIPT_MAX)
		return uc_fail(err, UC_USAGE, "script '%s' is larger than 4 MiB", path);
	if (memchr(text->data, '\0', text->len))
		return uc_fail(err, UC_USAGE, "script '%s' has a NUL byte in it", path);
	if (strstr(text->data, "\r\n")) {
		uc_fail(err, UC_USAGE, "script '%s' has DOS line breaks (\\r\\n)", path);
		return uc_hint(err, "dos2unix, or sed -i 's/\\r$//', removes them");
	}
	return 0;
}

/* In a container a script runs by its path; one without x bit by its interpreter. */
static int set_script_command(struct usrun *u, const char *path, const char *text,
			      struct uc_error *err)
{
	const char *const *command = uc_spec_command(u->spec);
	const char *line = text + 2;
	size_t len = strcspn(line, "\n"), word;
	uc_auto(strv) struct uc_strv words = { 0 };

	if (access(path, X_OK) != 0) {
		size_t blank = strspn(line, " \t");

		line += blank;
		len -= blank;
		word = strcspn(line, " \t\n");
		uc_strv_addn(&words, line, word);
		blank = strspn(line + word, " \t");
		if (word + blank < len)
			uc_strv_addn(&words, line + word + blank, len - word - blank);
	}
	uc_strv_add(&words, path);
	uc_strv_add_all(&words, command + 1);
	if (words.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_spec_set_command(u->spec, (const char *const *)words.item, err);
}

/* slurmctld is told the whole path, as by sbatch. */
static int set_script_path(struct usrun *u, const char *path, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv words = { 0 };

	uc_strv_add(&words, path);
	uc_strv_add_all(&words, uc_spec_command(u->spec) + 1);
	if (words.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_spec_set_command(u->spec, (const char *const *)words.item, err);
}

static void script_path(const struct usrun *u, const char *word, struct uc_buf *path)
{
	if (word[0] != '/' && u->run->cwd)
		uc_buf_addf(path, "%s/", u->run->cwd);
	uc_buf_add(path, strncmp(word, "./", 2) == 0 ? word + 2 : word);
}

int usrun_script(struct usrun *u, struct uc_error *err)
{
	const char *word = uc_spec_command(u->spec)[0];
	uc_auto(buf) struct uc_buf path = { 0 };
	int found;

	if (!u->again &&
	    uc_spec_sbatch_environment(u->spec, u->run->environment, err) < 0)
		return -1;
	if (!word)
		return 0;
	script_path(u, word, &path);
	if (path.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	found = read_script(uc_buf_text(&path), &u->script, err);
	if (found <= 0) {
		uc_buf_reset(&u->script);
		return found;
	}
	if (check_script(word, &u->script, err) < 0)
		return -1;
	return uc_spec_sbatch_lines(u->spec, word, u->script.data, u->script.len,
				    &u->where, err);
}

/*
 * Without a container a script is the batch script itself, as sbatch has it: it may call
 * srun. In a container there is no srun, so the script runs there as the step's command.
 */
int usrun_place_script(struct usrun *u, bool contained, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	if (u->script.len == 0)
		return 0;
	script_path(u, uc_spec_command(u->spec)[0], &path);
	if (path.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	/* one that is resumed runs beside the script that resumes it */
	if (!contained && !u->args.resume)
		return uc_spec_set_script(u->spec, uc_buf_text(&u->script), err) < 0
			       ? -1
			       : set_script_path(u, uc_buf_text(&path), err);
	if (contained &&
	    !uc_container_shows(uc_spec_container(u->spec), uc_buf_text(&path)))
		uc_run_say(u->run, 0, "'%s' is not mounted, it must be in the image",
			   uc_buf_text(&path));
	/* the interpreter may come first, the job is still called as the script is */
	if (uc_spec_name_job(u->spec, uc_buf_text(&path), err) < 0)
		return -1;
	return set_script_command(u, uc_buf_text(&path), uc_buf_text(&u->script), err);
}

static void print_number(struct usrun *u, uint32_t id)
{
	/* with --follow standard output is the job's */
	if (u->args.follow)
		uc_run_say(u->run, 0, "submitted batch job %" PRIu32, id);
	else if (u->args.parsable)
		printf("%" PRIu32 "\n", id);
	else
		printf("Submitted batch job %" PRIu32 "\n", id);
}

static void print_result(struct usrun *u, const struct uc_submitted *result)
{
	uc_auto(buf) struct uc_buf text = { 0 }, note = { 0 };

	uc_buf_safe(&text, uc_raw(result->message), u->run->safe | UC_SAFE_NEWLINE);
	if (text.len > 0)
		fprintf(stderr, "%s%s", uc_buf_text(&text),
			text.data[text.len - 1] == '\n' ? "" : "\n");
	if (uc_spec_get(u->spec, "quiet"))
		return;
	print_number(u, result->job_id);
	if (!result->note)
		return;
	/* that it is held was asked for */
	if (!uc_spec_get(u->spec, "hold"))
		uc_run_say(u->run, 0, "job %" PRIu32 " cannot start now: %s",
			   result->job_id, result->note);
	if (usrun_code_note(u, &note))
		uc_run_say(u->run, 0, "%s", uc_buf_text(&note));
}

/* The size of the file that the job will append to; one with its id in the name is new.
 */
static uint64_t size_before(const struct usrun *u)
{
	const char *pattern = uc_spec_get(u->spec, "output");
	const char *folder = uc_spec_get(u->spec, "chdir");
	const struct uc_job job = { .batch = true,
				    .array_task_id = UC_NONE32,
				    .name = { uc_spec_get(u->spec, "job-name") },
				    .user = { uc_run_env(u->run, "USER") },
				    .workdir = { folder ? folder : u->run->cwd } };
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat st;

	if (!pattern || uc_job_file(&job, pattern, NULL, &path, NULL) < 0 ||
	    stat(uc_buf_text(&path), &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return (uint64_t)st.st_size;
}

int usrun_batch(struct usrun *u, struct uc_error *err)
{
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(submitted) struct uc_submitted result = { 0 };
	uc_auto(buf) struct uc_buf script = { 0 };
	const char *mode = uc_spec_get(u->spec, "open-mode");
	const bool append = mode && mode[0] == 'a';
	const uint64_t skip = append && u->args.follow ? size_before(u) : 0;
	bool answered = false;

	/* what is wrong with it is found before anybody is asked */
	if (uc_spec_script(u->spec, &script, err) < 0)
		return -1;
	if (!u->run->cwd)
		return uc_fail(err, UC_FAILED, "the working directory is gone");
	if (uc_run_source(u->run, 0, &src) < 0 || usrun_check(u, src, &answered, err) < 0)
		return -1;
	if (uc_spec_container(u->spec)->save)
		usrun_sweep(u, uc_spec_container(u->spec)->save, src);
	if (uc_spec_submit(u->spec, src, u->run->environment, u->run->cwd, &result, err) <
	    0)
		return -1;
	print_result(u, &result);
	usrun_receipt(u, result.job_id, time(NULL));
	if (u->snapshot)
		usrun_snapshot_prune(u, src);
	if (!u->args.follow && !uc_spec_get(u->spec, "wait"))
		return u->args.forward.count ? usrun_forward_become(u, result.job_id, err)
					     : 0;
	if (u->args.forward.count &&
	    usrun_forward_start(u, result.job_id, false, err) < 0)
		return -1;
	return uc_stay(&(struct uc_stay){ .run = u->run,
					  .id = { .job = result.job_id,
						  .task = UC_NONE32,
						  .component = UC_NONE32 },
					  .lines = UC_FOLLOW_ALL,
					  .fresh = true,
					  .output = u->args.follow,
					  .append = append,
					  .skip = skip },
		       err);
}
