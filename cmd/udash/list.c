/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "udash/list.h"

#include <stdlib.h>
#include "udash/term.h"

/* --- sets --- */

static size_t slot_of(const struct dash_set *set, struct dash_id id)
{
	uint64_t hash = (id.what ^ id.when << 32 ^ id.when >> 32) * 0x9e3779b97f4a7c15u;
	size_t at = (size_t)(hash >> 20) & (set->slots - 1);

	while (set->slot[at].what && !dash_id_same(set->slot[at], id))
		at = (at + 1) & (set->slots - 1);
	return at;
}

bool dash_set_has(const struct dash_set *set, struct dash_id id)
{
	return set->slots && id.what && set->slot[slot_of(set, id)].what;
}

static bool grow(struct dash_set *set)
{
	struct dash_set bigger = { .slots = set->slots ? 2 * set->slots : 64 };

	bigger.slot = calloc(bigger.slots, sizeof(*bigger.slot));
	if (!bigger.slot)
		return false;
	for (size_t i = 0; i < set->slots; i++)
		if (set->slot[i].what)
			bigger.slot[slot_of(&bigger, set->slot[i])] = set->slot[i];
	bigger.count = set->count;
	free(set->slot);
	*set = bigger;
	return true;
}

/* Those behind it move up, so that none is cut off from where it belongs. */
static void take_out(struct dash_set *set, size_t hole)
{
	const size_t mask = set->slots - 1;

	set->slot[hole] = (struct dash_id){ 0 };
	set->count--;
	for (size_t at = (hole + 1) & mask; set->slot[at].what; at = (at + 1) & mask) {
		const struct dash_id id = set->slot[at];

		set->slot[at] = (struct dash_id){ 0 };
		set->slot[slot_of(set, id)] = id;
	}
}

bool dash_set_toggle(struct dash_set *set, struct dash_id id)
{
	size_t at;

	if (!id.what)
		return true;
	if (2 * set->count >= set->slots && !grow(set))
		return false;
	at = slot_of(set, id);
	if (set->slot[at].what) {
		take_out(set, at);
		return true;
	}
	set->slot[at] = id;
	set->count++;
	return true;
}

void dash_set_clear(struct dash_set *set)
{
	for (size_t i = 0; i < set->slots; i++)
		set->slot[i] = (struct dash_id){ 0 };
	set->count = 0;
}

void dash_set_free(struct dash_set *set)
{
	free(set->slot);
	*set = (struct dash_set){ 0 };
}

/* --- lists --- */

void dash_list_go(struct dash_list *list, const void *rows, dash_id_of *id_of,
		  int64_t index)
{
	const int64_t last = (int64_t)list->count - 1;

	index = index > last ? last : index;
	list->at = index < 0 ? 0 : (size_t)index;
	list->id = list->count ? id_of(rows, list->at) : (struct dash_id){ 0 };
}

void dash_list_sync(struct dash_list *list, const void *rows, size_t count,
		    dash_id_of *id_of)
{
	const struct dash_id id = list->id;
	const size_t before = list->at;
	size_t at = 0;

	list->count = count;
	if (!id.what) {
		dash_list_go(list, rows, id_of, 0);
		return;
	}
	/* near where it was, most of the time */
	if (before < count && dash_id_same(id_of(rows, before), id))
		return;
	while (at < count && !dash_id_same(id_of(rows, at), id))
		at++;
	dash_list_go(list, rows, id_of, (int64_t)(at < count ? at : before));
	if (at < count && list->top + at >= before)
		list->top = list->top + at - before;
}

void dash_list_show(struct dash_list *list, size_t page)
{
	if (!page)
		return;
	if (list->top + page > list->count)
		list->top = list->count > page ? list->count - page : 0;
	if (list->at < list->top)
		list->top = list->at;
	if (list->at >= list->top + page)
		list->top = list->at - page + 1;
}

bool dash_list_key(struct dash_list *list, const void *rows, dash_id_of *id_of, int key,
		   size_t page)
{
	const int64_t at = (int64_t)list->at, step = page > 1 ? (int64_t)page - 1 : 1;
	int64_t to;

	switch (key) {
	case 'k':
	case DASH_KEY_UP:
		to = at - 1;
		break;
	case 'j':
	case DASH_KEY_DOWN:
		to = at + 1;
		break;
	case DASH_KEY_WHEEL_UP:
		to = at - 3;
		break;
	case DASH_KEY_WHEEL_DOWN:
		to = at + 3;
		break;
	case DASH_CTRL('u'):
		to = at - step / 2;
		break;
	case DASH_CTRL('d'):
		to = at + step / 2;
		break;
	case DASH_CTRL('b'):
	case DASH_KEY_PAGE_UP:
		to = at - step;
		break;
	case DASH_CTRL('f'):
	case DASH_KEY_PAGE_DOWN:
		to = at + step;
		break;
	case 'g':
	case DASH_KEY_HOME:
		to = 0;
		break;
	case 'G':
	case DASH_KEY_END:
		to = (int64_t)list->count - 1;
		break;
	default:
		return false;
	}
	dash_list_go(list, rows, id_of, to);
	return true;
}
