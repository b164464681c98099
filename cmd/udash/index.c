/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "udash/index.h"

#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>

/* --- sorting --- */

enum {
	DIGIT_BITS = 11,
	DIGITS = 6, /* of a key */
	VALUES = 1 << DIGIT_BITS,
};

static unsigned digit_of(uint64_t key, int digit)
{
	return (unsigned)(key >> (digit * DIGIT_BITS)) & (VALUES - 1);
}

/* True: they are in `to` now. All with the same digit stay where they are. */
static bool sort_digit(const struct dash_item *from, struct dash_item *to, size_t count,
		       int digit)
{
	size_t at[VALUES] = { 0 }, sum = 0;

	for (size_t i = 0; i < count; i++)
		at[digit_of(from[i].key, digit)]++;
	if (!count || at[digit_of(from[0].key, digit)] == count)
		return false;
	for (size_t v = 0; v < VALUES; v++) {
		const size_t here = at[v];

		at[v] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		to[at[digit_of(from[i].key, digit)]++] = from[i];
	return true;
}

void dash_sort(struct dash_item *item, struct dash_item *spare, size_t count)
{
	struct dash_item *from = item, *to = spare;

	for (int digit = 0; digit < DIGITS; digit++)
		if (sort_digit(from, to, count, digit)) {
			struct dash_item *swap = from;

			from = to;
			to = swap;
		}
	if (from != item)
		memcpy(item, from, count * sizeof(*item));
}

/* --- places in the alphabet --- */

struct word {
	const char *text;
	uint32_t place;
};
struct words {
	struct word *word;
	uint32_t *slot; /* a hash table of places in `word` + 1; 0 is empty */
	size_t count, slots;
	uint32_t *of; /* each job's place in `word` */
};

static int compare_words(const void *a, const void *b, void *arg)
{
	const struct word *word = arg;

	return strcmp(word[*(const uint32_t *)a].text, word[*(const uint32_t *)b].text);
}

static uint32_t find_word(struct words *w, const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;
	size_t at;

	for (const char *p = text; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
	at = (size_t)(hash ^ hash >> 29) & (w->slots - 1);
	while (w->slot[at] && strcmp(w->word[w->slot[at] - 1].text, text) != 0)
		at = (at + 1) & (w->slots - 1);
	if (!w->slot[at]) {
		w->word[w->count++] = (struct word){ .text = text };
		w->slot[at] = (uint32_t)w->count;
	}
	return w->slot[at] - 1;
}

/* The words of one field, each job's into `of`; then their places. */
static void place_words(struct words *w, const struct uc_jobs *jobs, size_t offset)
{
	uint32_t *order = w->slot; /* has room enough, and is done with by then */

	memset(w->slot, 0, w->slots * sizeof(*w->slot));
	w->count = 0;
	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_raw *raw =
			(const void *)((const char *)&jobs->row[i] + offset);

		w->of[i] = find_word(w, raw->bytes ? raw->bytes : "");
	}
	for (uint32_t i = 0; i < w->count; i++)
		order[i] = i;
	qsort_r(order, w->count, sizeof(*order), compare_words, w->word);
	for (uint32_t i = 0; i < w->count; i++)
		w->word[order[i]].place = i;
}

static uint32_t place_of(const struct words *w, const struct dash_brief *brief)
{
	return w->word[w->of[brief->job]].place;
}

static int place_all(struct dash_index *index, const struct uc_jobs *jobs)
{
	struct words w = { .slots = 64 };
	int rc = -1;

	while (w.slots < 2 * jobs->count)
		w.slots *= 2;
	w.word = calloc(jobs->count + 1, sizeof(*w.word));
	w.of = calloc(jobs->count + 1, sizeof(*w.of));
	w.slot = calloc(w.slots, sizeof(*w.slot));
	if (w.word && w.of && w.slot) {
		place_words(&w, jobs, offsetof(struct uc_job, user));
		for (size_t i = 0; i < index->count; i++)
			index->job[i].user = place_of(&w, &index->job[i]);
		place_words(&w, jobs, offsetof(struct uc_job, name));
		for (size_t i = 0; i < index->count; i++)
			index->job[i].name = place_of(&w, &index->job[i]);
		place_words(&w, jobs, offsetof(struct uc_job, partition));
		for (size_t i = 0; i < index->count; i++)
			index->job[i].partition = place_of(&w, &index->job[i]);
		rc = 0;
	}
	free(w.word);
	free(w.of);
	free(w.slot);
	return rc;
}

/* --- one job --- */

static uint8_t wide(struct uc_raw raw)
{
	const size_t len = raw.bytes ? strnlen(raw.bytes, UINT8_MAX) : 0;

	return (uint8_t)len;
}

static void add_text(struct uc_buf *text, const struct uc_job *job)
{
	const char *const parts[] = {
		job->user.bytes,    job->name.bytes,  job->partition.bytes,
		job->account.bytes, job->nodes.bytes, uc_job_state_name(job->state),
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uc_buf_addc(text, '\t');
		uc_buf_add(text, parts[i] ? parts[i] : "");
	}
}

static void lower(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] + 'a' - 'A');
		else if (text[i] == '\n')
			text[i] = ' ';
	}
}

static void fill(struct dash_brief *brief, const struct uc_jobs *jobs, uint32_t at,
		 struct uc_buf *text)
{
	const struct uc_job *job = &jobs->row[at];
	const uint32_t tasks =
		uc_job_waits(job) ? uc_array_count(job->array_tasks.bytes) : 0;
	const int64_t elapsed = uc_job_elapsed(job, jobs->now);
	size_t from;

	uc_buf_addc(text, '\n');
	from = text->len;
	*brief = (struct dash_brief){
		.job = at,
		.job_id = job->job_id,
		.array_job_id = job->array_job_id,
		.user_id = job->user_id,
		.submitted = job->submit_time,
		.priority = job->priority,
		.elapsed = elapsed < 0            ? 0
			   : elapsed > UINT32_MAX ? UINT32_MAX
						  : (uint32_t)elapsed,
		.gpus = job->gpus == UC_NONE32 ? 0 : job->gpus,
		.tasks = tasks && tasks != UC_NONE32 ? tasks : uc_job_waits(job),
		.text = (uint32_t)from,
		.life = uc_job_holds(job)   ? DASH_HOLDS
			: uc_job_waits(job) ? DASH_WAITS
					    : DASH_ENDED,
		.rest = job->array_job_id && !uc_raw_empty(job->array_tasks),
		.user_wide = wide(job->user),
		.name_wide = wide(job->name),
		.partition_wide = wide(job->partition),
	};
	uc_buf_job_id(text, job, UC_NONE32);
	brief->id_wide =
		text->len - from > UINT8_MAX ? UINT8_MAX : (uint8_t)(text->len - from);
	add_text(text, job);
	if (text->data)
		lower(text->data + from, text->len - from);
}

/* --- all of them --- */

static uint64_t order_of(const struct uc_job *job)
{
	const uint32_t id = job->array_job_id ? job->array_job_id : job->job_id;

	return (uint64_t)~id << 32 | job->array_task_id;
}

/* The newest first, tasks of an array in their order, equal ones by their ids. */
static int order_jobs(const struct uc_jobs *jobs, struct dash_item **out)
{
	struct dash_item *item = calloc(jobs->count + 1, sizeof(*item));
	struct dash_item *spare = calloc(jobs->count + 1, sizeof(*item));

	*out = item;
	if (!item || !spare) {
		free(spare);
		return -1;
	}
	for (size_t i = 0; i < jobs->count; i++)
		item[i] = (struct dash_item){ jobs->row[i].job_id, (uint32_t)i };
	dash_sort(item, spare, jobs->count);
	for (size_t i = 0; i < jobs->count; i++)
		item[i].key = order_of(&jobs->row[item[i].at]);
	dash_sort(item, spare, jobs->count);
	free(spare);
	return 0;
}

struct dash_index *dash_index_new(const struct uc_jobs *jobs)
{
	struct dash_index *index = calloc(1, sizeof(*index));
	uc_auto(buf) struct uc_buf text = { 0 };
	struct dash_item *item = NULL;

	if (!index)
		return NULL;
	index->count = jobs->count;
	index->job = calloc(jobs->count + 1, sizeof(*index->job));
	if (!index->job || order_jobs(jobs, &item) < 0)
		goto failed;
	for (size_t i = 0; i < jobs->count; i++)
		fill(&index->job[i], jobs, item[i].at, &text);
	uc_buf_addc(&text, '\n');
	if (text.failed || text.len > UINT32_MAX || place_all(index, jobs) < 0)
		goto failed;
	free(item);
	index->len = text.len;
	index->text = uc_buf_take(&text);
	return index;
failed:
	free(item);
	dash_index_free(index);
	return NULL;
}

void dash_index_free(struct dash_index *index)
{
	if (!index)
		return;
	free(index->job);
	free(index->text);
	free(index);
}

bool dash_index_has(const struct dash_index *index, size_t at, const char *part,
		    size_t len)
{
	const char *from = index->text + index->job[at].text;
	const char *end = index->text +
			  (at + 1 < index->count ? index->job[at + 1].text : index->len);

	return memmem(from, (size_t)(end - from), part, len) != NULL;
}
