/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "sync/serve_inside.h"
#include "sync/skip.h"
#include "sync/snapshot.h"
#include "sync/walk.h"

#define BATCH_FIRST                                                                      \
	(8u << 10) /* bytes of entries in the first message: it starts soon              \
		    */
#define BATCH    (64u << 10)
#define DRAIN_MS (10 * 60 * 1000) /* a client that takes nothing */

struct listing {
	struct serve *s;
	bool sums;
	bool frozen; /* a snapshot: nothing in it may be written to, its copies may */
	struct uc_buf batch;
	struct uc_entry_codec codec;
	XXH3_state_t *hash;
	uint64_t count, bytes;
	unsigned asked;
	bool broken; /* the client is gone: the walk ends */
	unsigned char block[65536];
};

static int flush(struct listing *l, struct uc_error *err)
{
	struct serve *s = l->s;

	if (l->batch.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (l->batch.len == 0)
		return 0;
	XXH3_128bits_update(l->hash, l->batch.data, l->batch.len);
	if (uc_talk_send(&s->talk, UC_FRAME_ENTRIES, l->batch.data, l->batch.len, true,
			 err) < 0 ||
	    uc_talk_pump(&s->talk, 0, err) < 0)
		return -1;
	uc_buf_reset(&l->batch);
	l->codec.len = 0;
	l->codec.mtime = 0;
	return serve_drain(s, UC_FRAME_QUEUE, DRAIN_MS, err);
}

/* XXH3 of a file; 0 when it cannot be read: then it differs. */
static uint64_t sum_of(struct listing *l, int folder, const char *name)
{
	int fd = openat(folder, name,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	XXH3_state_t *state = XXH3_createState();
	uint64_t sum = 0;
	ssize_t got = -1;

	if (fd >= 0 && state) {
		XXH3_64bits_reset(state);
		while ((got = read(fd, l->block, sizeof(l->block))) > 0) {
			XXH3_64bits_update(state, l->block, (size_t)got);
			if (serve_busy(l->s, NULL) < 0)
				break;
		}
	}
	if (got == 0)
		sum = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	if (fd >= 0)
		close(fd);
	return sum;
}

static int tell_entry(void *arg, int folder, const struct uc_sync_entry *entry,
		      struct uc_error *err)
{
	struct listing *l = arg;
	const char *name = strrchr(entry->path, '/');
	struct uc_sync_entry told = *entry;
	uint64_t sum;

	if (l->frozen && entry->kind != UC_SYNC_LINK)
		told.mode |= 0200;
	if (l->sums && entry->kind == UC_SYNC_FILE) {
		sum = sum_of(l, folder, name ? name + 1 : entry->path);
		uc_write_entry(&l->batch, &l->codec, &told, &sum);
	} else {
		uc_write_entry(&l->batch, &l->codec, &told, NULL);
	}
	l->count++;
	l->bytes += entry->twin ? 0 : entry->size;
	if (l->batch.len >= (l->count < 400 ? BATCH_FIRST : BATCH))
		return flush(l, err);
	return 0;
}

static void tell_note(void *arg, enum uc_sync_note note, const char *path,
		      int errno_value)
{
	struct listing *l = arg;
	uc_auto(buf) struct uc_buf buf = { 0 };
	size_t len = strnlen(path, UC_SYNC_PATH_MAX);

	uc_write_number(&buf, (uint64_t)note);
	uc_write_number(
		&buf, errno_value > 0 && errno_value < 4096 ? (uint64_t)errno_value : 0);
	uc_write_number(&buf, len);
	uc_buf_addn(&buf, path, len);
	if (buf.failed ||
	    uc_talk_send(&l->s->talk, UC_FRAME_NOTE, buf.data, buf.len, false, NULL) <
		    0 ||
	    serve_drain(l->s, UC_FRAME_QUEUE, DRAIN_MS, NULL) < 0)
		l->broken = true;
}

static bool stop(void *arg)
{
	struct listing *l = arg;

	if (++l->asked % 256 == 0 && serve_busy(l->s, NULL) < 0)
		l->broken = true;
	return l->broken || l->s->talk.broken;
}

static int tell_end(struct listing *l, bool complete, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf buf = { 0 };
	XXH128_canonical_t sum;

	XXH128_canonicalFromHash(&sum, XXH3_128bits_digest(l->hash));
	uc_write_number(&buf, l->count);
	uc_write_number(&buf, l->bytes);
	uc_buf_addc(&buf, complete ? 1 : 0);
	uc_buf_addn(&buf, sum.digest, sizeof(sum.digest));
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_talk_send(&l->s->talk, UC_FRAME_LIST_END, buf.data, buf.len, false,
			    err);
}

/* Rules as a message has them; *list: NULL when there are none. */
static int read_rules(struct uc_reader *r, const char *origin,
		      struct uc_ignore_list *rules, const struct uc_ignore_list **list,
		      struct uc_error *err)
{
	size_t len = uc_read_below(r, UC_MESSAGE_RULES_MAX);
	const unsigned char *text = uc_read_bytes(r, len);

	*list = NULL;
	if (r->bad || len == 0)
		return 0;
	*list = rules;
	return uc_ignore_list_read(rules, origin, "", (const char *)text, len, err);
}

static int walk(struct listing *l, unsigned flags, struct uc_sync_walk_options *options,
		struct uc_error *err)
{
	uc_auto(sync_walked) struct uc_sync_walked walked = { 0 };
	uc_auto(ignore_list) struct uc_ignore_list defaults = { 0 };

	if (!(flags & UC_LIST_NO_DEFAULTS)) {
		if (uc_sync_skip_read(&defaults, err) < 0)
			return -1;
		options->defaults = &defaults;
	}
	options->no_gitignore = flags & UC_LIST_NO_GITIGNORE;
	options->cross = flags & UC_LIST_CROSS;
	options->entry = tell_entry;
	options->note = tell_note;
	options->stop = stop;
	options->arg = l;
	l->sums = flags & UC_LIST_SUMS;
	l->frozen = uc_snapshot_is_tree(l->s->path);
	XXH3_128bits_reset(l->hash);
	if (uc_sync_walk(l->s->root, options, &walked, err) < 0 || flush(l, err) < 0)
		return -1;
	return tell_end(l, walked.complete, err);
}

int serve_list(struct serve *s, const struct uc_frame *frame, struct uc_error *err)
{
	uc_auto(ignore_list) struct uc_ignore_list command = { 0 }, config = { 0 };
	struct uc_sync_walk_options options = { 0 };
	struct uc_reader r = uc_reader(frame);
	unsigned flags = uc_read_byte(&r);
	struct listing *l;
	int status = -1;

	if (read_rules(&r, "command line", &command, &options.command, err) < 0 ||
	    read_rules(&r, "configuration", &config, &options.config, err) < 0)
		return -1;
	if (!uc_read_done(&r) || flags & ~(unsigned)UC_LIST_ALL)
		return uc_fail(err, UC_INVALID, "the client sent a damaged message");
	l = calloc(1, sizeof(*l));
	if (!l)
		return uc_fail(err, UC_FAILED, "out of memory");
	l->s = s;
	l->hash = XXH3_createState();
	if (l->hash)
		status = walk(l, flags, &options, err);
	else
		uc_fail(err, UC_FAILED, "out of memory");
	XXH3_freeState(l->hash);
	uc_buf_free(&l->batch);
	free(l);
	return status;
}
