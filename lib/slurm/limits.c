/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Looking things up in a snapshot of limits. */
#include <string.h>
#include <strings.h>
#include <ucluster/gres.h>
#include <ucluster/limits.h>
#include "slurm/rows.h"

void uc_limits_free(struct uc_limits *limits)
{
	uc_rows_free((struct uc_rows *)limits);
}

static bool is_named(struct uc_raw raw, const char *name)
{
	return raw.bytes && strcasecmp(raw.bytes, name) == 0;
}

const struct uc_limit *uc_limits_qos(const struct uc_limits *limits, const char *name)
{
	for (size_t i = 0; i < limits->count; i++)
		if (limits->row[i].kind == UC_LIMIT_QOS &&
		    is_named(limits->row[i].name, name))
			return &limits->row[i];
	return NULL;
}

const struct uc_limit *uc_limits_association(const struct uc_limits *limits,
					     const char *account, const char *partition)
{
	const struct uc_limit *found = NULL;

	for (size_t i = 0; i < limits->count; i++) {
		const struct uc_limit *row = &limits->row[i];

		if (row->kind != UC_LIMIT_ASSOCIATION ||
		    (account ? !is_named(row->account, account) : !row->is_default))
			continue;
		if (partition && is_named(row->partition, partition))
			return row;
		if (uc_raw_empty(row->partition) && !found)
			found = row;
	}
	return found;
}

const struct uc_limit *uc_limits_above(const struct uc_limits *limits,
				       const struct uc_limit *limit)
{
	struct uc_raw name =
		limit->kind == UC_LIMIT_ASSOCIATION ? limit->account : limit->parent;

	if (limit->kind == UC_LIMIT_QOS || uc_raw_empty(name))
		return NULL;
	for (size_t i = 0; i < limits->count; i++) {
		const struct uc_limit *row = &limits->row[i];

		if (row->kind == UC_LIMIT_ACCOUNT && row != limit &&
		    is_named(row->account, name.bytes))
			return row;
	}
	return NULL;
}

bool uc_tres_get(const char *list, const char *name, const char *type, uint64_t *value)
{
	struct uc_gres_walk walk = { .rest = list };
	struct uc_gres item;

	while (uc_gres_next(&walk, &item)) {
		const bool same =
			item.type.len ? uc_span_is(item.type, type) : type[0] == '\0';

		if (!item.is_total || !same || !uc_span_is(item.name, name))
			continue;
		*value = item.count;
		return true;
	}
	return false;
}
