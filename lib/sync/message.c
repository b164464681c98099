/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/message.h"

#include <string.h>

#include "sync/far.h"
#include "sync/store.h"

/* Of an entry's first byte. */
enum {
	ENTRY_KIND = 3,
	ENTRY_HOLES = 4,
	ENTRY_SUM = 8,
	ENTRY_TWIN = 16,
	ENTRY_ALL = 31,
};

/* Of a job. */
enum {
	JOB_EXPECT = 1,
	JOB_WHOLE = 2,
	JOB_NOW = 4,
	JOB_CONTENT = 8,
	JOB_KEEP = 16,
	JOB_ALL = 31,
};

/* Reading */

uint8_t uc_read_byte(struct uc_reader *r)
{
	if (r->bad || r->at == r->end) {
		r->bad = true;
		return 0;
	}
	return *r->at++;
}

uint64_t uc_read_number(struct uc_reader *r)
{
	uint64_t number = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = uc_read_byte(r);

		if (shift == 63 && byte > 1)
			break;
		number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (byte == 0 && shift > 0) /* longer than needed */
			break;
		return r->bad ? 0 : number;
	}
	r->bad = true;
	return 0;
}

uint64_t uc_read_below(struct uc_reader *r, uint64_t max)
{
	uint64_t number = uc_read_number(r);

	if (number <= max)
		return number;
	r->bad = true;
	return 0;
}

int64_t uc_read_signed(struct uc_reader *r)
{
	uint64_t number = uc_read_number(r);

	return (int64_t)(number >> 1 ^ (~(number & 1) + 1));
}

const unsigned char *uc_read_bytes(struct uc_reader *r, size_t len)
{
	const unsigned char *bytes = r->at;

	if (r->bad || (size_t)(r->end - r->at) < len) {
		r->bad = true;
		return NULL;
	}
	r->at += len;
	return bytes;
}

uint64_t uc_read_u64(struct uc_reader *r)
{
	const unsigned char *bytes = uc_read_bytes(r, 8);
	uint64_t number = 0;

	for (int i = 0; bytes && i < 8; i++)
		number |= (uint64_t)bytes[i] << 8 * i;
	return number;
}

/* `len` bytes of text behind to[at]. */
static void read_chars(struct uc_reader *r, char *to, size_t at, size_t len)
{
	const unsigned char *bytes = uc_read_bytes(r, len);

	if (!bytes || memchr(bytes, 0, len)) {
		r->bad = true;
		to[0] = '\0';
		return;
	}
	memcpy(to + at, bytes, len);
	to[at + len] = '\0';
}

void uc_read_text(struct uc_reader *r, char *to, size_t max)
{
	read_chars(r, to, 0, uc_read_below(r, max));
}

bool uc_read_done(const struct uc_reader *r)
{
	return !r->bad && r->at == r->end;
}

/* Writing */

void uc_write_number(struct uc_buf *buf, uint64_t number)
{
	unsigned char bytes[10];
	size_t len = 0;

	while (number >= 0x80) {
		bytes[len++] = (unsigned char)(number | 0x80);
		number >>= 7;
	}
	bytes[len++] = (unsigned char)number;
	uc_buf_addn(buf, bytes, len);
}

void uc_write_signed(struct uc_buf *buf, int64_t number)
{
	uc_write_number(buf, (uint64_t)number << 1 ^ (uint64_t)(number >> 63));
}

void uc_write_u64(struct uc_buf *buf, uint64_t number)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(number >> 8 * i);
	uc_buf_addn(buf, bytes, 8);
}

static void write_text(struct uc_buf *buf, const char *text, size_t len)
{
	uc_write_number(buf, len);
	uc_buf_addn(buf, text, len);
}

void uc_write_text(struct uc_buf *buf, const char *text)
{
	write_text(buf, text, strlen(text));
}

/* Entries */

/* All of an entry but its path. */
static void write_facts(struct uc_buf *buf, struct uc_entry_codec *codec,
			const struct uc_sync_entry *entry, const uint64_t *sum)
{
	unsigned flags = entry->kind | (entry->holes ? ENTRY_HOLES : 0) |
			 (sum ? ENTRY_SUM : 0) | (entry->twin ? ENTRY_TWIN : 0);

	uc_buf_addc(buf, (char)flags);
	uc_write_number(buf, entry->mode);
	uc_write_signed(buf, (int64_t)((uint64_t)entry->mtime - codec->mtime));
	codec->mtime = (uint64_t)entry->mtime;
	if (entry->kind == UC_SYNC_FILE)
		uc_write_number(buf, entry->size);
	if (entry->kind == UC_SYNC_LINK)
		uc_write_text(buf, entry->target ? entry->target : "");
	if (entry->twin)
		uc_write_number(buf, entry->twin);
	if (sum)
		uc_write_u64(buf, *sum);
}

void uc_write_entry(struct uc_buf *buf, struct uc_entry_codec *codec,
		    const struct uc_sync_entry *entry, const uint64_t *sum)
{
	size_t len = strnlen(entry->path, UC_SYNC_PATH_MAX), same = 0;

	while (same < len && same < codec->len && entry->path[same] == codec->path[same])
		same++;
	uc_write_number(buf, same);
	write_text(buf, entry->path + same, len - same);
	memcpy(codec->path + same, entry->path + same, len - same);
	codec->len = len;
	write_facts(buf, codec, entry, sum);
}

static void read_facts(struct uc_reader *r, struct uc_entry_codec *codec, char *target,
		       struct uc_sync_entry *entry, uint64_t *sum)
{
	uint8_t flags = uc_read_byte(r);
	uint64_t value;

	*entry = (struct uc_sync_entry){ .kind = flags & ENTRY_KIND,
					 .holes = flags & ENTRY_HOLES };
	entry->mode = (uint16_t)uc_read_below(r, 07777);
	codec->mtime += (uint64_t)uc_read_signed(r);
	entry->mtime = (int64_t)codec->mtime;
	if (entry->kind == UC_SYNC_FILE)
		entry->size = uc_read_below(r, INT64_MAX);
	if (entry->kind == UC_SYNC_LINK) {
		uc_read_text(r, target, UC_SYNC_PATH_MAX);
		entry->target = target;
	}
	if (flags & ENTRY_TWIN)
		entry->twin = (uint32_t)uc_read_below(r, UC_SYNC_LIST_MAX);
	value = flags & ENTRY_SUM ? uc_read_u64(r) : 0;
	if (sum)
		*sum = value;
	if (flags & ~ENTRY_ALL || entry->kind > UC_SYNC_LINK ||
	    (flags & (ENTRY_HOLES | ENTRY_SUM | ENTRY_TWIN) &&
	     entry->kind != UC_SYNC_FILE) ||
	    (flags & ENTRY_TWIN && !entry->twin))
		r->bad = true;
}

void uc_read_entry(struct uc_reader *r, struct uc_entry_codec *codec,
		   struct uc_sync_entry *entry, uint64_t *sum)
{
	size_t same = uc_read_below(r, codec->len);
	size_t more = uc_read_below(r, UC_SYNC_PATH_MAX - same);

	read_chars(r, codec->path, same, more);
	codec->len = r->bad ? 0 : same + more;
	read_facts(r, codec, codec->target, entry, sum);
	if (r->bad)
		*entry = (struct uc_sync_entry){ 0 };
	entry->path = codec->path;
}

/* Jobs */

void uc_write_job(struct uc_buf *buf, struct uc_job_codec *codec,
		  const struct uc_message_job *job, bool content_follows)
{
	unsigned flags = (job->expects ? JOB_EXPECT : 0) | (job->whole ? JOB_WHOLE : 0) |
			 (job->now ? JOB_NOW : 0) | (content_follows ? JOB_CONTENT : 0) |
			 (job->expects && job->expect.keep ? JOB_KEEP : 0);

	uc_buf_addc(buf, (char)job->what);
	uc_write_number(buf, job->id);
	uc_buf_addc(buf, (char)flags);
	uc_write_entry(buf, &codec->entry, &job->entry, NULL);
	if (job->expects)
		write_facts(buf, &codec->entry, &job->expect, NULL);
	if (job->what == UC_FAR_TWIN)
		uc_write_text(buf, job->twin);
}

void uc_read_job(struct uc_reader *r, struct uc_job_codec *codec,
		 struct uc_message_job *job)
{
	uint8_t flags;

	*job = (struct uc_message_job){ .what = uc_read_byte(r) };
	job->id = (uint32_t)uc_read_below(r, UINT32_MAX);
	flags = uc_read_byte(r);
	job->whole = flags & JOB_WHOLE;
	job->now = flags & JOB_NOW;
	job->expects = flags & JOB_EXPECT;
	uc_read_entry(r, &codec->entry, &job->entry, NULL);
	if (job->expects)
		read_facts(r, &codec->entry, codec->target, &job->expect, NULL);
	job->expect.path = job->entry.path;
	job->expect.keep = flags & JOB_KEEP;
	if (job->what == UC_FAR_TWIN) {
		uc_read_text(r, codec->twin, UC_SYNC_PATH_MAX);
		job->twin = codec->twin;
	}
	if (flags & JOB_CONTENT) {
		job->content = uc_read_bytes(r, job->entry.size);
		job->sha256 = uc_read_bytes(r, 32);
	}
	if (flags & ~JOB_ALL || job->what > UC_FAR_REMOVE ||
	    (flags & JOB_KEEP && !job->expects) ||
	    (flags & JOB_CONTENT && job->what != UC_FAR_PUT))
		r->bad = true;
}

void uc_write_outcome(struct uc_buf *buf, const struct uc_message_outcome *outcome)
{
	uc_write_number(buf, outcome->id);
	uc_buf_addc(buf, (char)outcome->outcome);
	uc_write_number(buf, outcome->errno_value);
	uc_write_number(buf, outcome->kept);
	write_text(buf, outcome->text, strnlen(outcome->text, sizeof(outcome->text) - 1));
}

void uc_read_outcome(struct uc_reader *r, struct uc_message_outcome *outcome)
{
	outcome->id = (uint32_t)uc_read_below(r, UINT32_MAX);
	outcome->outcome = uc_read_byte(r);
	outcome->errno_value = (uint32_t)uc_read_below(r, 4095);
	outcome->kept = uc_read_number(r);
	uc_read_text(r, outcome->text, sizeof(outcome->text) - 1);
	if (outcome->outcome >= UC_FAR_LOST)
		r->bad = true;
}
