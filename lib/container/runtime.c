/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Does srun know pyxis? Its --help lists the options of SPANK plugins, in 2 to 9 ms and
 * without the controller, and shows thereby which release of pyxis it is. The answer is
 * kept with what it depends on; a lost or read-only state folder costs those
 * milliseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/container.h>
#include <ucluster/units.h>
#include "base/file.h"
#include "base/path.h"
#include "base/program.h"

#define HELP_MAX     (1 << 20) /* srun's own is 20 KiB */
#define HELP_WAIT_MS 5000
#define KEPT_S       3600
#define STATE_MAX    (64 << 10)

static void add_stamp(struct uc_buf *key, const char *path)
{
	struct stat st = { 0 };

	if (!path || stat(path, &st) < 0)
		uc_buf_addf(key, "%s -\n", path ? path : "-");
	else
		uc_buf_addf(key, "%s %jd %jd.%09ld\n", path, (intmax_t)st.st_size,
			    (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* What the answer depends on: srun, slurm.conf, and the plugins' files beside it. */
static void make_key(const struct uc_srun_query *query, struct uc_buf *key)
{
	static const char *const beside[] = { "plugstack.conf", "plugstack.conf.d" };

	add_stamp(key, query->srun);
	add_stamp(key, query->slurm_conf);
	for (size_t i = 0; query->slurm_conf && i < 2; i++) {
		uc_auto(buf) struct uc_buf path = { 0 };

		uc_path_folder(&path, query->slurm_conf);
		uc_buf_addf(&path, "/%s", beside[i]);
		add_stamp(key, uc_buf_text(&path));
	}
}

static int read_help(const struct uc_srun_query *query, struct uc_buf *help,
		     struct uc_error *err)
{
	char word0[] = "srun", word1[] = "--help";
	char *const words[] = { word0, word1, NULL };
	const struct uc_program srun = { .path = query->srun,
					 .words = words,
					 .environment = query->environment,
					 .deadline = uc_monotonic_ms() + HELP_WAIT_MS,
					 .bytes = HELP_MAX };
	int status, failure;
	enum uc_code how = uc_program_run(&srun, help, &status, &failure);

	if (failure)
		return uc_fail_errno(err, UC_UNREACHABLE, failure, "'%s'", query->srun);
	if (help->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return how == UC_OK
		       ? 0
		       : uc_fail(err, UC_UNREACHABLE, "'%s --help' did not end in %d s",
				 query->srun, HELP_WAIT_MS / 1000);
}

/* Every "--container-..." and "--no-container-..." of the text, once. */
static void find_names(const char *help, struct uc_strv *names)
{
	for (const char *at = help; (at = strstr(at, "--")); at += 2) {
		size_t len = strspn(at + 2, "abcdefghijklmnopqrstuvwxyz0123456789-");
		uc_auto(strv) struct uc_strv name = { 0 };

		if (strncmp(at + 2, "container-", 10) != 0 &&
		    strncmp(at + 2, "no-container-", 13) != 0)
			continue;
		uc_strv_addn(&name, at + 2, len);
		if (!name.failed && uc_strv_find(names, name.item[0]) < 0)
			uc_strv_add(names, name.item[0]);
	}
}

static void state_path(const struct uc_srun_query *query, struct uc_buf *path)
{
	uc_buf_addf(path, "%s/runtime.json", query->state_dir);
}

/* The kept answer, when it is of the same key and young. */
static bool recall(const struct uc_srun_query *query, const char *key,
		   struct uc_strv *names)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	int64_t now = (int64_t)time(NULL), when;
	json_t *root, *list, *item;
	bool fits;
	size_t i;

	state_path(query, &path);
	if (uc_file_read(uc_buf_text(&path), STATE_MAX, &text, NULL) < 0)
		return false;
	root = json_loadb(uc_buf_text(&text), text.len, 0, NULL);
	list = json_object_get(root, "options");
	when = json_integer_value(json_object_get(root, "asked"));
	fits = json_is_string(json_object_get(root, "key")) && json_is_array(list) &&
	       strcmp(json_string_value(json_object_get(root, "key")), key) == 0 &&
	       when <= now && now - when < KEPT_S;
	if (fits) {
		json_array_foreach(list, i, item)
		{
			if (json_is_string(item))
				uc_strv_add(names, json_string_value(item));
		}
	}
	json_decref(root);
	return fits;
}

static void keep(const struct uc_srun_query *query, const char *key,
		 const struct uc_strv *names)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	json_t *list = json_array(), *root;
	char *text;

	for (size_t i = 0; i < names->count; i++)
		json_array_append_new(list, json_string(names->item[i]));
	root = json_pack("{s:s, s:I, s:o}", "key", key, "asked", (json_int_t)time(NULL),
			 "options", list);
	text = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	state_path(query, &path);
	/* state is a convenience: what cannot be kept is asked again */
	if (text && uc_file_mkdirs(query->state_dir, 0700, NULL) == 0 &&
	    uc_file_write(uc_buf_text(&path), text, strlen(text), 0600, NULL) < 0)
		errno = 0;
	free(text);
}

int uc_srun_options(const struct uc_srun_query *query, struct uc_strv *names,
		    struct uc_error *err)
{
	uc_auto(buf) struct uc_buf key = { 0 };
	uc_auto(buf) struct uc_buf help = { 0 };

	make_key(query, &key);
	if (query->state_dir && recall(query, uc_buf_text(&key), names))
		return 0;
	if (read_help(query, &help, err) < 0)
		return -1;
	/* it has no configuration, or a broken one, and may be whole a moment later */
	if (help.len == 0)
		return uc_fail(err, UC_UNREACHABLE, "'%s --help' says nothing",
			       query->srun);
	find_names(uc_buf_text(&help), names);
	if (names->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (query->state_dir)
		keep(query, uc_buf_text(&key), names);
	return 0;
}
