/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What a run shows while it goes on; show_end.c what became of it. */
#include "usync/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>
#include "common/ask.h"

enum {
	NOTES_MAX = 20, /* each is a line */
	PREVIEW_MAX = 20,
};

static const struct {
	const char *run, *status; /* as a run would, and as status has it */
} words[UC_SYNC_ACTIONS] = {
	[UC_SYNC_NEW] = { "new", "new" },
	[UC_SYNC_UPDATE] = { "update", "update" },
	[UC_SYNC_META] = { "meta", "meta" },
	[UC_SYNC_DELETE] = { "delete", "delete" },
	[UC_SYNC_KEEP] = { "keep", "newer" },
	[UC_SYNC_CONFLICT] = { "conflict", "conflict" },
	[UC_SYNC_SECRET] = { "secret", "secret" },
	[UC_SYNC_EXTRA] = { "extra", "extra" },
	[UC_SYNC_SAME] = { "same", "same" },
};

const char *usync_action_word(const struct usync_show *show, enum uc_sync_action action)
{
	return show->status ? words[action].status : words[action].run;
}

void usync_bytes(struct uc_buf *out, uint64_t bytes)
{
	if (bytes < 1024)
		uc_buf_addf(out, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
	else
		uc_size_words(out, bytes);
}

/* "src/", "link -> target" */
static void add_name(const struct usync_show *show, const struct uc_sync_item *item,
		     struct uc_buf *out)
{
	uc_buf_safe(out, uc_raw(item->path), show->run->safe);
	if (item->kind == 'd')
		uc_buf_addc(out, '/');
	if (item->kind == 'l' && item->target) {
		uc_buf_add(out, " -> ");
		uc_buf_safe(out, uc_raw(item->target), show->run->safe);
	}
}

void usync_show_item(const struct usync_show *show, const struct uc_sync_item *item)
{
	uc_auto(buf) struct uc_buf line = { 0 }, size = { 0 };

	if (item->kind == 'f')
		uc_size_words(&size, item->size);
	uc_buf_addf(&line, "%-8s  %6s  ", usync_action_word(show, item->action),
		    item->kind == 'f' ? uc_buf_text(&size) : "-");
	add_name(show, item, &line);
	if (item->why)
		uc_buf_addf(&line, "  (%s)", item->why);
	puts(uc_buf_text(&line));
}

/* --- what is remembered until the end --- */

static void remember(struct usync_names *names, const char *text)
{
	if (names->count++ < USYNC_NAMES_MAX)
		uc_strv_add(&names->shown, text);
}

static void remember_item(const struct usync_show *show, struct usync_names *names,
			  const struct uc_sync_item *item)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	add_name(show, item, &text);
	if (item->action == UC_SYNC_SECRET && item->why)
		uc_buf_addf(&text, " (%s)", item->why);
	remember(names, uc_buf_text(&text));
}

/* What is in a folder that is only there goes without saying. */
static bool is_inside_extra(struct usync_show *show, const struct uc_sync_item *item)
{
	const size_t len = show->extra ? strlen(show->extra) : 0;

	if (item->action != UC_SYNC_EXTRA)
		return false;
	if (len && strncmp(item->path, show->extra, len) == 0 && item->path[len] == '/')
		return true;
	if (item->kind == 'd') {
		free(show->extra);
		show->extra = strdup(item->path);
	}
	return false;
}

/* A folder and what is none: --overwrite does not say which of them goes. */
static void remember_conflict(struct usync_show *show, const struct uc_sync_item *item)
{
	remember_item(show, &show->conflicts, item);
	show->kinds +=
		item->why && (strcmp(item->why, "a folder there") == 0 ||
			      strcmp(item->why, "below what is no folder there") == 0);
}

static void on_item(void *arg, const struct uc_sync_item *item)
{
	struct usync_show *show = arg;

	if (item->action == UC_SYNC_CONFLICT)
		remember_conflict(show, item);
	else if (item->action == UC_SYNC_SECRET)
		remember_item(show, &show->secrets, item);
	else if (item->action == UC_SYNC_DELETE)
		remember_item(show, &show->removes, item);
	if (show->json) {
		usync_json_item("item", item, NULL);
		return;
	}
	if (!show->list || item->action == UC_SYNC_SAME)
		return;
	/* a run names those that stay on no side only when asked for more */
	if (is_inside_extra(show, item) ||
	    (item->action == UC_SYNC_EXTRA && !show->status &&
	     !show->run->parsed.verbose)) {
		show->unlisted++;
		return;
	}
	usync_progress_clear(show);
	usync_show_item(show, item);
	show->listed++;
}

static void on_skip(void *arg, const struct uc_sync_skipped *s)
{
	struct usync_show *show = arg;
	uc_auto(buf) struct uc_buf text = { 0 };

	if (show->json) {
		usync_json_skip(s);
		return;
	}
	if (show->quiet || (!show->list && !show->run->parsed.verbose))
		return;
	uc_buf_safe(&text, s->rule, show->run->safe);
	uc_buf_add(&text, " (");
	uc_buf_safe(&text, s->origin, show->run->safe);
	if (s->line > 0)
		uc_buf_addf(&text, ":%d", s->line);
	uc_buf_add(&text, ") leaves behind ");
	if (s->files)
		uc_buf_addf(&text, "%" PRIu64 " file%s", s->files,
			    s->files == 1 ? "" : "s");
	if (s->folders)
		uc_buf_addf(&text, "%s%" PRIu64 " folder%s", s->files ? " and " : "",
			    s->folders, s->folders == 1 ? "" : "s");
	if (s->bytes) {
		uc_buf_add(&text, ", ");
		usync_bytes(&text, s->bytes);
	}
	usync_progress_clear(show);
	uc_run_say(show->run, 0, "%s", uc_buf_text(&text));
}

static void on_note(void *arg, struct uc_raw path, const char *text, int errno_value)
{
	struct usync_show *show = arg;
	uc_auto(buf) struct uc_buf line = { 0 };

	if (show->json) {
		usync_json_note(path, text, errno_value);
		return;
	}
	if (show->faults.count >= NOTES_MAX) {
		show->faults.count++;
		return;
	}
	uc_buf_addc(&line, '\'');
	uc_buf_safe(&line, path, show->run->safe);
	uc_buf_addf(&line, "': %s", text);
	if (errno_value)
		uc_buf_addf(&line, ": %s", strerror(errno_value));
	remember(&show->faults, uc_buf_text(&line));
	if (!usync_is_news(show, uc_buf_text(&line)))
		return;
	usync_progress_clear(show);
	uc_run_say(show->run, 0, "%s", uc_buf_text(&line));
}

/* --- before anything is done --- */

static void preview(const struct usync_show *show)
{
	const struct usync_names *names = &show->removes;
	size_t shown =
		names->shown.count < PREVIEW_MAX ? names->shown.count : PREVIEW_MAX;

	for (size_t i = 0; i < shown; i++)
		uc_run_say(show->run, 0, "delete %s", names->shown.item[i]);
	if (names->count > shown)
		uc_run_say(show->run, 0, "and %" PRIu64 " more", names->count - shown);
}

static bool agrees(struct usync_show *show, const struct uc_sync_plan *plan)
{
	uc_auto(buf) struct uc_buf question = { 0 };
	const uint64_t count = plan->entries[UC_SYNC_DELETE];
	bool yes;

	if (count == 1)
		uc_buf_add(&question, "move this one");
	else
		uc_buf_addf(&question, "move these %" PRIu64, count);
	if (plan->bytes[UC_SYNC_DELETE]) {
		uc_buf_add(&question, " (");
		usync_bytes(&question, plan->bytes[UC_SYNC_DELETE]);
		uc_buf_addc(&question, ')');
	}
	uc_buf_addf(&question, " %s to the trash",
		    show->request->direction == UC_SYNC_PULL ? "here" : "there");
	usync_stop_gently(show, false); /* at a question Ctrl-C is an answer */
	yes = uc_ask_yes(show->run, uc_buf_text(&question));
	usync_stop_gently(show, true);
	return yes;
}

static int on_plan(void *arg, const struct uc_sync_plan *plan)
{
	struct usync_show *show = arg;

	if (show->json)
		usync_json_plan(plan);
	if (!plan->entries[UC_SYNC_DELETE] || show->request->dry_run)
		return 0;
	usync_progress_clear(show);
	if (!show->json && !show->quiet && !show->list)
		preview(show);
	if (show->yes || agrees(show, plan))
		return 0;
	show->declined = true;
	return -1;
}

/* --- while it is done --- */

static void on_phase(void *arg, const char *phase)
{
	struct usync_show *show = arg;

	/* until it is connected there is nothing that could be left half done */
	if (strcmp(phase, "connecting") != 0)
		usync_stop_gently(show, true);
	usync_progress_phase(show, phase);
}

static void on_progress(void *arg, const struct uc_sync_progress *progress)
{
	struct usync_show *show = arg;

	if (show->json)
		usync_json_progress(progress);
	else
		usync_progress_draw(show, progress);
}

static void on_done(void *arg, const struct uc_sync_item *item, const char *text)
{
	struct usync_show *show = arg;
	uc_auto(buf) struct uc_buf name = { 0 };

	show->removed += !text && item->action == UC_SYNC_DELETE;
	if (show->json) {
		usync_json_item(text ? "failed" : "done", item, text);
		return;
	}
	if (!text)
		return;
	add_name(show, item, &name);
	usync_progress_clear(show);
	uc_run_say(show->run, 0, "'%s': %s", uc_buf_text(&name), text);
}

static bool on_stop(void *arg)
{
	return usync_stop_asked(arg);
}

void usync_show_begin(struct usync_show *show, struct uc_sync_watcher *watcher)
{
	*watcher = (struct uc_sync_watcher){
		.phase = on_phase,
		.item = on_item,
		.skip = on_skip,
		.note = on_note,
		.plan = on_plan,
		.progress = on_progress,
		.done = on_done,
		.stop = on_stop,
		.arg = show,
	};
	usync_stop_begin(show);
	show->progress = !show->json && !show->quiet && show->run->stderr_tty;
	if (show->json)
		usync_json_start(show);
}

void usync_show_free(struct usync_show *show)
{
	uc_strv_free(&show->conflicts.shown);
	uc_strv_free(&show->secrets.shown);
	uc_strv_free(&show->removes.shown);
	uc_strv_free(&show->faults.shown);
	free(show->extra);
}
