/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What one may have and has had: limits on GPUs, GPU hours of the last days. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <ucluster/units.h>
#include "udash/dash.h"

enum {
	BAR = 40,
	DAY = 86400,
};

/* One limit on GPUs that counts for this user. */
struct limit {
	const struct uc_limit *of;
	uint64_t allowed, used;
};

/* A QOS's for each user, an association's own, an account's with all below it. */
static bool read_limit(const struct uc_limit *row, struct limit *out)
{
	const bool qos = row->kind == UC_LIMIT_QOS;
	const char *allowed = qos ? row->tres_user.bytes : row->tres_group.bytes;
	const char *used = qos ? row->tres_user_used.bytes : row->tres_group_used.bytes;

	*out = (struct limit){ .of = row };
	if (!uc_tres_get(allowed, "gpu", "", &out->allowed))
		return false;
	if (!uc_tres_get(used, "gpu", "", &out->used))
		out->used = 0;
	return true;
}

static void add_owner(struct uc_buf *out, const struct uc_limit *limit, unsigned safe)
{
	if (limit->kind == UC_LIMIT_QOS) {
		uc_buf_add(out, "QOS ");
		uc_buf_safe(out, limit->name, safe);
	} else if (limit->kind == UC_LIMIT_ACCOUNT) {
		uc_buf_add(out, "account ");
		uc_buf_safe(out, limit->account, safe);
	} else {
		uc_buf_add(out, "you in account ");
		uc_buf_safe(out, limit->account, safe);
	}
}

void dash_add_limit(const struct dash *d, const char *word, struct uc_buf *out)
{
	const struct uc_limits *limits = d->data->limits;
	const struct uc_limit *mine =
		limits ? uc_limits_association(limits, NULL, NULL) : NULL;
	const struct uc_limit *qos =
		mine && !uc_raw_empty(mine->default_qos)
			? uc_limits_qos(limits, mine->default_qos.bytes)
			: NULL;
	struct limit limit;

	if ((qos && read_limit(qos, &limit)) || (mine && read_limit(mine, &limit)))
		uc_buf_addf(out, "%s%ju/%ju", word, (uintmax_t)limit.used,
			    (uintmax_t)limit.allowed);
}

static void show_limits(struct dash *d)
{
	const struct uc_limits *limits = d->data->limits;
	size_t shown = 0;

	for (size_t i = 0; limits && i < limits->count; i++) {
		uc_auto(buf) struct uc_buf owner = { 0 };
		struct limit limit;

		if (!read_limit(&limits->row[i], &limit))
			continue;
		add_owner(&owner, limit.of, d->grid.safe);
		dash_box_addf(d, "%-32s %ju of %ju GPUs in use", uc_buf_text(&owner),
			      (uintmax_t)limit.used, (uintmax_t)limit.allowed);
		shown++;
	}
	if (!shown)
		dash_box_addf(d, limits ? "no limits on GPUs" : "limits are not known");
}

static void add_bar(const struct dash *d, struct uc_buf *out, uint64_t part,
		    uint64_t whole)
{
	const uint64_t cells = whole ? part * BAR / whole + (part > 0) : 0;

	for (uint64_t i = 0; i < cells; i++)
		uc_buf_add(out, d->options.ascii ? "#" : "\xe2\x96\x88");
}

static void show_days(struct dash *d)
{
	const struct dash_past *past = &d->data->past;
	uint64_t most = 0;

	if (!past->known) {
		dash_box_addf(d, past->asked ? "GPU hours are not known: there is no "
					       "accounting"
					     : "accounting has not been asked yet");
		return;
	}
	for (size_t i = 0; i < past->days; i++)
		most = past->gpu_seconds[i] > most ? past->gpu_seconds[i] : most;
	dash_box_addf(d, "GPU hours of the last %zu days", past->days);
	for (size_t i = 0; i < past->days; i++) {
		const time_t day =
			(time_t)(d->data->now - DAY * (int64_t)(past->days - 1 - i));
		uc_auto(buf) struct uc_buf bar = { 0 };
		char name[16] = "";
		struct tm tm;

		if (localtime_r(&day, &tm))
			strftime(name, sizeof(name), "%a %d %b", &tm);
		add_bar(d, &bar, past->gpu_seconds[i], most);
		dash_box_addf(d, "%-10s %8.*f %s", name, most < 36000 ? 2 : 1,
			      (double)past->gpu_seconds[i] / 3600, uc_buf_text(&bar));
	}
}

void dash_show_me(struct dash *d)
{
	if (!d->data)
		return;
	dash_box_open(d, "Mine");
	show_limits(d);
	dash_box_addf(d, "%s", "");
	show_days(d);
}
