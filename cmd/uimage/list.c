/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uimage list: the images there are, a line each. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "uimage/list.h"
#include "uimage/uimage.h"

struct args {
	bool refresh;
	struct uc_listing listing;
};

// clang-format off
static const struct uc_opt options[] = {
	{ "refresh", .type = UC_OPT_FLAG, .offset = offsetof(struct args, refresh),
	  .group = "Images", .help = "read them again",
	  .doc = "Read images again, whatever is kept of them." },
	UC_LISTING_OPTIONS(struct args, listing),
	{ 0 }
};
// clang-format on

/* A pattern of the shell, or else a part of the name. */
static bool is_wanted(const struct uc_image_file *file, const char *pattern)
{
	if (!pattern)
		return true;
	if (strpbrk(pattern, "*?["))
		return fnmatch(pattern, file->name.bytes, FNM_CASEFOLD) == 0;
	return strcasestr(file->name.bytes, pattern);
}

/* Files, rows and images of what is wanted, side by side. */
struct list {
	struct uc_image_files files; /* borrows its rows */
	struct uc_image_file *file;
	struct list_row *rows;
	struct uc_image **images;
};

static void free_list(struct list *list)
{
	for (size_t i = 0; list->images && i < list->files.count; i++)
		uc_image_free(list->images[i]);
	free(list->images);
	free(list->rows);
	free(list->file);
}

static int make_list(struct list *list, const struct uc_image_files *all,
		     const char *pattern, struct uc_error *err)
{
	list->file = calloc(all->count + 1, sizeof(*list->file));
	list->rows = calloc(all->count + 1, sizeof(*list->rows));
	list->images = calloc(all->count + 1, sizeof(struct uc_image *));
	if (!list->file || !list->rows || !list->images)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < all->count; i++)
		if (is_wanted(&all->row[i], pattern))
			list->file[list->files.count++] = all->row[i];
	list->files.row = list->file;
	for (size_t i = 0; i < list->files.count; i++)
		list->rows[i].file = &list->file[i];
	return 0;
}

static int print(struct uc_run *run, const struct args *args,
		 const struct uc_selection *shown, struct list *list)
{
	struct list_context context = { .now = time(NULL) };
	struct uimage_reader reader;

	uimage_reader_init(run, &reader);
	reader.how.again = args->refresh;
	if (list_needs_image(shown))
		uimage_load_all(run, &reader, &list->files, list->images);
	uimage_reader_free(&reader);
	for (size_t i = 0; i < list->files.count; i++)
		list->rows[i].image = list->images[i];
	if (list_needs_jobs(shown))
		list_count_jobs(run, list->rows, list->files.count, &context.jobs_known);
	return uc_table_print(run,
			      &(struct uc_table){ .name = "images",
						  .rows = list->rows,
						  .count = list->files.count,
						  .row_size = sizeof(*list->rows),
						  .context = &context,
						  .now = context.now },
			      shown, &args->listing);
}

static int show(struct uc_run *run, const struct args *args,
		const struct uc_selection *shown)
{
	uc_auto(image_files) struct uc_image_files *all = NULL;
	const struct uc_strv *words = &run->parsed.operands;
	struct uc_error err = { 0 };
	struct list list = { 0 };
	int status;

	if (uimage_find(run, &all, &err) < 0 ||
	    make_list(&list, all, words->count ? words->item[0] : NULL, &err) < 0)
		status = uc_run_error(run, &err);
	else
		status = print(run, args, shown, &list);
	free_list(&list);
	return status;
}

static int run_list(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct args args = { 0 };
	struct uc_selection shown;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_listing_select(run, list_columns, &args.listing, &shown) < 0 ||
	    uc_run_config(run, NULL) < 0)
		return run->status;
	return show(run, &args, &shown);
}

const struct uc_cmd uimage_cmd_list = {
	.name = "uimage list",
	.summary = "the images there are",
	.usage = (const char *const[]){ "[OPTION...] [PATTERN]", NULL },
	.options = options,
	.columns = list_columns,
	.operands = "PATTERN",
	.max_operands = 1,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.doc = "Show the images in the configured\n.Ic image_dirs ,\nor those with\n"
	       ".Ar PATTERN\nin their names; with\n.Sq * , \\&?\nor\n.Sq \\&[\nit is a "
	       "pattern for the whole name.\nWhat is in an image is read once and kept "
	       "until the file changes.",
	.fn = run_list,
};
