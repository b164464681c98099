/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The list of the far end: asked for, received, and checked. */
#include <string.h>
#include <xxhash.h>

#include "sync/far_helper.h"

static bool add_rules(struct uc_buf *buf, const char *rules)
{
	uc_write_text(buf, rules ? rules : "");
	return !rules || strlen(rules) <= UC_MESSAGE_RULES_MAX;
}

void helper_list_over(struct helper *h)
{
	XXH3_freeState(h->list.hash);
	h->list.hash = NULL;
	h->list.options = NULL;
}

int helper_list_ask(struct uc_far *far, const struct uc_far_list_options *options,
		    struct uc_error *err)
{
	struct helper *h = (struct helper *)far;
	uc_auto(buf) struct uc_buf buf = { 0 };

	if (h->lost || h->list.options)
		return uc_fail(err, UC_FAILED, "a list is asked for already");
	uc_buf_addc(&buf, (char)((options->no_defaults ? UC_LIST_NO_DEFAULTS : 0) |
				 (options->no_gitignore ? UC_LIST_NO_GITIGNORE : 0) |
				 (options->cross ? UC_LIST_CROSS : 0) |
				 (options->sums ? UC_LIST_SUMS : 0)));
	if (!add_rules(&buf, options->command_rules) ||
	    !add_rules(&buf, options->config_rules))
		return uc_fail(err, UC_USAGE, "too many rules");
	h->list = (struct helper_list){ .asked = *options, .hash = XXH3_createState() };
	h->list.options = &h->list.asked;
	if (buf.failed || !h->list.hash) {
		helper_list_over(h);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	XXH3_128bits_reset(h->list.hash);
	if (uc_talk_send(&h->talk, UC_FRAME_LIST, buf.data, buf.len, true, err) < 0)
		return -1;
	/* it may go on its way */
	return uc_talk_pump(&h->talk, 0, err) < 0 ? -1 : 0;
}

int helper_list_run(struct uc_far *far, struct uc_far_listed *listed,
		    struct uc_error *err)
{
	struct helper *h = (struct helper *)far;
	struct uc_error own = { 0 };
	int status;

	err = err ? err : &own;
	if (h->lost) {
		*err = h->why;
		return -1;
	}
	if (!h->list.options)
		return uc_fail(err, UC_FAILED, "no list was asked for");
	status = helper_wait(h, &h->list.ended, h->silence_ms, err);
	*listed = (struct uc_far_listed){ .entries = h->list.count,
					  .bytes = h->list.bytes,
					  .complete = status == 0 && h->list.complete };
	helper_list_over(h);
	if (status < 0) {
		h->far.silent = !h->hello && !h->mute;
		h->lost = true;
		h->why = *err;
		helper_lose(h, err);
	}
	return status;
}

/* It follows the entry before, and the folder it is in was told. */
static bool in_order(const struct helper_list *list, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (list->last[0] && uc_sync_path_compare(path, list->last) <= 0)
		return false;
	if (!slash)
		return true;
	if (strncmp(list->last, path, len) != 0)
		return false;
	/* the entry before is that folder, or is in it */
	return list->last[len] == '/' || (list->last[len] == '\0' && list->last_folder);
}

static int take_entry(struct helper *h, const struct uc_sync_entry *entry, uint64_t sum,
		      struct uc_error *err)
{
	struct helper_list *list = &h->list;

	if (!uc_message_path_ok(entry->path) || (entry->target && !entry->target[0]))
		return uc_fail(err, UC_INVALID,
			       "the other end lists '%s', which cannot be", entry->path);
	if (!in_order(list, entry->path))
		return uc_fail(err, UC_INVALID, "the other end lists '%s' out of order",
			       entry->path);
	if (entry->twin > list->count || list->count >= UC_SYNC_LIST_MAX - 1)
		return uc_fail(err, UC_INVALID,
			       "the other end lists '%s', which cannot be", entry->path);
	list->count++;
	if (!entry->twin && list->bytes + entry->size < list->bytes)
		return uc_fail(err, UC_INVALID, "the other end lists too much");
	list->bytes += entry->twin ? 0 : entry->size;
	memcpy(list->last, entry->path, strlen(entry->path) + 1);
	list->last_folder = entry->kind == UC_SYNC_FOLDER;
	return list->options->entry(list->options->arg, entry, sum, err);
}

int helper_entries(struct helper *h, const struct uc_frame *frame, struct uc_error *err)
{
	struct helper_list *list = &h->list;
	struct uc_reader r = uc_reader(frame);

	if (!list->options || list->ended || frame->len == 0)
		return helper_bad(err);
	XXH3_128bits_update(list->hash, frame->data, frame->len);
	list->codec.len = 0;
	list->codec.mtime = 0;
	while (r.at < r.end) {
		struct uc_sync_entry entry;
		uint64_t sum;

		uc_read_entry(&r, &list->codec, &entry, &sum);
		if (r.bad)
			return helper_bad(err);
		if (take_entry(h, &entry, sum, err) < 0)
			return -1;
	}
	return 0;
}

int helper_note(struct helper *h, const struct uc_frame *frame, struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);
	unsigned note = (unsigned)uc_read_below(&r, UC_SYNC_NOTES - 1);
	int errno_value = (int)uc_read_below(&r, 4095);
	char path[UC_SYNC_PATH_MAX + 1];

	uc_read_text(&r, path, UC_SYNC_PATH_MAX);
	if (!uc_read_done(&r) || !h->list.options || h->list.ended)
		return helper_bad(err);
	if (h->list.options->note)
		h->list.options->note(h->list.options->arg, (enum uc_sync_note)note, path,
				      errno_value);
	return 0;
}

int helper_list_end(struct helper *h, const struct uc_frame *frame, struct uc_error *err)
{
	struct helper_list *list = &h->list;
	struct uc_reader r = uc_reader(frame);
	uint64_t entries = uc_read_number(&r), bytes = uc_read_number(&r);
	uint8_t complete = uc_read_byte(&r);
	const unsigned char *sum = uc_read_bytes(&r, 16);
	XXH128_canonical_t own;

	if (!uc_read_done(&r) || complete > 1 || !list->options || list->ended)
		return helper_bad(err);
	XXH128_canonicalFromHash(&own, XXH3_128bits_digest(list->hash));
	if (entries != list->count || bytes != list->bytes ||
	    memcmp(own.digest, sum, sizeof(own.digest)) != 0)
		return uc_fail(err, UC_INVALID, "the list of the other end is damaged");
	list->complete = complete;
	list->ended = true;
	return 0;
}
