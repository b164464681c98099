/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Values of sbatch's options that have a small language of their own. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <ucluster/units.h>
#include "slurm/backend_options.h"

bool backend_value_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;

	if (!*text || strlen(text) > 18)
		return false;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	*value = n;
	return n >= min && n <= max;
}

/* The next word up to `stop`, copied; NULL at the end. */
static char *next_word(struct backend_draft *draft, const char **rest, const char *stop)
{
	size_t len = strcspn(*rest, stop);
	char *word;

	if (!**rest)
		return NULL;
	word = uc_arena_strndup(draft->arena, *rest, len);
	*rest += len + ((*rest)[len] != '\0');
	return word;
}

static void append(struct backend_draft *draft, char **field, const char *item)
{
	*field = *field ? uc_arena_printf(draft->arena, "%s,%s", *field, item)
			: uc_arena_strdup(draft->arena, item);
}

/* "2", "a100:2", "a100:2,h100:1", also "a100=2" */
int backend_value_gpus(struct backend_draft *draft, const char *value, char mark,
		       char **field)
{
	const char *rest = value;
	char *word;

	if (!*value)
		return -1;
	while ((word = next_word(draft, &rest, ","))) {
		char *count = strrchr(word, ':');
		uint64_t n;

		if (!count)
			count = strchr(word, '=');
		if (count) {
			*count++ = '\0';
			if (!*word || strpbrk(word, ":=/ "))
				return -1;
		} else {
			count = word;
			word = NULL;
		}
		if (!backend_value_number(count, 0, 1000000, &n))
			return -1;
		append(draft, field,
		       uc_arena_printf(draft->arena, UC_GRES_PREFIX "gpu%s%s%c%llu",
				       word ? ":" : "", word ? word : "", mark,
				       (unsigned long long)n));
	}
	return 0;
}

/* "gpu:a100:2,nvme" with or without any release's prefix; "none" for nothing at all. */
int backend_value_gres(struct backend_draft *draft, const char *value)
{
	const char *rest = value;
	char *word;

	if (!*value)
		return -1;
	if (!strcasecmp(value, "none")) {
		draft->desc.tres_per_node = uc_arena_strdup(draft->arena, "NONE");
		return 0;
	}
	while ((word = next_word(draft, &rest, ","))) {
		if (!strncmp(word, "gres:", 5) || !strncmp(word, "gres/", 5))
			word += 5;
		if (!*word || *word == ':' || strpbrk(word, " ()"))
			return -1;
		append(draft, &draft->desc.tres_per_node,
		       uc_arena_printf(draft->arena, UC_GRES_PREFIX "%s", word));
	}
	return 0;
}

int backend_value_mail(struct backend_draft *draft, const char *value)
{
	static const struct {
		const char *name;
		uint16_t bits;
	} types[] = {
		{ "NONE", 0 },
		{ "BEGIN", MAIL_JOB_BEGIN },
		{ "END", MAIL_JOB_END },
		{ "FAIL", MAIL_JOB_FAIL },
		{ "REQUEUE", MAIL_JOB_REQUEUE },
		{ "ALL", MAIL_JOB_BEGIN | MAIL_JOB_END | MAIL_JOB_FAIL |
				 MAIL_JOB_REQUEUE | MAIL_JOB_STAGE_OUT },
		{ "STAGE_OUT", MAIL_JOB_STAGE_OUT },
		{ "TIME_LIMIT", MAIL_JOB_TIME100 },
		{ "TIME_LIMIT_90", MAIL_JOB_TIME90 },
		{ "TIME_LIMIT_80", MAIL_JOB_TIME80 },
		{ "TIME_LIMIT_50", MAIL_JOB_TIME50 },
		{ "ARRAY_TASKS", MAIL_ARRAY_TASKS },
	};
	const char *rest = value;
	uint16_t bits = 0;
	char *word;

	if (!*value)
		return -1;
	while ((word = next_word(draft, &rest, ","))) {
		size_t i = 0;

		while (i < sizeof(types) / sizeof(types[0]) &&
		       strcasecmp(types[i].name, word))
			i++;
		if (i < sizeof(types) / sizeof(types[0]))
			bits |= types[i].bits;
		else if (!strcasecmp(word, "INVALID_DEPEND"))
			bits |= UC_MAIL_INVALID_DEPEND;
		else
			return -1;
	}
	draft->desc.mail_type = bits;
	return 0;
}

static int signal_number(const char *name)
{
	uint64_t n;

	if (backend_value_number(name, 1, 64, &n))
		return (int)n;
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (int i = 1; i < 32; i++)
		if (!strcasecmp(sigabbrev_np(i), name))
			return i;
	return -1;
}

/* [{B|R|BR}:]SIGNAL[@SECONDS], 60 s before the end unless said */
int backend_value_signal(struct backend_draft *draft, const char *value)
{
	const char *colon = strchr(value, ':'), *at = strchr(value, '@');
	uint64_t seconds = 60;
	uint16_t flags = 0;
	char *name;
	int number;

	for (const char *p = value; colon && p < colon; p++) {
		if (*p == 'B' || *p == 'b')
			flags |= KILL_JOB_BATCH;
		else if (*p == 'R' || *p == 'r')
			flags |= KILL_JOB_RESV;
		else
			return -1;
	}
	if (colon)
		value = colon + 1;
	if (at && !backend_value_number(at + 1, 0, 0xffff, &seconds))
		return -1;
	name = uc_arena_strndup(draft->arena, value, strcspn(value, "@"));
	number = name ? signal_number(name) : -1;
	if (number < 0)
		return -1;
	draft->desc.warn_flags = flags;
	draft->desc.warn_signal = (uint16_t)number;
	draft->desc.warn_time = (uint16_t)seconds;
	return 0;
}

/* "2", "2-4" */
int backend_value_nodes(struct backend_draft *draft, const char *value)
{
	const char *rest = value;
	char *low = next_word(draft, &rest, "-"), *high = next_word(draft, &rest, "");
	uint64_t min, max;

	if (!low || !backend_value_number(low, 1, 1000000, &min))
		return -1;
	max = min;
	if (strchr(value, '-') &&
	    (!high || !backend_value_number(high, min, 1000000, &max)))
		return -1;
	draft->desc.min_nodes = (uint32_t)min;
	draft->desc.max_nodes = (uint32_t)max;
	return 0;
}

/* COUNT[@TIME] */
int backend_value_switches(struct backend_draft *draft, const char *value)
{
	const char *rest = value;
	char *count = next_word(draft, &rest, "@");
	uint64_t n;
	int64_t seconds;

	if (!count || !backend_value_number(count, 1, 1000000, &n))
		return -1;
	if (strchr(value, '@')) {
		if (uc_duration_parse(rest, &seconds, NULL) < 0)
			return -1;
		draft->desc.wait4switch =
			seconds == UC_DURATION_INFINITE ? INFINITE : (uint32_t)seconds;
	}
	draft->desc.req_switch = (uint32_t)n;
	return 0;
}

/*
 * Nodes[:sockets[:cores]][,Pack|NoPack]: in enum task_dist_states each level has four
 * bits, 1 cyclic, 2 block, 3 fully cyclic; 3 and 4 of the lowest are arbitrary and plane.
 */
int backend_value_distribution(struct backend_draft *draft, const char *value)
{
	static const struct {
		const char *name;
		uint32_t bits;
		int levels; /* a bit each: nodes 1, sockets 2, cores 4 */
	} words[] = {
		{ "*", 0, 7 },       { "cyclic", 1, 7 },    { "block", 2, 7 },
		{ "fcyclic", 3, 6 }, { "arbitrary", 3, 1 }, { "plane", 4, 1 },
	};
	const char *rest = value, *comma = strchr(value, ',');
	uint32_t dist = 0;
	uint64_t plane;
	char *word;

	for (int level = 0; (word = next_word(draft, &rest, ":,")); level++) {
		char *size = strchr(word, '=');
		size_t i = 0;

		if (comma && rest > comma + 1)
			break;
		if (size)
			*size++ = '\0';
		while (i < 6 && strcasecmp(words[i].name, word))
			i++;
		if (level > 2 || i == 6 || !(words[i].levels >> level & 1) ||
		    !size != (words[i].bits != 4))
			return -1;
		if (size && !backend_value_number(size, 1, 0xfffd, &plane))
			return -1;
		if (size)
			draft->desc.plane_size = (uint16_t)plane;
		dist |= words[i].bits << (4 * level);
	}
	if (comma && !strcasecmp(comma, ",Pack"))
		dist |= SLURM_DIST_PACK_NODES;
	else if (comma && !strcasecmp(comma, ",NoPack"))
		dist |= SLURM_DIST_NO_PACK_NODES;
	else if (comma || !*value)
		return -1;
	draft->desc.task_dist = dist;
	return 0;
}
