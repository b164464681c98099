/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uimage clean: lists what can go, asks, and removes it. */
#include "uimage/clean.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "common/ask.h"
#include "uimage/import.h"
#include "uimage/uimage.h"

#define TIMEOUT_MS 5000 /* for slurmctld: what it does not tell stays */

struct args {
	bool yes, dry_run, images;
	int64_t older;
	struct uc_listing listing;
};

/* clang-format off */
static const struct uc_opt options[] = {
	{ "older", .type = UC_OPT_DURATION, .metavar = "TIME",
	  .offset = offsetof(struct args, older), .group = "What",
	  .help = "what was not used for so long; imports that died go always",
	  .doc = "What was not used for\n.Ar TIME .\nOtherwise layers go after an hour, named "
		 "containers after 30 days,\nimages after 90.\nWhat imports that died left "
		 "goes always." },
	{ "images", .type = UC_OPT_FLAG, .offset = offsetof(struct args, images),
	  .help = "also own images that nobody uses",
	  .doc = "Also images of one's own that were not used for so long.\nThey cannot be "
		 "made again by themselves." },
	{ "yes", 'y', UC_OPT_FLAG, .offset = offsetof(struct args, yes), .group = "Way",
	  .help = "do not ask" },
	{ "dry-run", .type = UC_OPT_FLAG, .offset = offsetof(struct args, dry_run),
	  .help = "list only" },
	UC_LISTING_OPTIONS(struct args, listing),
	{ 0 }
};
/* clang-format on */

const char *clean_kind_name(enum clean_kind kind)
{
	static const char *const names[] = { "import", "layers", "container", "image" };

	return names[kind];
}

struct clean_item *clean_add(struct clean *c, enum clean_kind kind, const char *path)
{
	struct clean_item *more = reallocarray(c->item, c->count + 1, sizeof(*more)),
			  *item;

	if (!more)
		return NULL;
	c->item = more;
	item = &more[c->count];
	*item = (struct clean_item){ .kind = kind, .path = strdup(path) };
	if (!item->path)
		return NULL;
	c->count++;
	return item;
}

void clean_note(struct clean_item *item, bool stays, const char *note)
{
	if (!item)
		return;
	free(item->note);
	item->note = strdup(note);
	item->stays = stays;
}

const struct uc_jobs *clean_jobs(struct clean *c)
{
	static const struct uc_job_query query = {
		.fields = "job_id,state,user_id,submit_time,submit_line,command"
	};
	uc_auto(source) struct uc_source *src = NULL;
	struct uc_error err = { 0 };

	if (c->asked)
		return c->jobs;
	c->asked = true;
	if (uc_run_source(c->run, TIMEOUT_MS, &src) < 0)
		c->run->status = 0; /* it was said */
	else if (!uc_source_is_live(src))
		uc_run_say(c->run, 0,
			   "what jobs use is not known: this source is not live");
	else if (uc_jobs_load(src, &query, &c->jobs, &err) < 0)
		uc_run_say(c->run, 0, "what jobs use is not known: %s", err.text);
	return c->jobs;
}

bool clean_job_lives(struct clean *c, uint32_t job_id)
{
	const struct uc_jobs *jobs = clean_jobs(c);

	if (!jobs)
		return true;
	for (size_t i = 0; i < jobs->count; i++)
		if (jobs->row[i].job_id == job_id &&
		    !uc_job_is_finished(jobs->row[i].state))
			return true;
	return false;
}

/* --- removing --- */

static int remove_item(struct clean *c, const struct clean_item *item)
{
	switch (item->kind) {
	case CLEAN_IMPORT:
		return clean_remove_import(c, item);
	case CLEAN_LAYERS:
		return clean_remove_layers(c, item);
	case CLEAN_CONTAINER:
		return clean_remove_container(item);
	case CLEAN_IMAGE:
		return clean_remove_image(item);
	}
	return 0;
}

static int remove_all(struct clean *c)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	uint64_t bytes = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct clean_item *item = &c->item[i];
		struct uc_error err = { 0 };

		if (item->stays)
			continue;
		if (remove_item(c, item) == 0) {
			bytes += item->size;
			continue;
		}
		uc_fail_errno(&err, UC_FAILED, errno, "'%s' stays", item->path);
		uc_run_error(c->run, &err);
	}
	uc_size_words(&text, bytes);
	uc_run_say(c->run, 0, "%s are free", uc_buf_text(&text));
	return c->run->status;
}

static size_t count_going(const struct clean *c, uint64_t *bytes)
{
	size_t count = 0;

	*bytes = 0;
	for (size_t i = 0; i < c->count; i++)
		if (!c->item[i].stays) {
			count++;
			*bytes += c->item[i].size;
		}
	return count;
}

/* After the list. */
static int settle(struct clean *c, const struct args *args)
{
	uc_auto(buf) struct uc_buf question = { 0 }, size = { 0 };
	struct uc_error err = { 0 };
	uint64_t bytes;
	const size_t going = count_going(c, &bytes);

	if (c->unused_images > 0) {
		uc_size_words(&size, c->unused_bytes);
		uc_run_say(c->run, 0,
			   "%" PRIu64 " images of yours, %s, were not used for long: "
			   "--images lists them",
			   c->unused_images, uc_buf_text(&size));
		uc_buf_reset(&size);
	}
	if (going == 0) {
		if (!args->listing.json)
			uc_run_say(c->run, 0, "there is nothing to remove");
		return 0;
	}
	if (args->dry_run)
		return 0;
	if (args->yes)
		return remove_all(c);
	if (!uc_ask_possible(c->run)) {
		uc_fail(&err, UC_USAGE, "nothing was removed: nobody can be asked");
		uc_hint(&err, "--yes removes it, --dry-run lists only");
		return uc_run_error(c->run, &err);
	}
	fflush(stdout);
	uc_size_words(&size, bytes);
	uc_buf_addf(&question, "remove %zu, %s", going, uc_buf_text(&size));
	return uc_ask_yes(c->run, uc_buf_text(&question)) ? remove_all(c) : 0;
}

static int clean(struct uc_run *run, const struct args *args,
		 const struct uc_selection *shown)
{
	struct clean c = { .run = run,
			   .now = time(NULL),
			   .older = args->older,
			   .images = args->images };
	struct uc_table table;
	int status;

	clean_find_imports(&c);
	clean_find_layers(&c);
	clean_find_containers(&c);
	clean_find_images(&c);
	table = (struct uc_table){ .name = "left",
				   .rows = c.item,
				   .count = c.count,
				   .row_size = sizeof(*c.item),
				   .now = c.now };
	status = uc_table_print(run, &table, shown, &args->listing);
	fflush(stdout);
	if (status == 0)
		status = settle(&c, args);
	for (size_t i = 0; i < c.count; i++) {
		free(c.item[i].path);
		free(c.item[i].note);
	}
	free(c.item);
	uc_jobs_free(c.jobs);
	return status;
}

static int run_clean(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct args args = { .older = -1 };
	struct uc_selection shown;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) || uc_run_config(run, NULL) < 0 ||
	    uc_listing_select(run, clean_columns, &args.listing, &shown) < 0)
		return run->status;
	return clean(run, &args, &shown);
}

const struct uc_cmd uimage_cmd_clean = {
	.name = "uimage clean",
	.summary = "remove what is left over: of imports, layers, containers",
	.usage = (const char *const[]){ "[OPTION...]", NULL },
	.options = options,
	.columns = clean_columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.epilog =
		"It lists first, and asks. Containers and layers are those of this host.",
	.fn = run_clean,
};
