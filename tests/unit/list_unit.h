/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TESTS_LIST_UNIT_H
#define UC_TESTS_LIST_UNIT_H
#include <string.h>
#include "sync/entry.h"

/* The entry of a list that has this path, or NULL. */
static inline const struct uc_sync_entry *list_find(const struct uc_sync_list *list,
						    const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(uc_sync_list_at(list, i)->path, path) == 0)
			return uc_sync_list_at(list, i);
	return NULL;
}

#endif
