/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The judgement: partitions by name, state, access and time; then what they have. */
#include "job/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "job/spec.h"

void uc_check_fault(struct uc_check *c, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error fault = { 0 };
	va_list ap;

	c->count++;
	if (!c->faults)
		return;
	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	uc_fail(&fault, UC_USAGE, "%s", uc_buf_text(&text));
	uc_errors_add(c->faults, &fault);
}

void uc_check_hint(struct uc_check *c, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	va_list ap;

	if (!c->faults || !c->faults->count)
		return;
	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	uc_hint(&c->faults->item[c->faults->count - 1], "%s", uc_buf_text(&text));
}

void uc_buf_count(struct uc_buf *buf, uint64_t n, const char *what)
{
	uc_buf_addf(buf, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

bool uc_check_has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; list && *list; list += *list == ',') {
		size_t n = strcspn(list, ",");

		if (n == len && strncasecmp(list, word, n) == 0)
			return true;
		list += n;
	}
	return false;
}

static const struct uc_partition *find(const struct uc_check *c, const char *name,
				       size_t len)
{
	const struct uc_partitions *all = c->facts->partitions;

	for (size_t i = 0; i < all->count; i++) {
		const char *known = all->row[i].name.bytes;

		if (known && strlen(known) == len && memcmp(known, name, len) == 0)
			return &all->row[i];
	}
	return NULL;
}

static bool takes_jobs(const struct uc_check *c, const struct uc_partition *p)
{
	return p->state == UC_PARTITION_UP ||
	       (p->state == UC_PARTITION_DOWN && c->facts->batch);
}

static void no_such_partition(struct uc_check *c, const char *name, size_t len)
{
	const struct uc_partitions *all = c->facts->partitions;
	uc_auto(strv) struct uc_strv names = { 0 };
	uc_auto(buf) struct uc_buf word = { 0 }, list = { 0 };
	const char *near = NULL;

	for (size_t i = 0; i < all->count; i++) {
		const struct uc_partition *p = &all->row[i];

		if (!p->name.bytes || p->flags & UC_PARTITION_HIDDEN)
			continue;
		uc_strv_add(&names, p->name.bytes);
		if (takes_jobs(c, p))
			uc_buf_addf(&list, "%s%s", list.len ? ", " : "", p->name.bytes);
	}
	uc_buf_addn(&word, name, len);
	if (names.count && !names.failed)
		near = uc_text_nearest(uc_buf_text(&word),
				       (const char *const *)names.item);
	uc_check_fault(c, "there is no partition '%s'%s%s%s", uc_buf_text(&word),
		       near ? "; did you mean '" : "", near ? near : "",
		       near ? "'?" : "");
	if (list.len)
		uc_check_hint(c, "partitions that take jobs: %s", uc_buf_text(&list));
}

const struct uc_partition *uc_check_other(const struct uc_check *c,
					  const struct uc_partition *p)
{
	const struct uc_partitions *all = c->facts->partitions;

	for (size_t i = 0; i < all->count && c->faults; i++) {
		struct uc_check trial = *c;

		if (&all->row[i] == p || all->row[i].flags & UC_PARTITION_HIDDEN ||
		    !all->row[i].name.bytes)
			continue;
		trial.faults = NULL;
		trial.count = 0;
		uc_check_find(&trial, &all->row[i]);
		uc_check_partition(&trial, &all->row[i]);
		if (!trial.count)
			return &all->row[i];
	}
	return NULL;
}

/* What to do instead in another partition; with its time limit. */
static void add_other(struct uc_check *c, const struct uc_partition *p,
		      struct uc_buf *hint)
{
	const struct uc_partition *other = uc_check_other(c, p);

	if (!other)
		return;
	uc_buf_addf(hint, "%s--partition=%s", hint->len ? ", or " : "",
		    other->name.bytes);
	if (c->ask.minutes != UC_ASK_NO_TIME && other->time_limit > 0) {
		uc_buf_add(hint, " (");
		uc_duration_format(hint, other->time_limit);
		uc_buf_addc(hint, ')');
	}
}

static void hint_other(struct uc_check *c, const struct uc_partition *p)
{
	uc_auto(buf) struct uc_buf hint = { 0 };

	add_other(c, p, &hint);
	if (hint.len)
		uc_check_hint(c, "%s", uc_buf_text(&hint));
}

static void check_state(struct uc_check *c, const struct uc_partition *p)
{
	static const char *const words[] = {
		[UC_PARTITION_INACTIVE] = "is inactive: it takes no jobs",
		[UC_PARTITION_DOWN] = "is down: it starts no jobs",
		[UC_PARTITION_DRAIN] = "is draining: it takes no new jobs",
	};

	if (p->state >= UC_PARTITION_UP || takes_jobs(c, p) ||
	    !uc_raw_empty(p->alternate))
		return;
	uc_check_fault(c, "partition '%s' %s", p->name.bytes, words[p->state]);
	if (p->state == UC_PARTITION_DOWN)
		uc_check_hint(c, "--batch queues the job until it is up again");
	else
		hint_other(c, p);
}

static bool has_group(const struct uc_check *c, const char *list)
{
	for (size_t i = 0; i < c->facts->groups.count; i++)
		if (uc_check_has_word(list, c->facts->groups.item[i]))
			return true;
	/* not known: no fault, but nothing to advise either */
	return c->facts->groups.count == 0 && c->faults;
}

/* The account, or one above it: later releases let them in, too. */
static bool is_account_allowed(const struct uc_check *c, const char *list)
{
	const struct uc_limit *at = c->assoc;

	while (at &&
	       !uc_check_has_word(list, at->account.bytes ? at->account.bytes : "")) {
		const struct uc_limit *above = uc_limits_above(c->facts->limits, at);

		if (!above)
			return false;
		at = above;
	}
	return true;
}

static void check_access(struct uc_check *c, const struct uc_partition *p)
{
	const char *name = p->name.bytes;
	const char *account = c->assoc ? c->assoc->account.bytes : NULL;
	const char *qos = c->qos ? c->qos->name.bytes : NULL;
	const size_t before = c->count;

	if (c->facts->user_id != 0 && p->flags & UC_PARTITION_ROOT_ONLY)
		uc_check_fault(c, "partition '%s' is for root only", name);
	if (c->facts->user_id != 0 && !uc_raw_empty(p->allow_groups) &&
	    !has_group(c, p->allow_groups.bytes))
		uc_check_fault(c, "partition '%s' is for members of %s only", name,
			       p->allow_groups.bytes);
	if (p->flags & UC_PARTITION_REQUIRES_RESERVATION && !c->ask.reservation)
		uc_check_fault(c, "partition '%s' needs a reservation", name);
	if (account && ((!uc_raw_empty(p->allow_accounts) &&
			 !is_account_allowed(c, p->allow_accounts.bytes)) ||
			(uc_raw_empty(p->allow_accounts) &&
			 uc_check_has_word(p->deny_accounts.bytes, account))))
		uc_check_fault(c, "partition '%s' is not open to account '%s'", name,
			       account);
	if (qos &&
	    ((!uc_raw_empty(p->allow_qos) &&
	      !uc_check_has_word(p->allow_qos.bytes, qos)) ||
	     (uc_raw_empty(p->allow_qos) && uc_check_has_word(p->deny_qos.bytes, qos))))
		uc_check_fault(c, "partition '%s' does not take QOS '%s'", name, qos);
	if (c->count > before)
		hint_other(c, p);
}

int64_t uc_check_default_minutes(const struct uc_check *c, const struct uc_partition *p)
{
	if (c->facts->rewritten || p->default_time <= 0)
		return UC_ASK_NO_TIME;
	return p->default_time == UC_DURATION_INFINITE ? UC_DURATION_INFINITE
						       : p->default_time / 60;
}

static void check_time(struct uc_check *c, const struct uc_partition *p)
{
	int64_t minutes = c->ask.minutes;
	uc_auto(buf) struct uc_buf most = { 0 }, asked = { 0 }, hint = { 0 };

	if (minutes == UC_ASK_NO_TIME)
		minutes = uc_check_default_minutes(c, p);
	if (minutes == UC_ASK_NO_TIME || p->time_limit == UC_DURATION_INFINITE ||
	    p->time_limit <= 0 || minutes <= p->time_limit / 60)
		return;
	/* a QOS may lift the limit */
	if ((c->qos && c->qos->flags & UC_LIMIT_ANY_TIME) ||
	    (!c->qos && c->facts->enforced & UC_CHECK_QOS))
		return;
	uc_duration_format(&most, p->time_limit);
	uc_duration_format(&asked, minutes == UC_DURATION_INFINITE ? UC_DURATION_INFINITE
								   : minutes * 60);
	uc_check_fault(c, "partition '%s' allows at most %s, %s is %s", p->name.bytes,
		       uc_buf_text(&most), uc_buf_text(&asked),
		       c->ask.minutes == UC_ASK_NO_TIME ? "its default" : "asked for");
	uc_buf_addf(&hint, "--time=%s", uc_buf_text(&most));
	add_other(c, p, &hint);
	uc_check_hint(c, "%s", uc_buf_text(&hint));
}

void uc_check_partition(struct uc_check *c, const struct uc_partition *p)
{
	check_state(c, p);
	check_access(c, p);
	check_time(c, p);
	c->nodes_most = uc_check_nodes_most(c, p);
	uc_check_fit(c, p);
	uc_check_limits(c, p);
}

/* True when nothing is refused there. */
static bool try_partition(const struct uc_check *c, const struct uc_partition *p,
			  struct uc_errors *refused)
{
	struct uc_check trial = *c;

	trial.faults = refused;
	trial.count = 0;
	uc_check_find(&trial, p);
	uc_check_partition(&trial, p);
	return trial.count == 0;
}

/* Of a list one that does is enough, unless each must. */
static void check_partitions(struct uc_check *c)
{
	const struct uc_partitions *all = c->facts->partitions;
	uc_auto(errors) struct uc_errors refused = { 0 };
	bool fine = false;

	for (const char *at = c->ask.partitions; at && *at; at += *at == ',') {
		const size_t len = strcspn(at, ",");
		const struct uc_partition *p = find(c, at, len);

		if (p)
			fine |= try_partition(c, p, &refused);
		else if (len)
			no_such_partition(c, at, len);
		at += len;
	}
	/* a plugin or a reservation may choose another one than the default */
	for (size_t i = 0; !c->ask.partitions && i < all->count; i++)
		if (all->row[i].flags & UC_PARTITION_DEFAULT && !c->ask.reservation &&
		    !c->facts->rewritten)
			try_partition(c, &all->row[i], &refused);
	for (size_t i = 0; i < refused.count && (!fine || c->facts->all_partitions); i++)
		uc_errors_add(c->faults, &refused.item[i]);
}

int uc_spec_check(const struct uc_spec *spec, const struct uc_check_facts *facts,
		  struct uc_errors *faults, struct uc_error *err)
{
	uc_auto(errors) struct uc_errors found = { 0 };
	struct uc_check c = { .facts = facts, .faults = &found };

	if (!uc_ask_read(&c.ask, spec, facts->environment))
		return 0;
	uc_check_names(&c);
	if (facts->partitions && facts->partitions->count)
		check_partitions(&c);
	for (size_t i = 0; i < found.count; i++)
		uc_errors_add(faults, &found.item[i]);
	if (found.dropped && !found.count)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

const struct uc_partition *uc_check_open_end(const struct uc_spec *spec,
					     const struct uc_check_facts *facts)
{
	struct uc_check c = { .facts = facts };
	const struct uc_partition *p = NULL;

	/* of several partitions the first to start it counts */
	if (!facts->partitions || facts->rewritten ||
	    !uc_ask_read(&c.ask, spec, facts->environment) ||
	    c.ask.minutes != UC_ASK_NO_TIME || c.ask.reservation ||
	    (c.ask.partitions && strchr(c.ask.partitions, ',')))
		return NULL;
	if (c.ask.partitions)
		p = find(&c, c.ask.partitions, strlen(c.ask.partitions));
	for (size_t i = 0; !c.ask.partitions && i < facts->partitions->count; i++)
		if (facts->partitions->row[i].flags & UC_PARTITION_DEFAULT)
			p = &facts->partitions->row[i];
	if (!p || (p->default_time > 0 && p->default_time < p->time_limit))
		return NULL;
	return p->time_limit > 0 ? p : NULL;
}
