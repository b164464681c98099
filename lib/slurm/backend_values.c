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

char *backend_next_word(struct backend_draft *draft, const char **rest, const char *stop)
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
BACKEND_SETTER(gpus)
{
	char **field = (char **)((char *)&draft->desc + option->offset);
	const char mark = (char)option->a, *rest = value;
	char *word;

	if (!*value)
		return -1;
	while ((word = backend_next_word(draft, &rest, ","))) {
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
BACKEND_SETTER(gres)
{
	const char *rest = value;
	char *word;

	(void)option;
	if (!*value)
		return -1;
	if (!strcasecmp(value, "none")) /* nothing is asked for, as sbatch has it */
		return 0;
	while ((word = backend_next_word(draft, &rest, ","))) {
		if (!strncmp(word, "gres:", 5) || !strncmp(word, "gres/", 5))
			word += 5;
		if (!*word || *word == ':' || strpbrk(word, " ()"))
			return -1;
		append(draft, &draft->desc.tres_per_node,
		       uc_arena_printf(draft->arena, UC_GRES_PREFIX "%s", word));
	}
	return 0;
}

BACKEND_SETTER(mail)
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
				 MAIL_JOB_REQUEUE | MAIL_JOB_STAGE_OUT |
				 MAIL_INVALID_DEPEND },
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

	(void)option;
	if (!*value)
		return -1;
	while ((word = backend_next_word(draft, &rest, ","))) {
		size_t i = 0;

		while (i < sizeof(types) / sizeof(types[0]) &&
		       strcasecmp(types[i].name, word))
			i++;
		if (i < sizeof(types) / sizeof(types[0]))
			bits |= types[i].bits;
		else if (!strcasecmp(word, "INVALID_DEPEND"))
			bits |= MAIL_INVALID_DEPEND;
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
BACKEND_SETTER(signal)
{
	const char *colon = strchr(value, ':'), *at = strchr(value, '@');
	uint64_t seconds = 60;
	uint16_t flags = 0;
	char *name;
	int number;

	(void)option;
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
BACKEND_SETTER(nodes)
{
	const char *rest = value;
	char *low = backend_next_word(draft, &rest, "-"),
	     *high = backend_next_word(draft, &rest, "");
	uint64_t min, max;

	(void)option;
	if (!low || !backend_value_number(low, 1, 1000000, &min))
		return -1;
	max = min;
	if (strchr(value, '-') &&
	    (!high || !backend_value_number(high, min, 1000000, &max)))
		return -1;
	draft->desc.min_nodes = (uint32_t)min;
	draft->desc.max_nodes = (uint32_t)max;
	draft->nodes_set = true;
	return 0;
}

/* The names in a file, of the working directory unless it is absolute. */
BACKEND_SETTER(nodefile)
{
	char *path, *names;

	if (!*value)
		return -1;
	path = uc_arena_printf(draft->arena, "%s%s%s",
			       *value == '/' || !draft->cwd ? "" : draft->cwd,
			       *value == '/' || !draft->cwd ? "" : "/", value);
	names = path ? slurm_read_hostfile(path, (int)NO_VAL) : NULL;
	if (!names)
		return -1;
	*(char **)((char *)&draft->desc + option->offset) =
		uc_arena_strdup(draft->arena, names);
	free(names);
	return 0;
}

/* Names; with a slash in it, a file. */
BACKEND_SETTER(nodelist)
{
	if (strchr(value, '/'))
		return backend_set_nodefile(draft, option, value);
	if (!*value)
		return -1;
	*(char **)((char *)&draft->desc + option->offset) =
		uc_arena_strdup(draft->arena, value);
	return 0;
}

/* COUNT[@TIME] */
BACKEND_SETTER(switches)
{
	const char *rest = value;
	char *count = backend_next_word(draft, &rest, "@");
	uint64_t n;
	int64_t seconds;

	(void)option;
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

/* One level of --distribution, "cyclic" or "plane=2"; its bits, or -1. */
static int distribution_level(struct backend_draft *draft, const char *word, int level)
{
	static const struct {
		const char *name;
		int bits;
		int levels; /* a bit each: nodes 1, sockets 2, cores 4 */
	} words[] = {
		{ "cyclic", 1, 7 },    { "block", 2, 7 },    { "fcyclic", 3, 6 },
		{ "arbitrary", 3, 1 }, { "hostfile", 3, 1 }, { "plane", 4, 1 },
	};
	size_t len = strcspn(word, "=");
	uint64_t plane;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].name) != len ||
		    strncasecmp(words[i].name, word, len) ||
		    !(words[i].levels >> level & 1))
			continue;
		if (!word[len] != (words[i].bits != 4))
			return -1;
		if (word[len] && !backend_value_number(word + len + 1, 1, 0xfffd, &plane))
			return -1;
		if (word[len])
			draft->desc.plane_size = (uint16_t)plane;
		return words[i].bits;
	}
	return -1;
}

/* The flag behind the levels, "Pack" or "NoPack": 0, 1; 2: there is none; -1: another. */
static int distribution_flag(const char *value)
{
	const char *comma = strchr(value, ','), *flag = comma ? comma + 1 : value;

	if (!strcasecmp(flag, "Pack"))
		return 0;
	if (!strcasecmp(flag, "NoPack"))
		return 1;
	return comma ? -1 : 2;
}

/* The levels, into the description and in words. */
static int distribution_levels(struct backend_draft *draft, const char *levels,
			       struct uc_buf *said)
{
	static const char *const standard[] = { "block", "cyclic", "cyclic" };
	const char *sockets = standard[1], *word;

	for (int level = 0; (word = backend_next_word(draft, &levels, ":")); level++) {
		int bits;

		if (level > 2)
			return -1;
		if (!strcmp(word, "*"))
			word = level == 2 ? sockets : standard[level];
		if (level == 1)
			sockets = word;
		bits = distribution_level(draft, word, level);
		if (bits < 0)
			return -1;
		draft->desc.task_dist |= (uint32_t)bits << (4 * level);
		uc_buf_addf(said, "%s%.*s", level ? ":" : "", (int)strcspn(word, "="),
			    word);
	}
	return said->len ? 0 : -1;
}

/*
 * Nodes[:sockets[:cores]][,Pack|NoPack], or one of the two alone. In enum
 * task_dist_states each level has four bits, 1 cyclic, 2 block, 3 fully cyclic; 3 and 4
 * of the lowest are arbitrary and plane. "*" is block, for sockets cyclic, for cores what
 * sockets have. The steps get it in words.
 */
BACKEND_SETTER(distribution)
{
	static const uint32_t flags[] = { SLURM_DIST_PACK_NODES, SLURM_DIST_NO_PACK_NODES,
					  0 };
	static const char *const words[] = { "pack", "nopack", "" };
	const int flag = distribution_flag(value);
	const bool alone = flag < 2 && !strchr(value, ',');
	const char *rest = value, *levels;
	uc_auto(buf) struct uc_buf said = { 0 };

	(void)option;
	if (!*value || flag < 0)
		return -1;
	levels = alone ? "" : backend_next_word(draft, &rest, ",");
	draft->desc.task_dist = flags[flag] | (alone ? SLURM_DIST_UNKNOWN : 0);
	if (!alone && (!levels || distribution_levels(draft, levels, &said) < 0))
		return -1;
	uc_buf_addf(&said, "%s%s", said.len && flag < 2 ? "," : "", words[flag]);
	backend_put(&draft->variables, "SLURM_DISTRIBUTION", uc_buf_text(&said));
	return said.failed ? -1 : 0;
}
