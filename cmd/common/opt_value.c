/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The values of options: checked, converted, stored. */
#include "common/opt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>

static int fail_empty(const struct uc_opt *opt, struct uc_error *err)
{
	return uc_fail(err, UC_USAGE, "option '--%s' needs a value that is not empty: %s",
		       opt->name, opt->metavar ? opt->metavar : "VALUE");
}

static long find_choice(const struct uc_opt *opt, const char *value, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf all = { 0 };

	for (long i = 0; opt->choices[i]; i++) {
		if (strcmp(opt->choices[i], value) == 0)
			return i;
		uc_buf_addf(&all, "%s'%s'", i ? ", " : "", opt->choices[i]);
	}
	return uc_fail(err, UC_USAGE, "option '--%s': '%s' is none of %s", opt->name,
		       value, uc_buf_text(&all));
}

static int store_choice(const struct uc_opt *opt, const char *value, void *to,
			struct uc_error *err)
{
	long i = find_choice(opt, value, err);

	if (i < 0)
		return -1;
	*(int *)to = (int)i;
	return 0;
}

static int store_flag(const struct uc_opt *opt, const char *value, void *to,
		      struct uc_error *err)
{
	(void)opt, (void)value, (void)err;
	*(bool *)to = true;
	return 0;
}

static int store_count(const struct uc_opt *opt, const char *value, void *to,
		       struct uc_error *err)
{
	(void)opt, (void)value, (void)err;
	++*(int *)to;
	return 0;
}

static int store_bool(const struct uc_opt *opt, const char *value, void *to,
		      struct uc_error *err)
{
	static const char *const words[] = { "no",  "yes", "false", "true",
					     "off", "on",  "0",     "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], value) == 0) {
			*(bool *)to = i & 1;
			return 0;
		}
	return uc_fail(err, UC_USAGE, "option '--%s': '%s' is neither 'yes' nor 'no'",
		       opt->name, value);
}

static int store_string(const struct uc_opt *opt, const char *value, void *to,
			struct uc_error *err)
{
	if (!value[0])
		return fail_empty(opt, err);
	*(const char **)to = value;
	return 0;
}

static int store_text(const struct uc_opt *opt, const char *value, void *to,
		      struct uc_error *err)
{
	(void)opt, (void)err;
	*(const char **)to = value;
	return 0;
}

static bool in_range(const struct uc_opt *opt, int64_t value)
{
	return (!opt->min && !opt->max) || (value >= opt->min && value <= opt->max);
}

static int store_number(const struct uc_opt *opt, const char *value, void *to,
			struct uc_error *err)
{
	bool digit = value[0] >= '0' && value[0] <= '9';
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if ((!digit && value[0] != '-') || *end || end == value)
		return uc_fail(err, UC_USAGE, "option '--%s': '%s' is not a whole number",
			       opt->name, value);
	if (errno == ERANGE || !in_range(opt, number)) {
		if (!opt->min && !opt->max)
			return uc_fail(err, UC_USAGE, "option '--%s': %s is too large",
				       opt->name, value);
		return uc_fail(err, UC_USAGE,
			       "option '--%s': %s is not between %" PRId64
			       " and %" PRId64,
			       opt->name, value, opt->min, opt->max);
	}
	*(int64_t *)to = number;
	return 0;
}

static int store_duration(const struct uc_opt *opt, const char *value, void *to,
			  struct uc_error *err)
{
	uc_auto(buf) struct uc_buf min = { 0 }, max = { 0 };
	int64_t seconds;

	if (uc_duration_parse(value, &seconds, err) < 0)
		return uc_context(err, "option '--%s'", opt->name);
	if (!in_range(opt, seconds)) {
		uc_duration_words(&min, opt->min);
		uc_duration_words(&max, opt->max);
		return uc_fail(err, UC_USAGE,
			       "option '--%s': '%s' is not between %s and %s", opt->name,
			       value, uc_buf_text(&min), uc_buf_text(&max));
	}
	*(int64_t *)to = seconds;
	return 0;
}

static int store_size(const struct uc_opt *opt, const char *value, void *to,
		      struct uc_error *err)
{
	uc_auto(buf) struct uc_buf min = { 0 }, max = { 0 };
	uint64_t bytes;

	if (uc_size_parse(value, &bytes, err) < 0)
		return uc_context(err, "option '--%s'", opt->name);
	if (!in_range(opt, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes)) {
		uc_size_words(&min, (uint64_t)opt->min);
		uc_size_words(&max, (uint64_t)opt->max);
		return uc_fail(err, UC_USAGE,
			       "option '--%s': '%s' is not between %s and %s", opt->name,
			       value, uc_buf_text(&min), uc_buf_text(&max));
	}
	*(uint64_t *)to = bytes;
	return 0;
}

/* Up to a comma that is not in brackets: "gpu[1,3],gpu7". */
static size_t word_length(const char *value)
{
	size_t len = 0;

	for (;;) {
		const char *end;

		len += strcspn(value + len, ",[");
		end = value[len] == '[' ? strchr(value + len, ']') : NULL;
		if (value[len] != '[')
			return len;
		len = end ? (size_t)(end - value) : len + 1;
	}
}

static int store_list(const struct uc_opt *opt, const char *value, void *to,
		      struct uc_error *err)
{
	struct uc_strv *list = to;

	for (;;) {
		size_t len = word_length(value);

		if (!len)
			return fail_empty(opt, err);
		uc_strv_addn(list, value, len);
		if (list->failed)
			return uc_fail(err, UC_FAILED, "out of memory");
		if (opt->choices &&
		    find_choice(opt, list->item[list->count - 1], err) < 0)
			return -1;
		if (!value[len])
			return 0;
		value += len + 1;
	}
}

static int store_words(const struct uc_opt *opt, const char *value, void *to,
		       struct uc_error *err)
{
	struct uc_strv *list = to;

	(void)opt;
	uc_strv_add(list, value);
	return list->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

int uc_opt_store(const struct uc_opt *opt, const char *value, void *base,
		 struct uc_error *err)
{
	static int (*const store[])(const struct uc_opt *, const char *, void *,
				    struct uc_error *) = {
		[UC_OPT_FLAG] = store_flag,         [UC_OPT_COUNT] = store_count,
		[UC_OPT_BOOL] = store_bool,         [UC_OPT_STRING] = store_string,
		[UC_OPT_TEXT] = store_text,         [UC_OPT_NUMBER] = store_number,
		[UC_OPT_DURATION] = store_duration, [UC_OPT_SIZE] = store_size,
		[UC_OPT_CHOICE] = store_choice,     [UC_OPT_LIST] = store_list,
		[UC_OPT_WORDS] = store_words,
	};

	return store[opt->type](opt, value ? value : opt->absent,
				(char *)base + opt->offset, err);
}
