/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What becomes of a path: every combination of both sides and of the last run. */
#include <stdio.h>
#include <string.h>

#include "sync/decide.h"
#include "sync/state.h"
#include "unit.h"

#define S INT64_C(1000000000)

/*
 * A side in a word: "-" nothing, "d" a folder, "la" a link to a, "f1.5" a file of size 1
 * whose time is 5.123456789 s, "x1.5" the same with another mode.
 */
struct side {
	struct uc_sync_entry entry;
	bool there;
	char target[8];
};

static void make(struct side *side, const char *word)
{
	unsigned size = 0, time = 0;

	*side = (struct side){ .there = *word != '-', .entry = { .path = "p" } };
	side->entry.mode = *word == 'x' ? 0755 : 0644;
	switch (*word) {
	case 'd':
	case 'D':
		side->entry.kind = UC_SYNC_FOLDER;
		side->entry.mode = *word == 'd' ? 0755 : 0700;
		break;
	case 'l':
		side->entry.kind = UC_SYNC_LINK;
		(void)snprintf(side->target, sizeof(side->target), "%c", word[1]);
		side->entry.target = side->target;
		if (word[2])
			assert_int_equal(sscanf(word + 2, ".%u", &time), 1);
		break;
	case 'f':
	case 'x':
		assert_int_equal(sscanf(word + 1, "%u.%u", &size, &time), 2);
		break;
	default:
		break;
	}
	side->entry.size = size;
	side->entry.mtime = time * S + (time ? 123456789 : 0);
}

static struct uc_sync_past past(const char *word)
{
	struct side side;

	make(&side, word);
	return (struct uc_sync_past){ side.there, side.entry.kind,
				      side.entry.target
					      ? uc_sync_state_target(side.entry.target)
					      : side.entry.size,
				      side.entry.mtime };
}

#define NEW      UC_SYNC_NEW
#define UPDATE   UC_SYNC_UPDATE
#define META     UC_SYNC_META
#define DELETE   UC_SYNC_DELETE
#define KEEP     UC_SYNC_KEEP
#define CONFLICT UC_SYNC_CONFLICT
#define EXTRA    UC_SYNC_EXTRA
#define SAME     UC_SYNC_SAME

/*
 * How it is asked: 'r' remove, 'o' overwrite, 'c' coarse, 'p' pull, '=' '#' contents
 * equal, differ.
 */
struct row {
	const char *here, *there, *then; /* "here there" of the last run, or "" */
	const char *how;
	enum uc_sync_action action;
	char before; /* 'k' it is kept in the trash, 'l' after what is in it was removed
		      */
};

// clang-format off
static const struct row rows[] = {
	/* one side alone */
	{ "f1.5", "-", "", "", NEW, 0 },
	{ "d", "-", "", "", NEW, 0 },
	{ "la", "-", "", "", NEW, 0 },
	{ "f1.5", "-", "f1.5 f1.5", "", NEW, 0 },	/* was removed there: comes back */
	{ "-", "f1.5", "", "", EXTRA, 0 },
	{ "-", "f1.5", "f1.5 f1.5", "", EXTRA, 0 },
	{ "-", "d", "", "", EXTRA, 0 },
	{ "-", "f1.5", "", "r", DELETE, 0 },
	{ "-", "f1.5", "f1.5 f1.5", "r", DELETE, 0 },
	{ "-", "d", "", "r", DELETE, 0 },
	{ "-", "D", "d d", "r", DELETE, 0 },
	{ "-", "la", "", "r", DELETE, 0 },
	{ "-", "f1.6", "f1.5 f1.5", "r", CONFLICT, 0 },
	{ "-", "f2.5", "f1.5 f1.5", "r", CONFLICT, 0 },
	{ "-", "lb", "la la", "r", CONFLICT, 0 },
	{ "-", "la", "f1.5 f1.5", "r", CONFLICT, 0 },
	{ "-", "f1.6", "f1.5 f1.5", "ro", DELETE, 0 },
	{ "-", "f1.6", "f1.5 f1.5", "", EXTRA, 0 },
	/* files without a last run */
	{ "f1.5", "f1.5", "", "", SAME, 0 },
	{ "x1.5", "f1.5", "", "", META, 0 },
	{ "f1.6", "f1.5", "", "", UPDATE, 'k' },
	{ "f2.6", "f1.5", "", "", UPDATE, 'k' },
	{ "f2.5", "f1.5", "", "", UPDATE, 'k' },
	{ "f1.5", "f1.6", "", "", KEEP, 0 },
	{ "f2.5", "f1.6", "", "", KEEP, 0 },
	{ "f1.5", "f1.6", "", "o", UPDATE, 'k' },
	{ "f1.6", "f1.5", "", "o", UPDATE, 'k' },
	/* files with one */
	{ "f1.5", "f1.5", "f1.5 f1.5", "", SAME, 0 },
	{ "f1.5", "f1.9", "f1.5 f1.9", "", SAME, 0 },	/* equal then, untouched since */
	{ "x1.5", "f1.9", "f1.5 f1.9", "", META, 0 },
	{ "f1.6", "f1.5", "f1.5 f1.5", "", UPDATE, 0 },
	{ "f1.4", "f1.5", "f1.5 f1.5", "", UPDATE, 0 },	/* an older one was put back */
	{ "f2.5", "f1.5", "f1.5 f1.5", "", UPDATE, 0 },
	{ "f1.5", "f1.6", "f1.5 f1.5", "", KEEP, 0 },
	{ "f1.5", "f1.4", "f1.5 f1.5", "", KEEP, 0 },
	{ "f1.5", "f2.5", "f1.5 f1.5", "", KEEP, 0 },
	{ "f1.5", "f1.6", "f1.5 f1.5", "o", KEEP, 0 },	/* no conflict: nothing to win */
	{ "f1.6", "f1.7", "f1.5 f1.5", "", CONFLICT, 0 },
	{ "f1.7", "f1.6", "f1.5 f1.5", "", CONFLICT, 0 },
	{ "f2.5", "f3.5", "f1.5 f1.5", "", CONFLICT, 0 },
	{ "f1.7", "f1.6", "f1.5 f1.5", "o", UPDATE, 'k' },
	{ "f1.7", "f1.7", "f1.5 f1.5", "", SAME, 0 },	/* the same change on both sides */
	{ "f1.7", "f1.6", "d d", "", CONFLICT, 0 },
	/* contents known */
	{ "f1.5", "f1.5", "", "=", SAME, 0 },
	{ "f1.5", "f1.5", "", "#", UPDATE, 'k' },
	{ "f1.5", "f1.5", "f1.5 f1.5", "#", UPDATE, 'k' },
	{ "f1.6", "f1.5", "", "=", META, 0 },
	{ "f1.5", "f1.6", "", "=", META, 0 },
	{ "f1.6", "f1.7", "f1.5 f1.5", "=", META, 0 },
	{ "f1.5", "f1.6", "", "#", KEEP, 0 },
	{ "f1.6", "f1.7", "f1.5 f1.5", "#", CONFLICT, 0 },
	/* times that are not exact */
	{ "f1.5", "f1.6", "", "c", SAME, 0 },
	{ "f1.6", "f1.5", "", "c", SAME, 0 },
	{ "f1.5", "f1.7", "", "c", KEEP, 0 },
	{ "f1.7", "f1.5", "", "c", UPDATE, 'k' },
	{ "f2.5", "f1.6", "", "c", UPDATE, 'k' },	/* not newer by more than the skew */
	{ "f2.9", "f1.6", "f1.5 f1.5", "c", CONFLICT, 0 },
	{ "f2.9", "f1.4", "f1.5 f1.5", "c", UPDATE, 0 },
	/* the near side was written again within the seconds that the far end knows */
	{ "f1.6", "f1.5", "f1.5 f1.5", "c", UPDATE, 0 },
	{ "f1.5", "f1.6", "f1.5 f1.5", "c", KEEP, 0 },
	{ "f1.5", "f1.4", "f1.5 f1.5", "c", SAME, 0 },	/* cut to even seconds there */
	{ "f1.4", "f1.5", "f1.4 f1.4", "c", KEEP, 0 },
	{ "f1.5", "f1.6", "f1.5 f1.5", "cp", KEEP, 0 },
	{ "f1.6", "f1.5", "f1.5 f1.5", "cp", UPDATE, 0 },
	{ "f1.7", "f1.6", "f1.5 f1.5", "cp", CONFLICT, 0 },
	/* links */
	{ "la", "la", "", "", SAME, 0 },
	{ "la.5", "la.9", "", "", SAME, 0 },
	{ "lb.5", "la.4", "", "", UPDATE, 'k' },
	{ "lb.4", "la.5", "", "", KEEP, 0 },
	{ "lb", "la", "la la", "", UPDATE, 0 },
	{ "la", "lb", "la la", "", KEEP, 0 },
	{ "lc", "lb", "la la", "", CONFLICT, 0 },
	{ "lc", "lb", "la la", "o", UPDATE, 'k' },
	/* folders */
	{ "d", "d", "", "", SAME, 0 },
	{ "d", "D", "", "", META, 0 },
	{ "d", "D", "d d", "", META, 0 },
	/* other kinds */
	{ "f1.5", "la.4", "", "", UPDATE, 'k' },
	{ "f1.5", "la.6", "", "", KEEP, 0 },
	{ "la.5", "f1.4", "", "", UPDATE, 'k' },
	{ "la", "f1.5", "f1.5 f1.5", "", UPDATE, 0 },
	{ "f1.5", "la", "f1.5 f1.5", "", KEEP, 0 },
	{ "la", "f1.6", "f1.5 f1.5", "", CONFLICT, 0 },
	{ "f1.5", "d", "", "", CONFLICT, 0 },
	{ "f1.5", "d", "d d", "", CONFLICT, 0 },
	{ "f1.5", "d", "", "r", UPDATE, 'l' },
	{ "f1.5", "d", "d d", "r", UPDATE, 'l' },
	{ "f1.5", "d", "f1.5 f1.5", "r", CONFLICT, 0 },	/* a folder of results came there */
	{ "d", "f1.5", "", "", CONFLICT, 0 },
	{ "d", "f1.5", "", "o", UPDATE, 'k' },
	{ "d", "f1.5", "f1.5 f1.5", "", UPDATE, 0 },
	{ "d", "f1.5", "d d", "", KEEP, 0 },
	{ "d", "f1.6", "f1.5 f1.5", "", CONFLICT, 0 },
	{ "d", "la", "d d", "", KEEP, 0 },	/* a folder moved away, a link in its place */
};
// clang-format on

static void decide(const struct row *row, struct uc_sync_choice *choice)
{
	struct side here, there;
	struct uc_sync_case one = {
		.contents = strchr(row->how, '=')   ? UC_SYNC_CONTENTS_EQUAL
			    : strchr(row->how, '#') ? UC_SYNC_CONTENTS_DIFFER
						    : UC_SYNC_CONTENTS_UNKNOWN,
		.coarse = strchr(row->how, 'c'),
		.pull = strchr(row->how, 'p'),
		.remove = strchr(row->how, 'r'),
		.overwrite = strchr(row->how, 'o'),
	};
	char then[2][8];

	make(&here, row->here);
	make(&there, row->there);
	one.here = here.there ? &here.entry : NULL;
	one.there = there.there ? &there.entry : NULL;
	if (*row->then) {
		assert_int_equal(sscanf(row->then, "%7s %7s", then[0], then[1]), 2);
		one.here_then = past(then[0]);
		one.there_then = past(then[1]);
	}
	uc_sync_decide(&one, choice);
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct uc_sync_choice choice;

		decide(row, &choice);
		if (choice.action != row->action || choice.keep != (row->before == 'k') ||
		    choice.linger != (row->before == 'l'))
			fail_msg("'%s' '%s' then '%s' how '%s': %d %d %d", row->here,
				 row->there, row->then, row->how, choice.action,
				 choice.keep, choice.linger);
	}
}

/*
 * Whatever is there and was: what changed at the destination alone, or on both sides, is
 * never written over nor removed unless this side was told to win.
 */
static void test_never_eats(void **state)
{
	static const char *const words[] = { "-",    "f1.5", "f1.6", "f2.5", "f2.4",
					     "x1.5", "la",   "lb",   "d",    "D" };
	static const char *const hows[] = { "", "r", "c", "=", "#", "rc", "r#" };

	(void)state;
	for (size_t h = 0; h < ARRAY_SIZE(words); h++)
		for (size_t t = 0; t < ARRAY_SIZE(words); t++)
			for (size_t n = 1; n < ARRAY_SIZE(words); n++)
				for (size_t w = 0; w < ARRAY_SIZE(hows); w++) {
					struct uc_sync_choice choice;
					char then[20];
					struct row row = { words[h], words[t], then,
							   hows[w],  SAME,     0 };
					bool file = strchr("fx", *words[t]);

					(void)snprintf(then, sizeof(then), "%s %s",
						       words[n], words[n]);
					decide(&row, &choice);
					assert_true(!choice.keep || strchr(hows[w], '#'));
					if (!file || !strchr("fx", *words[n]) ||
					    strcmp(words[t] + 1, words[n] + 1) == 0 ||
					    strchr(hows[w], 'c'))
						continue;
					assert_int_not_equal(choice.action, UPDATE);
					assert_int_not_equal(choice.action, DELETE);
				}
}

static void test_times(void **state)
{
	static const struct {
		int64_t a, b;
		bool coarse, same;
	} times[] = {
		{ 5, 5, false, true },
		{ 5, 6, false, false },
		{ 5 * S, 5 * S + 999999999, false, true },
		{ 5 * S, 6 * S, false, false },
		{ 5 * S + 1, 6 * S, false, true },
		{ 5 * S + 1, 5 * S + 3, false, false },
		{ 5 * S + 123456000, 5 * S + 123456789, false, true },
		{ 5 * S + 123456000, 5 * S + 123457001, false, false },
		{ 5 * S + 123456700, 5 * S + 123456799, false, true },
		{ 5 * S + 123456700, 5 * S + 123456800, false, false },
		{ 5 * S, 6 * S + 999999999, true, true },
		{ 5 * S, 7 * S, true, false },
		{ -5 * S, 0, true, true },
		{ -5 * S, 2 * S, true, false },
		{ (INT64_C(1) << 32) * S, (INT64_C(1) << 33) * S, true, true },
		{ -5 * S - 1, -5 * S, false, true },
		{ INT64_MIN, INT64_MAX, false, false },
		{ INT64_MIN, 0, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (uc_sync_same_time(times[i].a, times[i].b, times[i].coarse) !=
			    times[i].same ||
		    uc_sync_same_time(times[i].b, times[i].a, times[i].coarse) !=
			    times[i].same)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_never_eats),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
