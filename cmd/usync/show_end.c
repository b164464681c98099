/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The end of a run: what was left as it is and what to type next, then one line of sums.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "usync/show.h"

#define NAMES_SHOWN 20

/* Of 128 + signal; what a shell shows for Ctrl-C. */
#define STATUS_INTERRUPTED 130

bool usync_is_news(const struct usync_show *show, const char *line)
{
	if (!show->said)
		return true;
	uc_strv_add(&show->said->now, line);
	return uc_strv_find(&show->said->before, line) < 0;
}

/* False: there is nothing of it that was not said before. */
static bool say_names(const struct usync_show *show, const struct usync_names *names,
		      const char *word)
{
	uint64_t news = 0;

	if (show->list && show->request->dry_run) /* they are in the list */
		return names->count > 0;
	for (size_t i = 0; i < names->shown.count; i++) {
		uc_auto(buf) struct uc_buf line = { 0 };

		uc_buf_addf(&line, "%s: %s", word, names->shown.item[i]);
		if (usync_is_news(show, uc_buf_text(&line)) && news++ < NAMES_SHOWN)
			uc_run_say(show->run, 0, "%s", uc_buf_text(&line));
	}
	if (!show->said)
		news = names->count;
	if (news > NAMES_SHOWN)
		uc_run_say(show->run, 0, "%s: and %" PRIu64 " more", word,
			   news - NAMES_SHOWN);
	return news > 0;
}

static void hint(const char *text)
{
	fprintf(stderr, "hint: %s\n", text);
}

/* The first name as a word to type, when it is one without more ado. */
static void hint_conflict(const struct usync_show *show)
{
	uc_auto(buf) struct uc_buf text = { 0 }, word = { 0 };
	/* a link's name has its target behind it */
	const bool one = show->conflicts.count == 1 &&
			 !strstr(show->conflicts.shown.item[0], " -> ");

	if (show->kinds == show->conflicts.count) {
		hint("a folder on one side, and no folder on the other: --overwrite does "
		     "not decide it; move one of them away");
		return;
	}
	if (strcmp(show->verb, "push") != 0 && strcmp(show->verb, "pull") != 0 &&
	    !show->status) {
		hint("--overwrite takes the source's; what it replaces goes to the trash");
		return;
	}
	if (one) {
		uc_buf_addc(&word, ' ');
		uc_buf_quote(&word, show->conflicts.shown.item[0], UC_QUOTE_VISIBLE);
	}
	uc_buf_addf(&text,
		    "'usync push --overwrite%s' takes what is here, 'usync pull "
		    "--overwrite%s' what is there; what is replaced goes to the trash",
		    uc_buf_text(&word), uc_buf_text(&word));
	hint(uc_buf_text(&text));
}

static void say_leftovers(const struct usync_show *show)
{
	if (say_names(show, &show->conflicts, "changed on both sides, left as it is"))
		hint_conflict(show);
	if (say_names(show, &show->secrets, "looks like a secret, left behind"))
		hint("--allow-secrets takes such files along; an --exclude leaves them "
		     "behind for good");
	if (show->faults.count > show->faults.shown.count)
		uc_run_say(show->run, 0, "%" PRIu64 " more could not be read",
			   show->faults.count - show->faults.shown.count);
	if (show->said) {
		uc_strv_free(&show->said->before);
		show->said->before = show->said->now;
		show->said->now = (struct uc_strv){ 0 };
	}
}

/* --- the line of sums --- */

static void add_count(struct uc_buf *out, uint64_t count, const char *one,
		      const char *more)
{
	if (count)
		uc_buf_addf(out, "%s%" PRIu64 " %s", out->len ? ", " : "", count,
			    count == 1 ? one : more);
}

static void add_seconds(struct uc_buf *out, double seconds)
{
	const int64_t tenths = (int64_t)(seconds * 10 + 0.5);

	if (tenths < 600)
		uc_buf_addf(out, " in %" PRId64 ".%" PRId64 " s", tenths / 10,
			    tenths % 10);
	else
		uc_buf_addf(out, " in %" PRId64 " min %" PRId64 " s", tenths / 600,
			    tenths % 600 / 10);
}

static void add_planned(const struct usync_show *show, const struct uc_sync_plan *plan,
			struct uc_buf *out)
{
	const uint64_t *entries = plan->entries;
	const uint64_t bytes = plan->bytes[UC_SYNC_NEW] + plan->bytes[UC_SYNC_UPDATE];

	add_count(out, entries[UC_SYNC_NEW], "new", "new");
	add_count(out, entries[UC_SYNC_UPDATE], "to update", "to update");
	add_count(out, entries[UC_SYNC_META], "with another mode or time",
		  "with another mode or time");
	if (bytes) {
		uc_buf_add(out, ", ");
		usync_bytes(out, bytes);
		uc_buf_add(out, " in all");
	}
	add_count(out, entries[UC_SYNC_DELETE], "to delete", "to delete");
	if (show->status)
		add_count(out, entries[UC_SYNC_EXTRA], "only there", "only there");
	if (!out->len)
		uc_buf_add(out, "nothing to do");
}

static void add_done(const struct usync_show *show, const struct uc_sync_result *result,
		     struct uc_buf *out)
{
	const struct uc_sync_progress *p = &result->progress;
	const bool pull = show->request->direction == UC_SYNC_PULL;
	const uint64_t sent = p->files > show->removed ? p->files - show->removed : 0;

	if (sent) {
		uc_buf_addf(out, "%" PRIu64 " %s, ", sent, pull ? "fetched" : "sent");
		usync_bytes(out, p->bytes);
		if (p->wire) {
			uc_buf_add(out, " (");
			usync_bytes(out, p->wire);
			uc_buf_add(out, " on the wire)");
		}
		add_seconds(out, p->seconds);
	} else if (result->interrupted) {
		uc_buf_addf(out, "nothing %s in full", pull ? "fetched" : "sent");
	} else if (!show->removed) {
		uc_buf_addf(out, "nothing to %s", pull ? "fetch" : "send");
	}
	add_count(out, show->removed, "moved to the trash", "moved to the trash");
}

static void add_rest(const struct uc_sync_result *result, struct uc_buf *out)
{
	const struct uc_sync_plan *plan = &result->plan;

	if (plan->rules) {
		uc_buf_addf(out, "; skipped %zu rule%s", plan->rules,
			    plan->rules == 1 ? "" : "s");
		if (plan->skipped_bytes) {
			uc_buf_add(out, ", ");
			usync_bytes(out, plan->skipped_bytes);
		}
	}
	if (plan->entries[UC_SYNC_KEEP])
		uc_buf_addf(out, "; %" PRIu64 " newer there, kept",
			    plan->entries[UC_SYNC_KEEP]);
	if (plan->entries[UC_SYNC_CONFLICT])
		uc_buf_addf(out, "; %" PRIu64 " conflict%s",
			    plan->entries[UC_SYNC_CONFLICT],
			    plan->entries[UC_SYNC_CONFLICT] == 1 ? "" : "s");
	if (plan->entries[UC_SYNC_SECRET])
		uc_buf_addf(out, "; %" PRIu64 " like a secret",
			    plan->entries[UC_SYNC_SECRET]);
	if (plan->special)
		uc_buf_addf(out, "; %" PRIu64 " special", plan->special);
	if (plan->unreadable)
		uc_buf_addf(out, "; %" PRIu64 " unreadable", plan->unreadable);
	if (result->failed)
		uc_buf_addf(out, "; %" PRIu64 " failed", result->failed);
	if (result->changed)
		uc_buf_addf(out, "; %" PRIu64 " changed meanwhile", result->changed);
	if (result->vanished)
		uc_buf_addf(out, "; %" PRIu64 " vanished meanwhile", result->vanished);
}

void usync_show_summary(struct usync_show *show, const struct uc_sync_result *result)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	if (result->interrupted)
		uc_buf_add(&line, "stopped: ");
	if (show->request->dry_run) {
		uc_auto(buf) struct uc_buf sums = { 0 };

		add_planned(show, &result->plan, &sums);
		uc_buf_add(&line, uc_buf_text(&sums));
	} else {
		uc_auto(buf) struct uc_buf sums = { 0 };

		add_done(show, result, &sums);
		uc_buf_add(&line, uc_buf_text(&sums));
	}
	add_rest(result, &line);
	if (result->interrupted)
		uc_buf_add(&line, "; the next run goes on from there");
	uc_run_say(show->run, 0, "%s", uc_buf_text(&line));
}

static int exit_status(const struct usync_show *show, const struct uc_sync_result *result,
		       bool failed, const struct uc_error *err)
{
	const struct uc_sync_plan *plan = &result->plan;

	if (result->interrupted)
		return STATUS_INTERRUPTED;
	if (failed)
		return err->code == UC_INVALID || err->code == UC_OK ? UC_FAILED
								     : (int)err->code;
	if (show->status)
		return plan->unreadable ? UC_FAILED : 0;
	return plan->entries[UC_SYNC_CONFLICT] || plan->unreadable || plan->refused ||
			       result->failed || result->changed || result->vanished
		       ? UC_FAILED
		       : 0;
}

int usync_show_end(struct usync_show *show, const struct uc_sync_result *result,
		   bool failed, const struct uc_error *err)
{
	const int status = exit_status(show, result, failed, err);
	/* a failure with no result is said in one line */
	const bool ran = (!failed && (!show->idle_quiet || result->done)) ||
			 result->done || result->failed || result->interrupted;
	struct uc_run run = *show->run;

	usync_progress_clear(show);
	usync_stop_end(show);
	if (show->json)
		usync_json_end(result, status, failed ? err : NULL);
	if (failed && !result->interrupted && err->text[0])
		uc_run_error(&run, err);
	if (show->declined)
		uc_run_say(show->run, 0, "nothing was done");
	if (show->json)
		return status;
	say_leftovers(show);
	if (show->unlisted && show->status && !show->quiet)
		uc_run_say(show->run, 1, "%" PRIu64 " in folders that are only there",
			   show->unlisted);
	if (ran && !show->declined && (!show->quiet || result->interrupted))
		usync_show_summary(show, result);
	return status;
}
