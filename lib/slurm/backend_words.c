/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Options whose value is one of some words, or a number with a word besides. */
#include <strings.h>
#include "slurm/backend_options.h"

int64_t backend_find_word(const struct backend_word *words, const char *text)
{
	for (size_t i = 0; words[i].text; i++)
		if (!strcasecmp(words[i].text, text))
			return (int64_t)words[i].value;
	return -1;
}

BACKEND_SETTER(exclusive)
{
	static const struct backend_word words[] = {
		{ "", 0 },    { "yes", 0 },  { "exclusive", 0 },     { "user", 2 },
		{ "mcs", 3 }, { "topo", 4 }, { "oversubscribe", 1 }, { NULL, 0 },
	};
	int64_t found = backend_find_word(words, value);

	(void)option;
	if (found < 0)
		return -1;
	draft->desc.shared = (uint16_t)found;
	return 0;
}

/* Steps get it as a letter. */
BACKEND_SETTER(open_mode)
{
	const bool append = *value == 'a' || *value == 'A';

	(void)option;
	if (!append && *value != 't' && *value != 'T')
		return -1;
	draft->desc.open_mode = append ? OPEN_MODE_APPEND : OPEN_MODE_TRUNCATE;
	backend_put(&draft->variables, "SLURM_OPEN_MODE", append ? "a" : "t");
	return 0;
}

BACKEND_SETTER(invalid_dep)
{
	static const struct backend_word words[] = {
		{ "yes", KILL_INV_DEP },
		{ "no", NO_KILL_INV_DEP },
		{ NULL, 0 },
	};
	int64_t found = backend_find_word(words, value);

	(void)option;
	if (found < 0)
		return -1;
	uc_desc_add_flags(&draft->desc, (uint64_t)found);
	return 0;
}

BACKEND_SETTER(gres_flags)
{
	static const struct backend_word words[] = {
		{ "enforce-binding", GRES_ENFORCE_BIND },
		{ "disable-binding", GRES_DISABLE_BIND },
		{ "multiple-tasks-per-sharing", UC_GRES_MANY_TASKS },
		{ "one-task-per-sharing", UC_GRES_ONE_TASK },
		{ NULL, 0 },
	};
	const char *rest = value, *word;

	(void)option;
	if (!*value)
		return -1;
	while ((word = backend_next_word(draft, &rest, ","))) {
		int64_t found = backend_find_word(words, word);

		if (found <= 0)
			return -1;
		uc_desc_add_flags(&draft->desc, (uint64_t)found);
	}
	return 0;
}

BACKEND_SETTER(hold)
{
	(void)option, (void)value;
	draft->held = true;
	return 0;
}

/* --nice alone is 100, as sbatch has it. */
BACKEND_SETTER(nice)
{
	bool negative = *value == '-';
	uint64_t n = 100;

	(void)option;
	if (*value && !backend_value_number(value + negative, 0, 2147483645, &n))
		return -1;
	draft->desc.nice =
		negative ? NICE_OFFSET - (uint32_t)n : NICE_OFFSET + (uint32_t)n;
	return 0;
}

/* 0 is the same as not given, as sbatch has it: --hold holds a job. */
BACKEND_SETTER(priority)
{
	uint64_t n = NO_VAL - 1;

	(void)option;
	if (strcasecmp(value, "TOP") && !backend_value_number(value, 0, NO_VAL - 1, &n))
		return -1;
	if (n)
		draft->desc.priority = (uint32_t)n;
	return 0;
}

BACKEND_SETTER(no_kill)
{
	static const struct backend_word words[] = {
		{ "", 1 }, { "set", 1 }, { "off", 0 }, { "no", 0 }, { NULL, 0 },
	};
	int64_t found = backend_find_word(words, value);

	(void)option;
	if (found < 0)
		return -1;
	if (found)
		draft->desc.kill_on_node_fail = 0;
	return 0;
}

BACKEND_SETTER(power)
{
	(void)option;
	/* SLURM_POWER_FLAGS_LEVEL, the only one there ever was */
	return !strcasecmp(value, "level") && uc_desc_set_power(&draft->desc, 1) ? 0 : -1;
}
