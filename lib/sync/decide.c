/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/decide.h"

#include <stdlib.h>
#include <string.h>

#include "sync/state.h"
#include "sync/store.h"

#define SECOND INT64_C(1000000000)

/* What a file system that wrote this time may have cut off, at most. */
static int64_t grain(int64_t time)
{
	static const int64_t grains[] = { SECOND, 1000000, 1000, 100 };

	for (size_t i = 0; i < sizeof(grains) / sizeof(grains[0]); i++)
		if (time % grains[i] == 0)
			return grains[i];
	return 1;
}

/* As SFTP has it: 32 bits of seconds. */
static int64_t seconds(int64_t time)
{
	int64_t whole = time / SECOND - (time % SECOND < 0);

	return whole < 0 ? 0 : whole > UINT32_MAX ? UINT32_MAX : whole;
}

bool uc_sync_same_time(int64_t a, int64_t b, bool coarse)
{
	int64_t most = grain(a) > grain(b) ? grain(a) : grain(b);
	int64_t apart;

	if (coarse)
		return llabs(seconds(a) - seconds(b)) < 2;
	if (__builtin_sub_overflow(a, b, &apart) || apart == INT64_MIN)
		return false;
	return (apart < 0 ? -apart : apart) < most;
}

/* What a file system keeps of a time when it has that grain. */
static int64_t cut(int64_t time, int64_t to)
{
	int64_t rest = time % to;

	return time - rest - (rest < 0 && time - rest >= INT64_MIN + to ? to : 0);
}

/* Is it the time that this side was given, as far as its file system keeps it? */
static bool same_as_then(int64_t now, int64_t then, bool coarse)
{
	static const int64_t grains[] = { 1, 100, 1000, 1000000, SECOND, 2 * SECOND };

	if (coarse) {
		now = seconds(now) * SECOND;
		then = seconds(then) * SECOND;
	}
	for (size_t i = 0; i < sizeof(grains) / sizeof(grains[0]); i++)
		if (now == cut(then, grains[i]))
			return true;
	return false;
}

static bool newer(const struct uc_sync_entry *a, const struct uc_sync_entry *b,
		  bool coarse)
{
	return a->mtime > b->mtime && !uc_sync_same_time(a->mtime, b->mtime, coarse);
}

static bool changed(const struct uc_sync_entry *now, const struct uc_sync_past *then,
		    bool coarse)
{
	if (now->kind != then->kind)
		return true;
	if (now->kind == UC_SYNC_FOLDER)
		return false;
	if (now->kind == UC_SYNC_LINK)
		return uc_sync_state_target(now->target) != then->size;
	return now->size != then->size || !same_as_then(now->mtime, then->mtime, coarse);
}

static bool here_changed(const struct uc_sync_case *one)
{
	return changed(one->here, &one->here_then, one->coarse && one->pull);
}

static bool there_changed(const struct uc_sync_case *one)
{
	return changed(one->there, &one->there_then, one->coarse && !one->pull);
}

/* Each is compared with what it was, before both are with each other. */
static bool either_changed(const struct uc_sync_case *one)
{
	return one->here_then.known && one->there_then.known &&
	       (here_changed(one) || there_changed(one));
}

static void choose(struct uc_sync_choice *choice, enum uc_sync_action action,
		   const char *why)
{
	choice->action = action;
	choice->why = why;
}

static void choose_conflict(const struct uc_sync_case *one, struct uc_sync_choice *choice,
			    enum uc_sync_action action, const char *why)
{
	choose(choice, action, why);
	if (!one->overwrite)
		return;
	choice->action = UC_SYNC_UPDATE;
	choice->keep = true;
}

static void only_there(const struct uc_sync_case *one, struct uc_sync_choice *choice)
{
	bool is_folder = one->there->kind == UC_SYNC_FOLDER;

	if (!one->remove)
		choose(choice, UC_SYNC_EXTRA, NULL);
	else if (!is_folder && !one->overwrite && one->there_then.known &&
		 there_changed(one))
		choose(choice, UC_SYNC_CONFLICT, "gone here, changed there");
	else
		choose(choice, UC_SYNC_DELETE, NULL);
}

/* Both are there, and not the same. */
static void differ(const struct uc_sync_case *one, struct uc_sync_choice *choice)
{
	bool here, there;

	if (!one->there_then.known || !one->here_then.known) {
		if (newer(one->there, one->here, one->coarse))
			choose_conflict(one, choice, UC_SYNC_KEEP, "newer there");
		else
			choose(choice, UC_SYNC_UPDATE, "older there: to the trash");
		choice->keep = choice->action == UC_SYNC_UPDATE;
		return;
	}
	here = here_changed(one);
	there = there_changed(one);
	if (here && there)
		choose_conflict(one, choice, UC_SYNC_CONFLICT, "changed on both sides");
	else if (there)
		choose(choice, UC_SYNC_KEEP, "changed there");
	else if (here || one->contents == UC_SYNC_CONTENTS_DIFFER)
		choose(choice, UC_SYNC_UPDATE, NULL);
	else /* equal then, and untouched since */
		choose(choice, UC_SYNC_SAME, NULL);
	/* who changed it behind its time, nobody knows */
	choice->keep = choice->keep || (choice->action == UC_SYNC_UPDATE && !here);
}

static void other_kind(const struct uc_sync_case *one, struct uc_sync_choice *choice)
{
	bool then = one->there_then.known && one->here_then.known;

	if (one->there->kind == UC_SYNC_FOLDER) {
		choose(choice, UC_SYNC_CONFLICT, "a folder there");
		if (!one->remove || (then && one->there_then.kind != UC_SYNC_FOLDER))
			return;
		choose(choice, UC_SYNC_UPDATE, "a folder there");
		choice->linger = true;
		return;
	}
	if (one->here->kind != UC_SYNC_FOLDER || then)
		differ(one, choice);
	else
		choose_conflict(one, choice, UC_SYNC_CONFLICT, "no folder there");
}

static bool same_mode(const struct uc_sync_entry *a, const struct uc_sync_entry *b)
{
	return ((a->mode ^ b->mode) & UC_STORE_MODES) == 0;
}

static bool same_file(const struct uc_sync_case *one)
{
	if (one->here->size != one->there->size ||
	    one->contents == UC_SYNC_CONTENTS_DIFFER)
		return false;
	if (one->contents == UC_SYNC_CONTENTS_EQUAL)
		return true;
	if (one->here->mtime == one->there->mtime && !one->coarse)
		return true;
	return !either_changed(one) &&
	       uc_sync_same_time(one->here->mtime, one->there->mtime, one->coarse);
}

static void both_files(const struct uc_sync_case *one, struct uc_sync_choice *choice)
{
	if (!same_file(one))
		differ(one, choice);
	else
		choose(choice, UC_SYNC_SAME, NULL);
	if (choice->action == UC_SYNC_SAME &&
	    (!same_mode(one->here, one->there) ||
	     (one->contents == UC_SYNC_CONTENTS_EQUAL &&
	      !uc_sync_same_time(one->here->mtime, one->there->mtime, one->coarse))))
		choice->action = UC_SYNC_META;
}

void uc_sync_decide(const struct uc_sync_case *one, struct uc_sync_choice *choice)
{
	*choice = (struct uc_sync_choice){ .action = UC_SYNC_SAME };
	if (!one->there) {
		choice->action = UC_SYNC_NEW;
	} else if (!one->here) {
		only_there(one, choice);
	} else if (one->here->kind != one->there->kind) {
		other_kind(one, choice);
	} else if (one->here->kind == UC_SYNC_FILE) {
		both_files(one, choice);
	} else if (one->here->kind == UC_SYNC_LINK) {
		if (strcmp(one->here->target, one->there->target) != 0)
			differ(one, choice);
	} else if (!same_mode(one->here, one->there)) {
		choice->action = UC_SYNC_META;
	}
}
