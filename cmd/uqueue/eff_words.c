/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What jobs used, as lines and as JSON. */
#include <ucluster/units.h>
#include "uqueue/eff.h"

static void add_percent(struct uc_buf *out, int64_t thousandths)
{
	uc_buf_addf(out, "%lld%%", (long long)(thousandths + 5) / 10);
}

/* "5.9G", or of several runs "1.2G to 5.9G, mostly 2G". */
static void add_sizes(struct uc_buf *out, const struct uc_spread *spread)
{
	if (spread->count > 1 && spread->least != spread->most) {
		uc_size_words(out, (uint64_t)spread->least);
		uc_buf_add(out, " to ");
	}
	uc_size_words(out, (uint64_t)spread->most);
	if (spread->count > 2 && spread->least != spread->most) {
		uc_buf_add(out, " (median ");
		uc_size_words(out, (uint64_t)spread->middle);
		uc_buf_addc(out, ')');
	}
}

static void add_shares(struct uc_buf *out, const struct uc_spread *spread)
{
	if (spread->count > 1 && (spread->least + 5) / 10 != (spread->most + 5) / 10) {
		add_percent(out, spread->least);
		uc_buf_add(out, " to ");
	}
	add_percent(out, spread->most);
}

static void add_times(struct uc_buf *out, const struct uc_spread *spread)
{
	if (spread->count > 1 && spread->least != spread->most) {
		uc_duration_words(out, spread->least);
		uc_buf_add(out, " to ");
	}
	uc_duration_words(out, spread->most);
	if (spread->count > 2 && spread->least != spread->most) {
		uc_buf_add(out, " (median ");
		uc_duration_words(out, spread->middle);
		uc_buf_addc(out, ')');
	}
}

static void add_cpu(struct uc_buf *out, const struct uqueue_eff *eff)
{
	const struct uc_efficiency *e = &eff->efficiency;
	double hours = (double)e->core_seconds / 3600;

	if (e->cpu_share.count)
		uc_buf_addf(out, "%.1f of %u CPUs busy on average",
			    e->cpu_seconds ? (double)e->cpu_used_ms / 1000 /
						     (double)e->cpu_seconds * e->cpus
					   : 0,
			    e->cpus);
	else
		uc_buf_addf(out, "%u CPU%s, use not known", e->cpus,
			    e->cpus == 1 ? "" : "s");
	if (e->cpu_share.count) {
		uc_buf_add(out, " (");
		add_shares(out, &e->cpu_share);
		uc_buf_addc(out, ')');
	}
	uc_buf_addf(out, "; %.2f CPU hours", hours);
}

static void add_memory(struct uc_buf *out, const struct uqueue_eff *eff)
{
	const struct uc_efficiency *e = &eff->efficiency;

	if (e->memory.count) {
		add_sizes(out, &e->memory);
		uc_buf_add(out, e->memory_given ? " of " : " at most");
	}
	if (e->memory_given)
		uc_size_words(out, e->memory_given);
	if (!e->memory.count)
		uc_buf_add(out, ", use not known");
	else if (e->memory_share.count) {
		uc_buf_add(out, " at most (");
		add_shares(out, &e->memory_share);
		uc_buf_addc(out, ')');
	}
}

static void add_gpus(struct uc_buf *out, const struct uqueue_eff *eff)
{
	const struct uc_efficiency *e = &eff->efficiency;

	if (!e->gpus)
		return;
	uc_buf_addf(out, "%u%s; %.2f GPU hours", e->gpus, e->runs > 1 ? " each" : "",
		    (double)e->gpu_seconds / 3600);
	if (e->gpu_percent.count) {
		uc_buf_add(out, "; busy ");
		add_shares(out, &(struct uc_spread){ e->gpu_percent.count,
						     e->gpu_percent.least * 10,
						     e->gpu_percent.middle * 10,
						     e->gpu_percent.most * 10 });
	} else {
		uc_buf_add(out, "; this cluster does not measure their use");
	}
	if (e->gpu_memory.count) {
		uc_buf_add(out, "; memory of one at most ");
		add_sizes(out, &e->gpu_memory);
	}
}

static void add_time(struct uc_buf *out, const struct uqueue_eff *eff)
{
	const struct uc_efficiency *e = &eff->efficiency;

	add_times(out, &e->elapsed);
	if (e->time_limit != UC_NOT_SET && e->time_limit != UC_DURATION_INFINITE &&
	    e->time_limit > 0) {
		uc_buf_add(out, " of ");
		uc_duration_words(out, e->time_limit);
		uc_buf_add(out, " (");
		add_percent(out, e->elapsed.most * 1000 / e->time_limit);
		uc_buf_addc(out, ')');
	}
}

static const struct {
	const char *title;
	void (*add)(struct uc_buf *out, const struct uqueue_eff *eff);
} lines[] = {
	{ "CPU", add_cpu },
	{ "memory", add_memory },
	{ "GPUs", add_gpus },
	{ "time", add_time },
};

/* Why there are fewer figures than one might want; nothing when all is known. */
static void add_remark(struct uc_buf *out, const struct uqueue_eff *eff)
{
	const struct uc_efficiency *e = &eff->efficiency;

	if (eff->facts.origin == UC_HISTORY_MEMORY)
		uc_buf_addf(out, "%s: what jobs used is not known here", eff->facts.why);
	else if (!eff->facts.measured)
		uc_buf_add(out, "this cluster does not measure what jobs use "
				"(JobAcctGatherType is none)");
	else if (e->running)
		uc_buf_add(out, "it runs: what steps use is added when they end; "
				"until then 'sstat --allsteps' tells");
	else if (e->runs && !e->sampled && eff->facts.interval)
		uc_buf_addf(out,
			    "it was too short to be measured: nodes take samples every "
			    "%lld s",
			    (long long)eff->facts.interval);
}

void uqueue_eff_lines(struct uc_buf *out, const struct uqueue_eff *eff)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	for (size_t i = 0; eff->efficiency.runs && i < sizeof(lines) / sizeof(lines[0]);
	     i++) {
		uc_buf_reset(&text);
		lines[i].add(&text, eff);
		if (text.len)
			uc_buf_addf(out, "  %-16s %s\n", lines[i].title,
				    uc_buf_text(&text));
	}
	uc_buf_reset(&text);
	add_remark(&text, eff);
	if (text.len)
		uc_buf_addf(out, "  %-16s %s\n", "note", uc_buf_text(&text));
	for (size_t i = 0; i < eff->advice_count; i++)
		uc_buf_addf(out, "  %-16s %s%s%s\n", i ? "" : "ask for instead",
			    eff->advice[i].option, eff->advice[i].option[0] ? "  " : "",
			    eff->advice[i].words);
	out->failed = out->failed || text.failed;
}

static void put_spread(struct uc_json *json, const char *key,
		       const struct uc_spread *spread,
		       void (*put)(struct uc_json *, const char *, int64_t))
{
	if (!spread->count) {
		uc_json_null(json, key);
		return;
	}
	uc_json_open(json, key, '{');
	uc_json_number(json, "runs", (int64_t)spread->count);
	put(json, "least", spread->least);
	put(json, "median", spread->middle);
	put(json, "most", spread->most);
	uc_json_close(json, '}');
}

void uqueue_eff_json(struct uc_json *json, const struct uqueue_eff *eff)
{
	const struct uc_efficiency *e = &eff->efficiency;
	uc_auto(buf) struct uc_buf remark = { 0 };

	add_remark(&remark, eff);
	uc_json_number(json, "runs", (int64_t)e->runs);
	uc_json_number(json, "completed", (int64_t)e->completed);
	uc_json_number(json, "running", (int64_t)e->running);
	uc_json_number(json, "sampled", (int64_t)e->sampled);
	uc_json_number(json, "cpus", e->cpus);
	uc_json_number(json, "node_count", e->node_count);
	uc_json_number(json, "gpus", e->gpus);
	uc_json_amount(json, "memory_given", e->memory_given);
	uc_json_duration(json, "time_limit", e->time_limit);
	uc_json_amount(json, "cpu_seconds", e->core_seconds);
	if (e->cpu_share.count)
		uc_json_amount(json, "cpu_seconds_used", e->cpu_used_ms / 1000);
	else
		uc_json_null(json, "cpu_seconds_used");
	uc_json_amount(json, "gpu_seconds", e->gpus_known ? e->gpu_seconds : UC_NONE64);
	put_spread(json, "elapsed", &e->elapsed, uc_json_number);
	put_spread(json, "cpu_share", &e->cpu_share, uc_json_share);
	put_spread(json, "memory", &e->memory, uc_json_number);
	put_spread(json, "memory_share", &e->memory_share, uc_json_share);
	put_spread(json, "gpu_percent", &e->gpu_percent, uc_json_number);
	put_spread(json, "gpu_memory", &e->gpu_memory, uc_json_number);
	uc_json_open(json, "advice", '[');
	for (size_t i = 0; i < eff->advice_count; i++) {
		const char *option = eff->advice[i].option;

		uc_json_open(json, NULL, '{');
		uc_json_text(json, "option", uc_raw(option[0] ? option : NULL));
		uc_json_text(json, "words", uc_raw(eff->advice[i].words));
		uc_json_close(json, '}');
	}
	uc_json_close(json, ']');
	uc_json_text(json, "note", uc_raw(remark.len ? uc_buf_text(&remark) : NULL));
}
