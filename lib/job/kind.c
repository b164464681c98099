/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Times and sizes as people write them ("8h", "1.5T"), in the form that srun takes. */
#include "job/spec.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <ucluster/units.h>

enum kind {
	KIND_TIME,
	KIND_SIZE
};

static const struct {
	const char *name;
	enum kind kind;
} kinds[] = {
	{ "time", KIND_TIME },        { "time-min", KIND_TIME },    { "mem", KIND_SIZE },
	{ "mem-per-cpu", KIND_SIZE }, { "mem-per-gpu", KIND_SIZE }, { "tmp", KIND_SIZE },
};

/* Digits, ":" and "-" are srun's own business, and so are its words. */
static bool is_slurm_time(const char *value)
{
	return isdigit((unsigned char)value[0])
		       ? value[strspn(value, "0123456789:-")] == '\0'
		       : strcasecmp(value, "UNLIMITED") == 0 ||
				 strcasecmp(value, "INFINITE") == 0 ||
				 strcmp(value, "-1") == 0;
}

/* A number with K, M, G or T and perhaps B after it; TYPE:SIZE is for releases to come.
 */
static bool is_slurm_size(const char *value)
{
	size_t digits = strspn(value, "0123456789");
	const char *unit = value + digits;

	if (strchr(value, ':'))
		return true;
	if (digits == 0)
		return false;
	return unit[0] == '\0' ||
	       (strchr("kKmMgGtT", unit[0]) &&
		(unit[1] == '\0' ||
		 ((unit[1] == 'b' || unit[1] == 'B') && unit[2] == '\0')));
}

static int rewrite_time(const char *value, struct uc_buf *out, struct uc_error *err)
{
	int64_t seconds;

	if (is_slurm_time(value))
		return 0;
	if (uc_duration_parse(value, &seconds, err) < 0)
		return -1;
	uc_duration_format(out, seconds);
	return 0;
}

static int rewrite_size(const char *value, struct uc_buf *out, struct uc_error *err)
{
	uint64_t bytes;

	if (is_slurm_size(value))
		return 0;
	if (uc_size_parse(value, &bytes, err) < 0)
		return -1;
	uc_size_format(out, bytes);
	return 0;
}

int uc_kind_value(const char *name, const char *value, struct uc_buf *out,
		  struct uc_error *err)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		if ((kinds[i].kind == KIND_TIME ? rewrite_time(value, out, err)
						: rewrite_size(value, out, err)) < 0)
			return -1;
		break;
	}
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}
