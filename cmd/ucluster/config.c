/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster config: what the configuration says, and which file or variable says it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/run.h"
#include "common/table.h"
#include "ucluster/commands.h"
#include "ucluster/config_edit.h"

struct args {
	bool show, check, keys, edit, path;
	const char *preset;
	struct uc_listing listing;
};

/* One line: a setting, or one item of a list or map, which may come from several files.
 */
struct row {
	const struct uc_setting *set;
	const char *item; /* or NULL */
	enum uc_layer layer;
	const char *profile;
	const struct uc_mark *at;
};
struct rows {
	struct row *row;
	size_t count;
};

static void get_key(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(((const struct row *)row)->set->key->name);
}

/* People see a value as it was written; JSON has seconds and bytes. */
static void get_value(const void *data, const void *context, struct uc_value *out)
{
	const struct row *row = data;

	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(row->item ? row->item : row->set->text);
	if (row->set->key->type == UC_TYPE_DURATION)
		out->type = UC_VALUE_SECONDS;
	else if (row->set->key->type == UC_TYPE_SIZE)
		out->type = UC_VALUE_SIZE;
	else if (row->set->key->type == UC_TYPE_NUMBER)
		out->type = UC_VALUE_NUMBER;
	else if (row->set->key->type == UC_TYPE_BOOL)
		out->type = UC_VALUE_BOOL;
	if (out->type == UC_VALUE_TEXT)
		return;
	out->number =
		out->type == UC_VALUE_SIZE ? (int64_t)row->set->size : row->set->number;
	uc_buf_add(&out->shown, row->set->text);
}

static void get_layer(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_layer_name(((const struct row *)row)->layer));
}

static void get_profile(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->text = uc_raw(((const struct row *)row)->profile);
	out->type = out->text.bytes ? UC_VALUE_TEXT : UC_VALUE_NONE;
}

static void get_file(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->text = uc_raw(((const struct row *)row)->at->path);
	out->type = out->text.bytes[0] ? UC_VALUE_TEXT : UC_VALUE_NONE;
}

static void get_line(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->number = ((const struct row *)row)->at->line;
	out->type = out->number ? UC_VALUE_NUMBER : UC_VALUE_NONE;
}

static void get_column(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->number = ((const struct row *)row)->at->column;
	out->type = out->number ? UC_VALUE_NUMBER : UC_VALUE_NONE;
}

/* "built-in", "site /etc/ucluster/config.yaml:4", "profile train ...", "environment X".
 */
static void get_from(const void *data, const void *context, struct uc_value *out)
{
	const struct row *row = data;
	struct uc_buf *text = &out->scratch;

	(void)context;
	if (row->profile)
		uc_buf_addf(text, "profile %s", row->profile);
	else
		uc_buf_add(text, uc_layer_name(row->layer));
	if (row->at->path[0])
		uc_buf_addf(text, " %s", row->at->path);
	if (row->at->line)
		uc_buf_addf(text, ":%d", row->at->line);
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_buf_text(text));
	if (row->layer == UC_LAYER_BUILTIN)
		out->role = UC_ROLE_FAINT;
}

static const struct uc_column columns[] = {
	{ "KEY", "key", UC_COLUMN_DEFAULT, 0, "name of the setting", get_key },
	{ "VALUE", "value", UC_COLUMN_DEFAULT, 0,
	  "value as written, one item a line; in JSON seconds and bytes", get_value },
	{ "FROM", "from", UC_COLUMN_DEFAULT | UC_COLUMN_CUT, 20,
	  "layer or profile, and the place in the file", get_from },
	{ "LAYER", "layer", 0, 0, "built-in, site, user, project or environment",
	  get_layer },
	{ "PROFILE", "profile", 0, 0, "profile that sets it", get_profile },
	{ "FILE", "file", UC_COLUMN_CUT, 20, "file, or name of the variable", get_file },
	{ "LINE", "line", UC_COLUMN_RIGHT, 0, "line in the file", get_line },
	{ "COLUMN", "column", UC_COLUMN_RIGHT, 0, "column in the file", get_column },
	{ 0 }
};

static const struct uc_opt options[] = {
	{ "show", .type = UC_OPT_FLAG, .group = "What",
	  .offset = offsetof(struct args, show), .help = "also where values come from",
	  .doc = "With\n.Ar KEY ,\nprint the table and not just the values." },
	{ "preset", .type = UC_OPT_STRING, .metavar = "PROFILE",
	  .offset = offsetof(struct args, preset), .help = "with this profile applied" },
	{ "check", .type = UC_OPT_FLAG, .offset = offsetof(struct args, check),
	  .help = "only say whether there is a fault",
	  .doc = "Print nothing but the faults of all files.\nThe exit status is 2 when "
		 "there is one." },
	{ "edit", .type = UC_OPT_FLAG, .offset = offsetof(struct args, edit),
	  .help = "edit the user's file, and check it",
	  .doc = "Edit the user's file by\n.Ev VISUAL ,\n.Ev EDITOR\nor\n.Xr vi 1 .\n"
		 "What has a fault does not take the file's place." },
	{ "path", .type = UC_OPT_FLAG, .offset = offsetof(struct args, path),
	  .help = "print where the user's file is, or would be" },
	{ "mdoc-keys", .type = UC_OPT_FLAG, .flags = UC_OPT_HIDDEN,
	  .offset = offsetof(struct args, keys),
	  .help = "the KEYS of ucluster.config(5)" },
	UC_LISTING_OPTIONS(struct args, listing),
	{ 0 }
};

/* Does the word name the key, or the group ("slurm") it is in? */
static bool names(const char *word, const struct uc_key *key)
{
	size_t len = strlen(word);

	return strncmp(key->name, word, len) == 0 &&
	       (key->name[len] == '\0' || key->name[len] == '.');
}

static bool is_wanted(const struct uc_strv *words, const struct uc_key *key)
{
	for (size_t i = 0; i < words->count; i++)
		if (names(words->item[i], key))
			return true;
	return words->count == 0;
}

static int check_words(const struct uc_strv *words, struct uc_error *err)
{
	for (size_t i = 0; i < words->count; i++) {
		uc_auto(strv) struct uc_strv all = { 0 };
		const struct uc_key *key = uc_config_keys();
		const char *near;

		for (; key->name && !names(words->item[i], key); key++)
			uc_strv_add(&all, key->name);
		if (key->name)
			continue;
		uc_fail(err, UC_USAGE, "unknown key '%s'", words->item[i]);
		near = all.failed ? NULL
				  : uc_text_nearest(words->item[i],
						    (const char *const *)all.item);
		return near ? uc_hint(err, "did you mean '%s'?", near)
			    : uc_hint(err, "ucluster.config(5) lists all keys");
	}
	return 0;
}

static int add_row(struct rows *rows, struct row row)
{
	struct row *more = realloc(rows->row, (rows->count + 1) * sizeof(*more));

	if (!more)
		return -1;
	rows->row = more;
	rows->row[rows->count++] = row;
	return 0;
}

static int add_setting(struct rows *rows, const struct uc_setting *set)
{
	if (!set->list)
		return add_row(rows, (struct row){ set, NULL, set->layer, set->profile,
						   &set->at });
	for (size_t i = 0; set->list[i]; i++)
		if (add_row(rows,
			    (struct row){ set, set->list[i], set->from[i].layer,
					  set->from[i].profile, &set->from[i].at }) < 0)
			return -1;
	return 0;
}

/* Values only, for scripts: the words were asked for, and an unset one is told apart. */
static int print_values(struct uc_run *run, const struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->row[i];
		uc_auto(buf) struct uc_buf line = { 0 };
		const char *text = row->item ? row->item : row->set->text;

		/* a pipe gets the bytes, a terminal what is safe */
		if (run->stdout_tty)
			uc_buf_safe(&line, uc_raw(text), run->safe);
		else
			uc_buf_add(&line, text);
		puts(uc_buf_text(&line));
	}
	return rows->count ? UC_OK : UC_NOTFOUND;
}

static int print_keys(struct uc_run *run)
{
	static const char *const types[] = {
		[UC_TYPE_STRING] = "text",
		[UC_TYPE_NUMBER] = "number",
		[UC_TYPE_BOOL] = "true or false",
		[UC_TYPE_DURATION] = "time",
		[UC_TYPE_SIZE] = "size",
		[UC_TYPE_LIST] = "list",
		[UC_TYPE_MAP] = "map",
	};

	(void)run;
	for (const struct uc_key *k = uc_config_keys(); k->name; k++) {
		printf(".It Ic %s Pq %s\n", k->name, types[k->type]);
		printf("%c%s.\n", k->help[0] - ('a' - 'A') * (k->help[0] >= 'a'),
		       k->help + 1);
		if (k->choices) {
			printf("One of");
			for (size_t i = 0; k->choices[i]; i++)
				printf("%s\n.Cm %s", i ? " ," : "", k->choices[i]);
			printf(" .\n");
		}
		printf("Example:\n.Ql %s .\n", k->example);
		if (k->builtin)
			printf("Default:\n.Ql %s .\n", k->builtin);
		if (k->environment && k->profile)
			printf("Variables:\n.Ev %s , USRUN_%s .\n", k->environment,
			       k->environment + strlen("UCLUSTER_"));
		else if (k->environment)
			printf("Variable:\n.Ev %s .\n", k->environment);
		printf("May be set in %s%s.\n",
		       k->project ? "site, user and project files"
				  : "site and user files",
		       k->profile ? " and in profiles" : "");
	}
	return UC_OK;
}

static int print_path(const struct uc_run *run)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	if (!run->user_path)
		return UC_NOTFOUND;
	if (run->stdout_tty)
		uc_buf_safe(&line, uc_raw(run->user_path), run->safe);
	else
		uc_buf_add(&line, run->user_path);
	puts(uc_buf_text(&line));
	return UC_OK;
}

static void say_checked(const struct uc_run *run)
{
	const char *paths[] = { run->site_path, run->user_path,
				uc_config_project_path(run->config) };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (paths[i] && access(paths[i], F_OK) == 0)
			uc_run_say(run, 0, "no fault in '%s'", paths[i]);
}

static int print(struct uc_run *run, const struct args *args, const struct rows *rows,
		 const struct uc_selection *selection)
{
	const struct uc_table table = {
		.name = "settings",
		.rows = rows->row,
		.count = rows->count,
		.row_size = sizeof(*rows->row),
		.now = time(NULL),
	};

	if (run->parsed.operands.count && !args->show && !args->listing.json &&
	    !args->listing.format && !args->listing.parsable)
		return print_values(run, rows);
	return uc_table_print(run, &table, selection, &args->listing);
}

static int run_config(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct args args = { 0 };
	struct uc_selection selection;
	struct uc_error err = { 0 };
	struct rows rows = { 0 };
	int status = 0;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args))
		return run->status;
	if (args.keys)
		return print_keys(run);
	if (args.edit)
		return uc_config_edit(run);
	if (args.path)
		return print_path(run);
	if (check_words(&run->parsed.operands, &err) < 0)
		return uc_run_error(run, &err);
	if (uc_listing_select(run, columns, &args.listing, &selection) < 0 ||
	    uc_run_config(run, args.preset) < 0)
		return run->status;
	if (args.check) {
		say_checked(run);
		return UC_OK;
	}
	for (const struct uc_key *k = uc_config_keys(); k->name && status == 0; k++) {
		const struct uc_setting *set = uc_config_get(run->config, k->name);

		if (set && is_wanted(&run->parsed.operands, k))
			status = add_setting(&rows, set);
	}
	if (status < 0) {
		uc_fail(&err, UC_FAILED, "out of memory");
		status = uc_run_error(run, &err);
	} else {
		status = print(run, &args, &rows, &selection);
	}
	free(rows.row);
	return status;
}

const struct uc_cmd uc_cmd_config = {
	.name = "ucluster config",
	.summary = "show the configuration and where each value comes from",
	.usage = (const char *const[]){ "[OPTION...] [KEY...]", "--check", "--edit",
					"--path", NULL },
	.doc = "Show the configuration in use, see\n.Xr ucluster.config 5 :\neach setting, "
	       "its value, and the file, profile or variable\nthat sets it; settings nobody "
	       "sets are left out.\nWith\n.Ar KEY ,\nprint just the values of these, one a "
	       "line; the exit status is 3 when none is set.",
	.options = options,
	.columns = columns,
	.operands = "KEY",
	.min_operands = 0,
	.max_operands = 0,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE,
	.fn = run_config,
};
