/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Profiles: named sets of settings, each with at most one parent. */
#include "config/layers.h"

#include <stdlib.h>
#include <string.h>

/* Latest layer first: a project's "train" hides the site's. */
struct uc_profile *uc_profile_find(const struct uc_load *load, const char *name)
{
	for (int layer = UC_LAYER_OPTION - 1; layer >= 0; layer--) {
		if (!load->file[layer])
			continue;
		for (struct uc_profile *p = load->file[layer]->profiles; p; p = p->next)
			if (strcmp(p->name, name) == 0)
				return p;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *uc_profiles_names(struct uc_load *load)
{
	size_t count = 0, kept = 0;
	const char **names;

	if (load->names)
		return load->names;
	for (int layer = 0; layer < UC_LAYER_OPTION; layer++)
		for (struct uc_profile *p =
			     load->file[layer] ? load->file[layer]->profiles : NULL;
		     p; p = p->next)
			count++;
	names = uc_arena_array(load->arena, count + 1, sizeof(*names));
	if (!names)
		return NULL;
	count = 0;
	for (int layer = 0; layer < UC_LAYER_OPTION; layer++)
		for (struct uc_profile *p =
			     load->file[layer] ? load->file[layer]->profiles : NULL;
		     p; p = p->next)
			names[count++] = p->name;
	qsort(names, count, sizeof(*names), compare);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(names[i], names[kept - 1]) != 0)
			names[kept++] = names[i];
	names[kept] = NULL;
	load->names = names;
	return names;
}

/* "a -> b -> a", beginning and ending with `from`. */
static void add_cycle(const struct uc_load *load, const struct uc_profile *from,
		      struct uc_buf *buf)
{
	const struct uc_profile *p = from;

	do {
		uc_buf_addf(buf, "%s -> ", p->name);
		p = uc_profile_find(load, p->inherit);
	} while (p != from);
	uc_buf_add(buf, from->name);
}

static void unknown_parent(struct uc_load *load, const struct uc_profile *p)
{
	const char *const *names = uc_profiles_names(load);
	bool shown = load->faults->count < UC_ERRORS_MAX;
	struct uc_error err = { 0 };
	const char *near = names && shown ? uc_text_nearest(p->inherit, names) : NULL;

	uc_fail(&err, UC_USAGE, "profile '%s' inherits an unknown profile '%.*s'",
		p->name, UC_SHOWN(p->inherit));
	if (near && strcmp(near, p->name) != 0)
		uc_hint(&err, "did you mean '%s'?", near);
	uc_load_fault(load, p->file, p->inherit_at, &err);
}

/*
 * Follow the parents of `start`. Every profile is stamped with the walk that reached it
 * first: meeting this walk's own stamp again is a cycle, meeting an older one is known.
 */
static void check_chain(struct uc_load *load, struct uc_profile *start, size_t walk)
{
	uc_auto(buf) struct uc_buf cycle = { 0 };
	struct uc_error err = { 0 };

	for (struct uc_profile *p = start, *next; p->seen == 0; p = next) {
		p->seen = walk;
		if (!p->inherit)
			return;
		next = uc_profile_find(load, p->inherit);
		if (!next) {
			unknown_parent(load, p);
			return;
		}
		if (next->seen == walk) {
			add_cycle(load, next, &cycle);
			uc_fail(&err, UC_USAGE, "profile '%s' inherits itself: %s",
				next->name, uc_buf_text(&cycle));
			uc_load_fault(load, p->file, p->inherit_at, &err);
			return;
		}
	}
}

void uc_profiles_check(struct uc_load *load)
{
	size_t walk = 0;

	for (int layer = 0; layer < UC_LAYER_OPTION; layer++) {
		if (!load->file[layer])
			continue;
		for (struct uc_profile *p = load->file[layer]->profiles; p; p = p->next)
			check_chain(load, p, ++walk);
	}
}
