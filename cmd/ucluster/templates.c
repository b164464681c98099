/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster templates: which there are; and what init and completion need of them. */
#include "ucluster/templates.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/table.h"
#include "ucluster/commands.h"

struct args {
	struct uc_listing listing;
};

struct row {
	const char *path;
	struct uc_template *t;
};

/* "templates" beside a file. */
static void add_beside(struct uc_strv *folders, const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	if (slash)
		uc_strv_addf(folders, "%.*s/templates", (int)(slash - file), file);
}

int template_folders(const struct uc_run *run, struct uc_strv *folders,
		     struct uc_error *err)
{
	const char *const *dirs = uc_config_list(run->config, "template_dirs");

	add_beside(folders, run->user_path);
	for (; *dirs; dirs++) {
		if (dirs[0][0] != '~')
			uc_strv_add(folders, *dirs);
		else if (run->home)
			uc_strv_addf(folders, "%s%s", run->home, *dirs + 1);
	}
	add_beside(folders, run->site_path);
	uc_strv_addf(folders, "%s/templates", run->data_dir);
	return folders->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

int template_open(struct uc_run *run, const char *name, struct uc_template **out)
{
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(strv) struct uc_strv folders = { 0 };
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error err = { 0 };

	if (template_folders(run, &folders, &err) < 0 ||
	    uc_template_find((const char *const *)folders.item, name, &path, &err) < 0) {
		uc_run_error(run, &err);
		return -1;
	}
	if (uc_template_load(uc_buf_text(&path), out, &faults) < 0) {
		uc_run_errors(run, &faults);
		return -1;
	}
	uc_template_defaults(*out, run->config);
	return 0;
}

static void get_key_name(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(((const struct uc_template_key *)row)->name);
}

static void get_key_type(const void *data, const void *context, struct uc_value *out)
{
	const struct uc_template_key *key = data;

	(void)context;
	out->type = UC_VALUE_TEXT;
	uc_buf_add(&out->scratch, uc_template_type_name(key->type));
	for (size_t i = 0; key->type == UC_TEMPLATE_CHOICE && key->choices[i]; i++)
		uc_buf_addf(&out->scratch, "%s%s", i ? "|" : ": ", key->choices[i]);
	out->text = uc_raw(uc_buf_text(&out->scratch));
}

static void get_key_value(const void *data, const void *context, struct uc_value *out)
{
	const struct uc_template_key *key = data;

	(void)context;
	if (!key->value[0])
		return;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(key->value);
}

static void get_key_from(const void *data, const void *context, struct uc_value *out)
{
	static const char *const names[] = { "template", "configuration", "--set" };
	const struct uc_template_key *key = data;

	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(key->value[0]   ? names[key->from]
			   : key->required ? "required"
					   : "unset");
}

static void get_key_help(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(((const struct uc_template_key *)row)->help);
}

static const struct uc_column key_columns[] = {
	{ "KEY", "key", UC_COLUMN_DEFAULT, 0, "name, for --set", get_key_name },
	{ "TYPE", "type", UC_COLUMN_DEFAULT, 0, "what it may be", get_key_type },
	{ "VALUE", "value", UC_COLUMN_DEFAULT, 0, "value without --set", get_key_value },
	{ "FROM", "from", UC_COLUMN_DEFAULT, 0, "who says so", get_key_from },
	{ "WHAT", "help", UC_COLUMN_DEFAULT, 0, "what it is for", get_key_help },
	{ 0 }
};

int template_print_keys(struct uc_run *run, const struct uc_template *t, bool json)
{
	const struct uc_listing listing = { .json = json };
	struct uc_table table = {
		.name = "keys",
		.row_size = sizeof(struct uc_template_key),
		.now = time(NULL),
	};
	struct uc_selection selection;

	table.rows = uc_template_keys(t, &table.count);
	if (uc_listing_select(run, key_columns, &listing, &selection) < 0)
		return run->status;
	return uc_table_print(run, &table, &selection, &listing);
}

static void get_name(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_template_name(((const struct row *)row)->t));
}

static void get_summary(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_template_summary(((const struct row *)row)->t));
}

static void get_folder(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(((const struct row *)row)->path);
}

static void get_keys(const void *data, const void *context, struct uc_value *out)
{
	const struct row *row = data;
	const struct uc_template_key *keys;
	size_t count;

	(void)context;
	keys = uc_template_keys(row->t, &count);
	if (!count)
		return;
	for (size_t i = 0; i < count; i++)
		uc_buf_addf(&out->scratch, "%s%s", i ? "," : "", keys[i].name);
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_buf_text(&out->scratch));
}

static const struct uc_column columns[] = {
	{ "NAME", "name", UC_COLUMN_DEFAULT, 0, "name, for init", get_name },
	{ "WHAT", "summary", UC_COLUMN_DEFAULT, 0, "what it begins", get_summary },
	{ "KEYS", "keys", 0, 0, "keys that --set sets", get_keys },
	{ "FOLDER", "folder", 0, 0, "where it is", get_folder },
	{ 0 }
};

static const struct uc_opt options[] = { UC_LISTING_OPTIONS(struct args, listing),
					 { 0 } };

/* One that has a fault is named and left out. */
static void load_rows(struct uc_run *run, const struct uc_strv *paths, struct row *rows,
		      struct uc_table *table)
{
	for (size_t i = 0; i < paths->count; i++) {
		uc_auto(errors) struct uc_errors faults = { 0 };
		struct row *row = &rows[table->count];

		row->path = paths->item[i];
		if (uc_template_load(row->path, &row->t, &faults) < 0)
			uc_run_errors(run, &faults);
		else
			table->count++;
	}
}

static int run_templates(struct uc_run *run, const struct uc_cmd *cmd, int argc,
			 char **argv)
{
	uc_auto(strv) struct uc_strv folders = { 0 }, paths = { 0 };
	struct uc_selection selection;
	struct uc_error err = { 0 };
	struct args args = { 0 };
	struct uc_table table = {
		.name = "templates",
		.row_size = sizeof(struct row),
		.now = time(NULL),
	};
	struct row *rows;
	int status;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_listing_select(run, columns, &args.listing, &selection) < 0 ||
	    uc_run_config(run, NULL) < 0)
		return run->status;
	if (template_folders(run, &folders, &err) < 0 ||
	    uc_template_list((const char *const *)folders.item, &paths, &err) < 0)
		return uc_run_error(run, &err);
	rows = calloc(paths.count + 1, sizeof(*rows));
	if (!rows) {
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(run, &err);
	}
	run->status = 0;
	load_rows(run, &paths, rows, &table);
	table.rows = rows;
	status = run->status;
	if (uc_table_print(run, &table, &selection, &args.listing) != 0)
		status = run->status;
	for (size_t i = 0; i < table.count; i++)
		uc_template_free(rows[i].t);
	free(rows);
	return status;
}

const struct uc_cmd uc_cmd_templates = {
	.name = "ucluster templates",
	.summary = "list templates of projects",
	.usage = (const char *const[]){ "[OPTION...]", NULL },
	.doc = "List the templates that\n.Cm init\nknows, with one line each; of one name "
	       "the first one found.\nThey are looked for in\n"
	       ".Pa ~/.config/ucluster/templates ,\nin the configured\n"
	       ".Ic template_dirs ,\nin\n.Pa /etc/ucluster/templates ,\n"
	       "and among those that are installed with ucluster.\nOne with faults is named "
	       "and left out.",
	.options = options,
	.columns = columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE,
	.fn = run_templates,
};
