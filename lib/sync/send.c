/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/send.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "sync/delta.h"
#include "sync/digest.h"
#include "sync/far.h"
#include "sync/store.h"

#define BLOCK      (256u << 10)
#define CHECK_STEP (8u << 20)  /* bytes compared before others get their turn */
#define TRY_AGAIN  (16u << 20) /* bytes sent as they are before packing is tried again */

enum phase {
	WAIT, /* for what the other side has */
	SUMS, /* for more of them */
	CHECK,
	SEND,
	DELTA,
};

struct uc_outgoing {
	struct uc_outgoing *next;
	uint32_t id;
	enum phase phase;
	int fd;
	struct uc_sync_entry entry; /* its path is ours */
	uint64_t at;                /* bytes read */
	uint64_t have, have_sum;
	uint64_t plain_until; /* not packed before */
	uint64_t wire, kept;
	EVP_MD_CTX *sha;
	XXH3_state_t *sum;
	struct uc_delta_sums sums;
	uint32_t sums_seen;
	struct uc_delta *delta;
	struct uc_sender *sender;
	struct uc_buf pending;        /* bytes found by the delta */
	uint64_t copy_from, copy_len; /* copy found, not sent yet */
};

int uc_sender_open(struct uc_sender *sender, struct uc_talk *talk, int root,
		   struct uc_error *err)
{
	sender->talk = talk;
	sender->root = root;
	sender->last = &sender->first;
	sender->block = malloc(BLOCK);
	if (!sender->block)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

static void outgoing_free(struct uc_outgoing *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free((char *)file->entry.path);
	EVP_MD_CTX_free(file->sha);
	XXH3_freeState(file->sum);
	uc_delta_free(file->delta);
	uc_delta_sums_free(&file->sums);
	uc_buf_free(&file->pending);
	free(file);
}

/* Where the pointer to it is; NULL when there is none. */
static struct uc_outgoing **find(struct uc_sender *sender, uint32_t id)
{
	struct uc_outgoing **at = &sender->first;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return *at ? at : NULL;
}

static void take_out(struct uc_sender *sender, struct uc_outgoing **at)
{
	struct uc_outgoing *file = *at;

	*at = file->next;
	if (sender->last == &file->next)
		sender->last = at;
	sender->count--;
	outgoing_free(file);
}

void uc_sender_free(struct uc_sender *sender)
{
	while (sender->first)
		take_out(sender, &sender->first);
	free(sender->block);
	EVP_MD_free(sender->sha);
	*sender = (struct uc_sender){ 0 };
}

/* With the first file: many a run has none. NULL: out of memory. */
static const EVP_MD *sha256_of(struct uc_sender *sender)
{
	if (!sender->sha)
		sender->sha = uc_sha256_fetch();
	return sender->sha;
}

/* Small files */

static int refuse(struct uc_message_outcome *why, int outcome, int errno_value,
		  const char *text)
{
	*why = (struct uc_message_outcome){ .outcome = (uint8_t)outcome,
					    .errno_value = (uint32_t)errno_value };
	snprintf(why->text, sizeof(why->text), "%s%s%s", text, errno_value ? ": " : "",
		 errno_value ? strerror(errno_value) : "");
	return outcome;
}

static bool unchanged(int fd, const struct uc_sync_entry *entry)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == entry->size &&
	       (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec ==
		       entry->mtime;
}

static int open_file(struct uc_sender *sender, const struct uc_sync_entry *entry, int *fd,
		     struct uc_message_outcome *why)
{
	*fd = uc_store_openat(sender->root, entry->path,
			      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (*fd >= 0)
		return UC_FAR_DONE;
	if (errno == ENOENT || errno == ENOTDIR)
		return refuse(why, UC_FAR_VANISHED, errno, "cannot read it");
	if (errno == ELOOP || errno == EXDEV)
		return refuse(why, UC_FAR_REFUSED, errno, "a link is in the way");
	return refuse(why, UC_FAR_FAILED, errno, "cannot read it");
}

/* Read `len` bytes; fewer at the end. -1 with errno. */
static ssize_t read_all(int fd, void *to, size_t len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t got = read(fd, (char *)to + at, len - at);

		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		at += (size_t)got;
	}
	return (ssize_t)at;
}

int uc_sender_read(struct uc_sender *sender, const struct uc_sync_entry *entry,
		   struct uc_buf *buf, unsigned char *sha256,
		   struct uc_message_outcome *why)
{
	int fd, outcome = open_file(sender, entry, &fd, why);
	ssize_t got;

	if (outcome != UC_FAR_DONE)
		return outcome;
	got = entry->size <= UC_SEND_SMALL ? read_all(fd, sender->block, entry->size) : 0;
	if (got < 0)
		outcome = refuse(why, UC_FAR_FAILED, errno, "cannot read it");
	else if ((uint64_t)got != entry->size || !unchanged(fd, entry))
		outcome = refuse(why, UC_FAR_VANISHED, 0, "it changed meanwhile");
	close(fd);
	if (outcome != UC_FAR_DONE)
		return outcome;
	uc_buf_addn(buf, sender->block, (size_t)got);
	if (buf->failed || !sha256_of(sender) ||
	    !EVP_Digest(sender->block, (size_t)got, sha256, NULL, sender->sha, NULL))
		return refuse(why, UC_FAR_FAILED, ENOMEM, "cannot send it");
	return UC_FAR_DONE;
}

/* Large files */

static const char *const packed[] = { ".7z",  ".avi",  ".bz2",     ".flac", ".gif",
				      ".gz",  ".jpeg", ".jpg",     ".lz4",  ".m4a",
				      ".mkv", ".mov",  ".mp3",     ".mp4",  ".npz",
				      ".png", ".rar",  ".sqsh",    ".tbz",  ".tgz",
				      ".txz", ".webm", ".webp",    ".whl",  ".xz",
				      ".zip", ".zst",  ".squashfs" };

/* By its name it will not shrink. */
static bool looks_packed(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		size_t suffix = strlen(packed[i]);

		if (len > suffix && strcasecmp(path + len - suffix, packed[i]) == 0)
			return true;
	}
	return false;
}

int uc_sender_add(struct uc_sender *sender, uint32_t id,
		  const struct uc_sync_entry *entry, bool now, struct uc_error *err)
{
	struct uc_outgoing *file = calloc(1, sizeof(*file));

	if (!file)
		return uc_fail(err, UC_FAILED, "out of memory");
	file->id = id;
	file->fd = -1;
	file->phase = now ? SEND : WAIT;
	file->sender = sender;
	file->entry = *entry;
	file->entry.path = strdup(entry->path);
	file->sha = EVP_MD_CTX_new();
	file->sum = XXH3_createState();
	if (!file->entry.path || !file->sha || !file->sum || !sha256_of(sender) ||
	    !EVP_DigestInit_ex2(file->sha, sender->sha, NULL)) {
		outgoing_free(file);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	XXH3_64bits_reset(file->sum);
	if (looks_packed(entry->path))
		file->plain_until = UINT64_MAX;
	*sender->last = file;
	sender->last = &file->next;
	sender->count++;
	return 0;
}

static int bad_message(struct uc_error *err)
{
	return uc_fail(err, UC_INVALID, "the other end sent a damaged message");
}

int uc_sender_have(struct uc_sender *sender, const struct uc_frame *frame, uint32_t *id,
		   struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);
	struct uc_outgoing **at, *file;
	uint64_t have, sum;

	*id = (uint32_t)uc_read_below(&r, UINT32_MAX);
	have = uc_read_number(&r);
	sum = have ? uc_read_u64(&r) : 0;
	if (!uc_read_done(&r))
		return bad_message(err);
	at = find(sender, *id);
	if (!at)
		return 1;
	file = *at;
	if (file->phase != WAIT || have > file->entry.size)
		return bad_message(err);
	file->have = have;
	file->have_sum = sum;
	file->phase = have ? CHECK : SEND;
	return 0;
}

static int begin_sums(struct uc_outgoing *file, struct uc_reader *r, struct uc_error *err)
{
	struct uc_delta_sums *sums = &file->sums;

	sums->size = uc_read_below(r, INT64_MAX);
	sums->block = (uint32_t)uc_read_below(r, UC_DELTA_BLOCK_MAX);
	sums->count = (uint32_t)uc_read_below(r, UC_DELTA_BLOCKS_MAX);
	if (r->bad || sums->block < UC_DELTA_BLOCK_MIN || sums->count == 0 ||
	    sums->count != sums->size / sums->block)
		return bad_message(err);
	sums->weak = calloc(sums->count, sizeof(*sums->weak));
	sums->strong = calloc(sums->count, sizeof(*sums->strong));
	if (!sums->weak || !sums->strong)
		return uc_fail(err, UC_FAILED, "out of memory");
	file->phase = SUMS;
	return 0;
}

static void read_sum(struct uc_delta_sums *sums, uint32_t index, const unsigned char *at)
{
	sums->weak[index] = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
			    (uint32_t)at[3] << 24;
	sums->strong[index] = 0;
	for (int i = 0; i < 6; i++)
		sums->strong[index] |= (uint64_t)at[4 + i] << 8 * i;
}

static int copy_found(void *arg, uint64_t from, uint64_t len, struct uc_error *err);
static int bytes_found(void *arg, const void *bytes, size_t len, struct uc_error *err);

int uc_sender_sigs(struct uc_sender *sender, const struct uc_frame *frame, uint32_t *id,
		   struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);
	struct uc_outgoing **at, *file;
	struct uc_delta_sink sink;

	*id = (uint32_t)uc_read_below(&r, UINT32_MAX);
	if (r.bad)
		return bad_message(err);
	at = find(sender, *id);
	if (!at)
		return 1;
	file = *at;
	if (file->phase != WAIT && file->phase != SUMS)
		return bad_message(err);
	if (file->phase == WAIT && begin_sums(file, &r, err) < 0)
		return -1;
	if ((r.end - r.at) % UC_DELTA_SUM_BYTES)
		return bad_message(err);
	for (; r.at < r.end; r.at += UC_DELTA_SUM_BYTES) {
		if (file->sums_seen == file->sums.count)
			return bad_message(err);
		read_sum(&file->sums, file->sums_seen++, r.at);
	}
	if (file->sums_seen < file->sums.count)
		return 0;
	sink = (struct uc_delta_sink){ .copy = copy_found,
				       .bytes = bytes_found,
				       .arg = file };
	file->delta = uc_delta_new(&file->sums, &sink);
	if (!file->delta)
		return uc_fail(err, UC_FAILED, "out of memory");
	file->phase = DELTA;
	return 0;
}

bool uc_sender_stop(struct uc_sender *sender, uint32_t id)
{
	struct uc_outgoing **at = find(sender, id);

	if (at)
		take_out(sender, at);
	return at != NULL;
}

/* The first that does not wait. */
static struct uc_outgoing **next_ready(const struct uc_sender *sender)
{
	struct uc_outgoing *const *at = &sender->first;

	while (*at && ((*at)->phase == WAIT || (*at)->phase == SUMS))
		at = &(*at)->next;
	return *at ? (struct uc_outgoing **)at : NULL;
}

bool uc_sender_ready(const struct uc_sender *sender)
{
	return next_ready(sender) != NULL;
}

/* Pieces */

static int send_data(struct uc_outgoing *file, const void *bytes, size_t len,
		     struct uc_error *err)
{
	struct uc_talk *talk = file->sender->talk;
	bool pack = talk->level >= 0 && file->at >= file->plain_until;
	unsigned char id[10], *room;
	struct uc_buf head = { .data = (char *)id, .cap = sizeof(id) };

	uc_write_number(&head, file->id); /* at most 5 bytes: never grows */
	if (pack) {
		uc_auto(buf) struct uc_buf whole = { 0 };

		uc_buf_addn(&whole, id, head.len);
		uc_buf_addn(&whole, bytes, len);
		if (whole.failed)
			return uc_fail(err, UC_FAILED, "out of memory");
		if (uc_talk_send(talk, UC_FRAME_PUT_DATA, whole.data, whole.len, true,
				 err) < 0)
			return -1;
		if (talk->wire > len - len / 8)
			file->plain_until = file->at + TRY_AGAIN;
	} else {
		room = uc_talk_room(talk, head.len + len);
		if (!room)
			return uc_fail(err, UC_FAILED, "out of memory");
		memcpy(room, id, head.len);
		memcpy(room + head.len, bytes, len);
		uc_talk_sent(talk, UC_FRAME_PUT_DATA, head.len + len);
	}
	file->wire += talk->wire;
	if (file->sender->moved)
		file->sender->moved(file->sender->arg, file->id, file->wire, file->kept);
	return 0;
}

static int send_numbers(struct uc_outgoing *file, enum uc_frame_type type,
			const uint64_t *number, size_t count, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	uc_write_number(&buf, file->id);
	for (size_t i = 0; i < count; i++)
		uc_write_number(&buf, number[i]);
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_talk_send(file->sender->talk, type, buf.data, buf.len, false, err);
}

static int flush_copy(struct uc_outgoing *file, struct uc_error *err)
{
	const uint64_t copy[] = { file->copy_from, file->copy_len };

	if (!file->copy_len)
		return 0;
	file->copy_len = 0;
	return send_numbers(file, UC_FRAME_PUT_COPY, copy, 2, err);
}

static int flush_bytes(struct uc_outgoing *file, struct uc_error *err)
{
	int status;

	if (!file->pending.len)
		return 0;
	status = send_data(file, file->pending.data, file->pending.len, err);
	uc_buf_reset(&file->pending);
	return status;
}

static int copy_found(void *arg, uint64_t from, uint64_t len, struct uc_error *err)
{
	struct uc_outgoing *file = arg;

	if (flush_bytes(file, err) < 0)
		return -1;
	file->kept += len;
	if (file->copy_len && file->copy_from + file->copy_len == from) {
		file->copy_len += len;
		return 0;
	}
	if (flush_copy(file, err) < 0)
		return -1;
	file->copy_from = from;
	file->copy_len = len;
	return 0;
}

static int bytes_found(void *arg, const void *bytes, size_t len, struct uc_error *err)
{
	struct uc_outgoing *file = arg;

	if (flush_copy(file, err) < 0)
		return -1;
	while (len) {
		size_t room = BLOCK - file->pending.len, part = len < room ? len : room;

		uc_buf_addn(&file->pending, bytes, part);
		if (file->pending.failed)
			return uc_fail(err, UC_FAILED, "out of memory");
		if (file->pending.len == BLOCK && flush_bytes(file, err) < 0)
			return -1;
		bytes = (const char *)bytes + part;
		len -= part;
	}
	return 0;
}

/* It cannot be sent: say so, and forget it. */
static int give_up(struct uc_sender *sender, struct uc_outgoing **at,
		   struct uc_message_outcome *why)
{
	why->id = (*at)->id;
	take_out(sender, at);
	sender->failed(sender->arg, why);
	return 0;
}

static int end_file(struct uc_sender *sender, struct uc_outgoing **at,
		    struct uc_error *err)
{
	struct uc_outgoing *file = *at;
	uc_auto(buf) struct uc_buf buf = { 0 };
	struct uc_message_outcome why;
	unsigned char sha[EVP_MAX_MD_SIZE];

	if (!unchanged(file->fd, &file->entry)) {
		refuse(&why, UC_FAR_VANISHED, 0, "it changed meanwhile");
		return give_up(sender, at, &why);
	}
	if (file->delta && (uc_delta_end(file->delta, err) < 0 ||
			    flush_copy(file, err) < 0 || flush_bytes(file, err) < 0))
		return -1;
	if (!EVP_DigestFinal_ex(file->sha, sha, NULL))
		return uc_fail(err, UC_FAILED, "out of memory");
	uc_write_number(&buf, file->id);
	uc_buf_addn(&buf, sha, 32);
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_talk_send(sender->talk, UC_FRAME_PUT_END, buf.data, buf.len, false, err) <
	    0)
		return -1;
	if (sender->sent)
		sender->sent(sender->arg, file->id, file->wire, file->kept);
	take_out(sender, at);
	return 0;
}

/* What the other side has is the same, or not. */
static int end_check(struct uc_outgoing *file, struct uc_error *err)
{
	uint64_t from = XXH3_64bits_digest(file->sum) == file->have_sum ? file->have : 0;

	if (from == 0) {
		if (!EVP_DigestInit_ex2(file->sha, NULL, NULL))
			return uc_fail(err, UC_FAILED, "out of memory");
		if (lseek(file->fd, 0, SEEK_SET) < 0)
			return uc_fail_errno(err, UC_FAILED, errno, "cannot read '%s'",
					     file->entry.path);
	}
	file->at = file->kept = from;
	file->phase = SEND;
	return send_numbers(file, UC_FRAME_PUT_START, &from, 1, err);
}

static int pass_on(struct uc_outgoing *file, size_t len, struct uc_error *err)
{
	const unsigned char *block = file->sender->block;

	if (!EVP_DigestUpdate(file->sha, block, len))
		return uc_fail(err, UC_FAILED, "out of memory");
	if (file->phase == CHECK)
		XXH3_64bits_update(file->sum, block, len);
	else if (file->phase == DELTA) {
		if (uc_delta_feed(file->delta, block, len, err) < 0)
			return -1;
	} else if (send_data(file, block, len, err) < 0) {
		return -1;
	}
	file->at += len;
	return file->phase == CHECK && file->at == file->have ? end_check(file, err) : 0;
}

static int step(struct uc_sender *sender, struct uc_outgoing **at, struct uc_error *err)
{
	struct uc_outgoing *file = *at;
	uint64_t end = file->phase == CHECK ? file->have : file->entry.size;
	struct uc_message_outcome why;
	ssize_t got;

	if (file->fd < 0) {
		if (open_file(sender, &file->entry, &file->fd, &why) != UC_FAR_DONE)
			return give_up(sender, at, &why);
		if (!unchanged(file->fd, &file->entry)) {
			refuse(&why, UC_FAR_VANISHED, 0, "it changed meanwhile");
			return give_up(sender, at, &why);
		}
		(void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	if (file->at == end)
		return end_file(sender, at, err);
	got = read_all(file->fd, sender->block,
		       end - file->at < BLOCK ? (size_t)(end - file->at) : BLOCK);
	if (got > 0)
		return pass_on(file, (size_t)got, err);
	if (got < 0)
		refuse(&why, UC_FAR_FAILED, errno, "cannot read it");
	else
		refuse(&why, UC_FAR_VANISHED, 0, "it changed meanwhile");
	return give_up(sender, at, &why);
}

int uc_sender_pump(struct uc_sender *sender, struct uc_error *err)
{
	for (size_t left = CHECK_STEP / BLOCK; left > 0; left--) {
		struct uc_outgoing **at;

		if (uc_talk_queued(sender->talk) >= UC_SEND_QUEUE)
			break;
		at = next_ready(sender);
		if (!at)
			break;
		if (step(sender, at, err) < 0)
			return -1;
	}
	return 0;
}
