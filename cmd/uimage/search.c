/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uimage search: which images have what a program needs. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "uimage/search.h"

struct args {
	struct uc_strv requirements; /* files */
	bool all, refresh;
	struct uc_listing listing;
};

// clang-format off
static const struct uc_opt options[] = {
	{ "requirements", .type = UC_OPT_WORDS, .metavar = "FILE",
	  .offset = offsetof(struct args, requirements), .group = "Search",
	  .help = "packages of a requirements.txt or environment.yml",
	  .doc = "Ask for what stands in\n.Ar FILE ,\npip's\n.Pa requirements.txt\nor "
		 "conda's\n.Pa environment.yml .\nMay be given several times." },
	{ "all", 'a', UC_OPT_FLAG, .offset = offsetof(struct args, all),
	  .help = "images that have nothing of it, too" },
	{ "refresh", .type = UC_OPT_FLAG, .offset = offsetof(struct args, refresh),
	  .help = "read images again", .doc = "Read images again, whatever is kept of them." },
	UC_LISTING_OPTIONS(struct args, listing),
	{ 0 }
};
// clang-format on

static int read_wanted(struct uc_run *run, const struct args *args,
		       struct uc_requirements **wanted, struct uc_error *err)
{
	const struct uc_strv *words = &run->parsed.operands;

	for (size_t i = 0; i < words->count; i++)
		if (uc_requirements_add(wanted, words->item[i], err) < 0)
			return -1;
	for (size_t i = 0; i < args->requirements.count; i++)
		if (uc_requirements_read(wanted, args->requirements.item[i], err) < 0)
			return -1;
	for (size_t i = 0; *wanted && i < (*wanted)->ignored.count; i++) {
		uc_auto(buf) struct uc_buf line = { 0 };

		uc_buf_safe(&line, uc_raw((*wanted)->ignored.item[i]), run->safe);
		uc_run_say(run, 0, "%s", uc_buf_text(&line));
	}
	if (*wanted && (*wanted)->count)
		return 0;
	uc_fail(err, UC_USAGE, "no package is asked for");
	return uc_hint(err, "for example: uimage search 'torch>=2.1' pandas");
}

static void judge(struct search_row *row, const struct uc_requirements *wanted)
{
	row->met_count = 0;
	row->asked = 0;
	for (size_t i = 0; i < wanted->count; i++) {
		uc_requirement_meet(&wanted->row[i], row->image, &row->met[i]);
		row->met_count += row->met[i].met == UC_MET_YES;
		row->asked += row->met[i].met != UC_MET_NOT_ASKED;
	}
}

/* What has all comes first, then what has most of it, then what is newer. */
static int best_first(const void *a, const void *b)
{
	const struct search_row *one = a, *other = b;
	size_t missing = one->asked - one->met_count;
	size_t others = other->asked - other->met_count;

	if (missing != others)
		return missing < others ? -1 : 1;
	if (one->file->mtime != other->file->mtime)
		return one->file->mtime > other->file->mtime ? -1 : 1;
	return strcmp(one->file->path.bytes, other->file->path.bytes);
}

static void say_markers(struct uc_run *run, const struct search_row *rows, size_t count,
			const struct uc_requirements *wanted)
{
	for (size_t i = 0; i < wanted->count; i++)
		for (size_t k = 0; k < count; k++) {
			if (!rows[k].met[i].marker_ignored)
				continue;
			uc_run_say(run, 0,
				   "'%s' is asked for everywhere: what its marker needs "
				   "is not known of all images",
				   wanted->row[i].name);
			break;
		}
}

/* The images that can be read, judged; met is one array for all rows. */
struct search {
	const struct uc_requirements *wanted;
	const struct uc_image_files *files;
	struct search_row *rows;
	struct uc_meeting *met;
	struct uc_image **images; /* of files, by their index */
	size_t count;
};

static void free_search(struct search *s)
{
	for (size_t i = 0; s->images && i < s->files->count; i++)
		uc_image_free(s->images[i]);
	free(s->images);
	free(s->rows);
	free(s->met);
}

static bool has_all(const struct search_row *row)
{
	return row->met_count == row->asked;
}

/* As its list says; false: it has none, or there may be more in the image. */
static bool judge_list(struct search *s, const struct uimage_reader *reader, size_t i)
{
	struct search_row row = { .met = &s->met[i * s->wanted->count] };
	struct uc_error err;

	if (!s->files->row[i].list.bytes ||
	    uc_image_packages(&reader->how, &s->files->row[i], &row.image, &err) < 0)
		return false;
	judge(&row, s->wanted);
	s->images[i] = row.image;
	return has_all(&row);
}

/*
 * A list that has it all spares looking into the image; where an image cannot be read,
 * what its list says counts.
 */
static int read_images(struct uc_run *run, struct search *s,
		       const struct uimage_reader *reader)
{
	struct uc_image_file *file = calloc(s->files->count + 1, sizeof(*file));
	struct uc_image **image = calloc(s->files->count + 1, sizeof(struct uc_image *));
	struct uc_image_files rest = { .row = file };
	size_t *which = calloc(s->files->count + 1, sizeof(*which));
	const bool room = file && image && which;

	for (size_t i = 0; room && i < s->files->count; i++)
		if (!judge_list(s, reader, i)) {
			which[rest.count] = i;
			file[rest.count++] = s->files->row[i];
		}
	if (room)
		uimage_load_all(run, reader, &rest, image);
	for (size_t i = 0; i < rest.count; i++) {
		struct uc_image **place = &s->images[which[i]];

		if (!image[i])
			continue;
		uc_image_free(*place);
		*place = image[i];
	}
	free(which);
	free(image);
	free(file);
	return room ? 0 : -1;
}

static int look(struct uc_run *run, const struct args *args, struct search *s)
{
	struct uimage_reader reader;
	int rc;

	s->rows = calloc(s->files->count + 1, sizeof(*s->rows));
	s->images = calloc(s->files->count + 1, sizeof(struct uc_image *));
	s->met = calloc((s->files->count + 1) * s->wanted->count, sizeof(*s->met));
	if (!s->rows || !s->images || !s->met)
		return -1;
	uimage_reader_init(run, &reader);
	reader.how.again = args->refresh;
	rc = read_images(run, s, &reader);
	for (size_t i = 0; rc == 0 && i < s->files->count; i++) {
		struct search_row *row = &s->rows[s->count];

		if (!s->images[i])
			continue;
		row->file = &s->files->row[i];
		row->image = s->images[i];
		row->met = &s->met[i * s->wanted->count];
		judge(row, s->wanted);
		s->count++;
	}
	uimage_reader_free(&reader);
	return rc;
}

/* Images that have nothing of it are left away. */
static size_t drop_others(struct search_row *rows, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (rows[i].met_count > 0 || rows[i].asked == 0)
			rows[kept++] = rows[i];
	return kept;
}

static int print(struct uc_run *run, const struct args *args,
		 const struct uc_selection *shown, struct search *s)
{
	const struct search_context context = { .wanted = s->wanted, .now = time(NULL) };
	struct uc_error err = { 0 };
	bool found;
	int status;

	if (s->count > 0)
		qsort(s->rows, s->count, sizeof(*s->rows), best_first);
	found = s->count > 0 && has_all(&s->rows[0]);
	say_markers(run, s->rows, s->count, s->wanted);
	if (!args->all)
		s->count = drop_others(s->rows, s->count);
	status = uc_table_print(run,
				&(struct uc_table){ .name = "images",
						    .rows = s->rows,
						    .count = s->count,
						    .row_size = sizeof(*s->rows),
						    .context = &context,
						    .now = context.now },
				shown, &args->listing);
	if (status || found)
		return status;
	uc_fail(&err, UC_NOTFOUND, "no image has %s",
		s->wanted->count == 1 ? s->wanted->row[0].text : "all of it");
	return uc_run_error(run, &err);
}

static int search(struct uc_run *run, const struct args *args,
		  const struct uc_selection *shown)
{
	uc_auto(requirements) struct uc_requirements *wanted = NULL;
	uc_auto(image_files) struct uc_image_files *files = NULL;
	struct uc_error err = { 0 };
	struct search s = { 0 };
	int status;

	if (read_wanted(run, args, &wanted, &err) < 0 ||
	    uimage_find(run, &files, &err) < 0)
		return uc_run_error(run, &err);
	s.wanted = wanted;
	s.files = files;
	if (look(run, args, &s) < 0) {
		uc_fail(&err, UC_FAILED, "out of memory");
		status = uc_run_error(run, &err);
	} else {
		status = print(run, args, shown, &s);
	}
	free_search(&s);
	return status;
}

static int run_search(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct args args = { 0 };
	struct uc_selection shown;
	int status;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_listing_select(run, search_columns, &args.listing, &shown) < 0 ||
	    uc_run_config(run, NULL) < 0)
		status = run->status;
	else
		status = search(run, &args, &shown);
	uc_strv_free(&args.requirements);
	return status;
}

const struct uc_cmd uimage_cmd_search = {
	.name = "uimage search",
	.summary = "images that have certain packages",
	.usage = (const char *const[]){ "[OPTION...] PACKAGE...",
					"--requirements FILE [OPTION...]", NULL },
	.options = options,
	.columns = search_columns,
	.operands = "PACKAGE",
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE,
	.doc = "List the images that have each\n.Ar PACKAGE ,\nthe best first, and what "
	       "others lack of it.\nA\n.Ar PACKAGE\nis a requirement as pip takes it: "
	       "a name, operators and versions.",
	.fn = run_search,
};
