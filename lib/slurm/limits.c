/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Looking things up in a snapshot of limits. */
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <ucluster/gres.h>
#include <ucluster/limits.h>
#include "slurm/conf.h"
#include "slurm/limit_levels.h"
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

bool uc_limits_enforced(const char *slurm_conf, unsigned *enforced)
{
	static const struct {
		const char *word;
		unsigned bits;
	} words[] = {
		{ "associations", UC_ENFORCED_ACCOUNTS },
		{ "limits", UC_ENFORCED_ACCOUNTS | UC_ENFORCED_LIMITS },
		{ "safe", UC_ENFORCED_ACCOUNTS | UC_ENFORCED_LIMITS },
		{ "qos", UC_ENFORCED_ACCOUNTS | UC_ENFORCED_QOS },
		{ "wckeys", UC_ENFORCED_ACCOUNTS },
		{ "all", UC_ENFORCED_ACCOUNTS | UC_ENFORCED_LIMITS | UC_ENFORCED_QOS },
	};
	const char *path = uc_slurm_conf_path(slurm_conf);
	uc_auto(buf) struct uc_buf value = { 0 };

	*enforced = 0;
	if (!path || access(path, R_OK) < 0)
		return false;
	uc_slurm_conf_value(&value, path, "AccountingStorageEnforce");
	for (const char *at = uc_buf_text(&value); *at; at += *at == ',') {
		const size_t len = strcspn(at, ",");

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strlen(words[i].word) == len &&
			    strncasecmp(words[i].word, at, len) == 0)
				*enforced |= words[i].bits;
		at += len;
	}
	return true;
}

struct uc_limit_levels uc_limit_levels(const struct uc_limits *limits,
				       const struct uc_partition *partition,
				       const struct uc_limit *qos,
				       const struct uc_limit *association)
{
	struct uc_limit_levels levels = { { NULL } };
	const struct uc_limit *own = NULL;
	size_t n = 0;

	if (!uc_raw_empty(partition->qos))
		own = uc_limits_qos(limits, partition->qos.bytes);
	if (qos && qos->flags & UC_LIMIT_FIRST)
		levels.row[n++] = qos;
	if (own)
		levels.row[n++] = own;
	if (qos && (n == 0 || levels.row[0] != qos))
		levels.row[n++] = qos;
	if (association)
		levels.row[n++] = association;
	return levels;
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
