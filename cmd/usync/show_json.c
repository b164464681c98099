/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --json: events, one object a line, in the order in which they happen. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "usync/show.h"

/* Keys and words for ever, whatever people are shown. */
static const char *const names[UC_SYNC_ACTIONS] = {
	[UC_SYNC_NEW] = "new",       [UC_SYNC_UPDATE] = "update",
	[UC_SYNC_META] = "meta",     [UC_SYNC_DELETE] = "delete",
	[UC_SYNC_KEEP] = "keep",     [UC_SYNC_CONFLICT] = "conflict",
	[UC_SYNC_SECRET] = "secret", [UC_SYNC_EXTRA] = "extra",
	[UC_SYNC_SAME] = "same",
};

/* Every event begins so; put() ends it. */
static void begin(struct uc_json *json, const char *event)
{
	uc_json_open(json, NULL, '{');
	uc_json_text(json, "event", uc_raw(event));
	uc_json_number(json, "time", time(NULL));
}

static void put(struct uc_json *json)
{
	uc_json_close(json, '}');
	puts(uc_buf_text(json->out));
	fflush(stdout); /* whoever reads it wants it now */
}

void usync_json_start(const struct usync_show *show)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	struct uc_json json = { .out = &line };

	begin(&json, "start");
	uc_json_number(&json, "version", 1);
	uc_json_text(&json, "command", uc_raw(show->verb));
	uc_json_text(&json, "direction",
		     uc_raw(show->request->direction == UC_SYNC_PULL ? "pull" : "push"));
	uc_json_text(&json, "near", uc_raw(show->request->near));
	uc_json_text(&json, "host", uc_raw(show->request->host));
	uc_json_text(&json, "far", uc_raw(show->request->far));
	uc_json_bool(&json, "dry_run", show->request->dry_run);
	put(&json);
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* JSON holds no bytes that are not Unicode; those are here as they are. */
static void add_bytes(struct uc_json *json, const char *key, const char *text)
{
	uc_auto(buf) struct uc_buf hex = { 0 };

	if (is_ascii(text))
		return;
	for (; *text; text++)
		uc_buf_addf(&hex, "%02x", (unsigned char)*text);
	uc_json_text(json, key, uc_raw(uc_buf_text(&hex)));
}

static void add_time_ns(struct uc_json *json, const char *key, int64_t ns)
{
	if (ns == INT64_MIN)
		uc_json_null(json, key);
	else
		uc_json_number(json, key, ns);
}

void usync_json_item(const char *event, const struct uc_sync_item *item, const char *text)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	struct uc_json json = { .out = &line };
	const char kind[] = { item->kind, '\0' };
	const char *fault = text && text[0] ? text : NULL;

	begin(&json, event);
	uc_json_text(&json, "action", uc_raw(names[item->action]));
	uc_json_text(&json, "path", uc_raw(item->path));
	add_bytes(&json, "path_hex", item->path);
	uc_json_text(&json, "kind", uc_raw(kind));
	if (item->kind == 'l')
		uc_json_text(&json, "target", uc_raw(item->target));
	if (item->kind == 'f')
		uc_json_amount(&json, "size", item->size);
	add_time_ns(&json, "mtime_ns", item->mtime_ns);
	if (item->there_ns != INT64_MIN) {
		uc_json_amount(&json, "size_there", item->there_size);
		add_time_ns(&json, "mtime_there_ns", item->there_ns);
	}
	uc_json_number(&json, "mode", item->mode);
	uc_json_text(&json, "why", uc_raw(fault ? fault : item->why));
	put(&json);
}

void usync_json_skip(const struct uc_sync_skipped *skipped)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	struct uc_json json = { .out = &line };

	begin(&json, "skip");
	uc_json_text(&json, "origin", skipped->origin);
	uc_json_number(&json, "line", skipped->line);
	uc_json_text(&json, "rule", skipped->rule);
	uc_json_amount(&json, "files", skipped->files);
	uc_json_amount(&json, "folders", skipped->folders);
	uc_json_amount(&json, "bytes", skipped->bytes);
	put(&json);
}

void usync_json_note(struct uc_raw path, const char *text, int errno_value)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	struct uc_json json = { .out = &line };

	begin(&json, "note");
	uc_json_text(&json, "path", path);
	uc_json_text(&json, "text", uc_raw(text));
	uc_json_text(&json, "error", uc_raw(errno_value ? strerror(errno_value) : NULL));
	put(&json);
}

static void add_plan(struct uc_json *json, const struct uc_sync_plan *plan)
{
	for (int i = 0; i < UC_SYNC_ACTIONS; i++) {
		uc_json_open(json, names[i], '{');
		uc_json_amount(json, "entries", plan->entries[i]);
		uc_json_amount(json, "bytes", plan->bytes[i]);
		uc_json_close(json, '}');
	}
	uc_json_amount(json, "skipped_files", plan->skipped_files);
	uc_json_amount(json, "skipped_bytes", plan->skipped_bytes);
	uc_json_number(json, "rules", (int64_t)plan->rules);
	uc_json_amount(json, "special", plan->special);
	uc_json_amount(json, "unreadable", plan->unreadable);
	uc_json_amount(json, "refused", plan->refused);
	uc_json_bool(json, "complete", plan->complete);
	uc_json_amount(json, "bytes_free", plan->bytes_free);
	uc_json_amount(json, "quota_free", plan->quota_free);
}

void usync_json_plan(const struct uc_sync_plan *plan)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	struct uc_json json = { .out = &line };

	begin(&json, "plan");
	add_plan(&json, plan);
	put(&json);
}

static void add_progress(struct uc_json *json, const struct uc_sync_progress *p)
{
	uc_json_amount(json, "files", p->files);
	uc_json_amount(json, "files_all", p->files_all);
	uc_json_amount(json, "bytes", p->bytes);
	uc_json_amount(json, "bytes_all", p->bytes_all);
	uc_json_amount(json, "wire", p->wire);
	uc_json_amount(json, "kept", p->kept);
	uc_json_amount(json, "failed", p->failed);
	uc_json_number(json, "milliseconds", (int64_t)(p->seconds * 1000));
}

void usync_json_progress(const struct uc_sync_progress *progress)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	struct uc_json json = { .out = &line };

	begin(&json, "progress");
	add_progress(&json, progress);
	put(&json);
}

void usync_json_end(const struct uc_sync_result *result, int status,
		    const struct uc_error *err)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	struct uc_json json = { .out = &line };

	begin(&json, "end");
	uc_json_number(&json, "status", status);
	uc_json_bool(&json, "interrupted", result->interrupted);
	uc_json_text(&json, "how", uc_raw(result->how[0] ? result->how : NULL));
	uc_json_amount(&json, "done", result->done);
	uc_json_amount(&json, "failed", result->failed);
	uc_json_amount(&json, "changed", result->changed);
	uc_json_amount(&json, "vanished", result->vanished);
	uc_json_text(&json, "error", uc_raw(err && err->text[0] ? err->text : NULL));
	uc_json_text(&json, "hint", uc_raw(err && err->hint[0] ? err->hint : NULL));
	uc_json_open(&json, "plan", '{');
	add_plan(&json, &result->plan);
	uc_json_close(&json, '}');
	uc_json_open(&json, "progress", '{');
	add_progress(&json, &result->progress);
	uc_json_close(&json, '}');
	put(&json);
}

void usync_json_snapshot(const char *id)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	struct uc_json json = { .out = &line };

	begin(&json, "snapshot");
	uc_json_text(&json, "id", uc_raw(id));
	put(&json);
}
