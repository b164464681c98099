/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Bit i of a state: the bytes read so far can have led to before step i. A pattern of n
 * steps has n + 1 bits, the last of them set when it matches; patterns lie one behind the
 * other, and no step leads from one into the next.
 */
#include "sync/matcher.h"

#include <stdlib.h>
#include <string.h>

enum {
	LEVELS = 128,   /* folders of a path that are remembered */
	DIR_MAX = 4096, /* bytes of it */
	BYTES = 256,
};

struct pattern {
	size_t last; /* its bit for a match */
	size_t value;
};

struct uc_matcher {
	/* while it is made */
	struct uc_glob_step *step; /* UC_GLOB_END after each pattern */
	uint64_t (*set)[4];
	size_t bits, sets, room, set_room;

	struct pattern *pattern;
	size_t patterns, pattern_room;
	size_t words;
	uint8_t class[BYTES]; /* bytes that no step tells apart */
	/* vectors of `words`; `takes` one for each class */
	uint64_t *takes;   /* UC_GLOB_BYTE, UC_GLOB_SET: goes on to the next step */
	uint64_t *any;     /* UC_GLOB_ANY */
	uint64_t *star;    /* UC_GLOB_STAR */
	uint64_t *stars;   /* UC_GLOB_STARS, UC_GLOB_FOLDERS */
	uint64_t *nothing; /* all of these: may be nothing */
	uint64_t *folders; /* UC_GLOB_FOLDERS: together with the slash as well */
	uint64_t *matched, *matched_file; /* where a match ends */
	uint64_t *first, *now;            /* states */

	/* after the folders of the path asked for last, one below the other */
	uint64_t *level;
	size_t levels, level_room;
	size_t end[LEVELS];
	char dir[DIR_MAX];
	size_t dir_len;
};

struct uc_matcher *uc_matcher_new(void)
{
	return calloc(1, sizeof(struct uc_matcher));
}

static void free_steps(struct uc_matcher *m)
{
	free(m->step);
	free(m->set);
	m->step = NULL;
	m->set = NULL;
}

void uc_matcher_free(struct uc_matcher *m)
{
	if (!m)
		return;
	free_steps(m);
	free(m->pattern);
	free(m->takes);
	free(m->any);
	free(m->level);
	free(m);
}

/* Making it */

/* The array, with room for `wanted`; NULL when out of memory: it is as it was. */
static void *grow(void *items, size_t *room, size_t wanted, size_t size)
{
	size_t more = *room ? *room : 64;
	void *bigger;

	while (more < wanted)
		more *= 2;
	if (more == *room)
		return items;
	bigger = reallocarray(items, more, size);
	if (bigger)
		*room = more;
	return bigger;
}

static int make_room(struct uc_matcher *m, size_t steps, size_t sets)
{
	struct uc_glob_step *step =
		grow(m->step, &m->room, m->bits + steps, sizeof(*m->step));
	struct pattern *pattern;
	uint64_t(*set)[4];

	m->step = step ?: m->step;
	pattern =
		grow(m->pattern, &m->pattern_room, m->patterns + 1, sizeof(*m->pattern));
	m->pattern = pattern ?: m->pattern;
	set = grow(m->set, &m->set_room, m->sets + sets, sizeof(*m->set));
	m->set = set ?: m->set;
	return step && pattern && set ? 0 : -1;
}

static void add_step(struct uc_matcher *m, enum uc_glob_kind kind, uint8_t byte,
		     size_t set)
{
	m->step[m->bits++] = (struct uc_glob_step){ .kind = (uint8_t)kind,
						    .byte = byte,
						    .set = (uint32_t)set };
}

int uc_matcher_add(struct uc_matcher *m, const struct uc_matcher_pattern *pattern)
{
	const struct uc_glob *rest = pattern->rest;
	const size_t steps = pattern->len + (rest ? rest->count : 0);

	if (make_room(m, steps + 1, rest ? rest->sets : 0) < 0)
		return -1;
	for (size_t i = 0; i < pattern->len; i++)
		add_step(m, UC_GLOB_BYTE, (uint8_t)pattern->literal[i], 0);
	for (size_t i = 0; rest && i < rest->count; i++)
		add_step(m, rest->step[i].kind, rest->step[i].byte,
			 m->sets + rest->step[i].set);
	if (rest && rest->sets)
		memcpy(m->set[m->sets], rest->set, rest->sets * sizeof(*m->set));
	m->sets += rest ? rest->sets : 0;
	m->pattern[m->patterns++] = (struct pattern){ m->bits, pattern->value };
	add_step(m, UC_GLOB_END, pattern->folder_only, 0);
	return 0;
}

/* Where there are sets, all bytes may differ; else those differ that stand for
 * themselves. */
static size_t make_classes(struct uc_matcher *m)
{
	bool own[BYTES] = { ['/'] = true };
	size_t classes = 1;

	for (size_t i = 0; i < m->bits; i++)
		if (m->step[i].kind == UC_GLOB_BYTE)
			own[m->step[i].byte] = true;
	for (size_t byte = 1; byte < BYTES; byte++)
		m->class[byte] = m->sets || own[byte] ? (uint8_t)classes++ : 0;
	return classes;
}

static void set_bit(uint64_t *vector, size_t i)
{
	vector[i / 64] |= UINT64_C(1) << i % 64;
}

/* No name holds the byte 0. */
static void take_set(struct uc_matcher *m, size_t i, const uint64_t *set)
{
	for (size_t byte = 1; byte < BYTES; byte++)
		if (set[byte / 64] >> byte % 64 & 1)
			set_bit(m->takes + m->class[byte] * m -> words, i);
}

static void take_step(struct uc_matcher *m, size_t i)
{
	const struct uc_glob_step *step = &m->step[i];

	switch ((enum uc_glob_kind)step->kind) {
	case UC_GLOB_BYTE:
		set_bit(m->takes + m->class[step->byte] * m -> words, i);
		return;
	case UC_GLOB_ANY:
		set_bit(m->any, i);
		return;
	case UC_GLOB_SET:
		take_set(m, i, m->set[step->set]);
		return;
	case UC_GLOB_STAR:
		set_bit(m->star, i);
		break;
	case UC_GLOB_FOLDERS:
		set_bit(m->folders, i);
		set_bit(m->stars, i);
		break;
	case UC_GLOB_STARS:
		set_bit(m->stars, i);
		break;
	case UC_GLOB_END:
		set_bit(m->matched, i);
		if (!step->byte) /* not for folders alone */
			set_bit(m->matched_file, i);
		return;
	}
	set_bit(m->nothing, i);
}

/*
 * Go on over steps that may be nothing; bits that come from the word before are in
 * *carry, those for the next are left there.
 */
static uint64_t pass_nothing(const struct uc_matcher *m, size_t w, uint64_t state,
			     uint64_t *carry)
{
	const uint64_t nothing = m->nothing[w], folders = m->folders[w];
	uint64_t before;

	state |= *carry;
	do {
		before = state;
		state |= (state & nothing) << 1 | (state & folders) << 2;
	} while (state != before);
	*carry = (state & nothing) >> 63 | (state & folders) >> 62;
	return state;
}

int uc_matcher_finish(struct uc_matcher *m)
{
	enum {
		VECTORS = 9
	};
	const size_t classes = make_classes(m), words = (m->bits + 63) / 64;
	uint64_t **const vector[VECTORS] = { &m->any,          &m->star,    &m->stars,
					     &m->nothing,      &m->folders, &m->matched,
					     &m->matched_file, &m->first,   &m->now };
	uint64_t carry = 0;
	uint64_t *all;

	m->words = words;
	if (!words)
		return 0;
	m->takes = calloc(words, classes * sizeof(*m->takes));
	all = calloc(words, VECTORS * sizeof(*all));
	m->any = all; /* owns the others */
	if (!m->takes || !all)
		return -1;
	for (size_t i = 0; i < VECTORS; i++)
		*vector[i] = all + i * words;
	for (size_t i = 0; i < m->bits; i++) {
		take_step(m, i);
		if (i == 0 || m->step[i - 1].kind == UC_GLOB_END)
			set_bit(m->first, i);
	}
	for (size_t w = 0; w < words; w++)
		m->first[w] = pass_nothing(m, w, m->first[w], &carry);
	free_steps(m);
	return 0;
}

/* Running it */

/* One byte on. False: nothing can match any more. */
static bool move(const struct uc_matcher *m, uint64_t *state, unsigned char byte)
{
	const uint64_t *takes = m->takes + m->class[byte] * m->words;
	const uint64_t name = byte == '/' ? 0 : ~UINT64_C(0);
	uint64_t carry = 0, passed = 0, alive = 0;

	for (size_t w = 0; w < m->words; w++) {
		const uint64_t here = state[w];
		uint64_t on, spans, next;

		if (!(here | carry | passed))
			continue;
		spans = here & m->stars[w];
		on = (here & (takes[w] | (m->any[w] & name))) | spans;
		next = on << 1 | carry | (here & m->star[w] & name);
		carry = on >> 63;
		/* a FOLDERS that goes on is not one that begins: its slash is no longer
		 * nothing */
		state[w] = pass_nothing(m, w, next, &passed) | spans;
		alive |= state[w];
	}
	return alive != 0;
}

static void run(const struct uc_matcher *m, uint64_t *state, const char *bytes,
		size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!move(m, state, (unsigned char)bytes[i]))
			return;
}

/* How many of the folders remembered are those of `path`. */
static size_t common_levels(const struct uc_matcher *m, const char *path, size_t dir_len)
{
	const size_t most = dir_len < m->dir_len ? dir_len : m->dir_len;
	size_t same = 0, levels = m->levels;

	while (same < most && m->dir[same] == path[same])
		same++;
	while (levels && m->end[levels - 1] > same)
		levels--;
	return levels;
}

/* Set the state to what the folders of a path lead to, remembering each. */
static void run_folders(struct uc_matcher *m, const char *path, size_t dir_len)
{
	const size_t size = m->words * sizeof(*m->now);
	size_t levels = common_levels(m, path, dir_len);
	size_t at = levels ? m->end[levels - 1] : 0;

	memcpy(m->now, levels ? m->level + (levels - 1) * m->words : m->first, size);
	while (at < dir_len) {
		const char *slash = memchr(path + at, '/', dir_len - at);
		const size_t end = (size_t)(slash - path) + 1;

		uint64_t *level = m->level;

		run(m, m->now, path + at, end - at);
		at = end;
		if (levels < LEVELS && end <= DIR_MAX)
			level = grow(level, &m->level_room, (levels + 1) * m->words,
				     sizeof(*level));
		if (levels == LEVELS || end > DIR_MAX || !level)
			break; /* not remembered */
		m->level = level;
		memcpy(m->level + levels * m->words, m->now, size);
		m->end[levels++] = end;
	}
	run(m, m->now, path + at, dir_len - at);
	m->levels = levels;
	m->dir_len = levels ? m->end[levels - 1] : 0;
	memcpy(m->dir, path, m->dir_len);
}

static size_t value_of(const struct uc_matcher *m, size_t bit)
{
	size_t low = 0, high = m->patterns;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (m->pattern[middle - 1].last < bit)
			low = middle;
		else
			high = middle;
	}
	return m->pattern[low].value;
}

size_t uc_matcher_find(struct uc_matcher *m, const char *path, size_t len, bool is_folder)
{
	const uint64_t *matched = is_folder ? m->matched : m->matched_file;
	const char *slash = memrchr(path, '/', len);
	const size_t dir_len = slash ? (size_t)(slash - path) + 1 : 0;

	if (!m->words)
		return 0;
	run_folders(m, path, dir_len);
	run(m, m->now, path + dir_len, len - dir_len);
	for (size_t w = m->words; w-- > 0;) {
		const uint64_t bits = m->now[w] & matched[w];

		if (bits)
			return value_of(m, w * 64 + 63 - (size_t)__builtin_clzll(bits));
	}
	return 0;
}
