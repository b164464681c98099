/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Options that came in some release: an older one refuses them. */
#include <string.h>
#include <ucluster/units.h>
#include "slurm/backend_options.h"

#define SMALL_MAX 0xfffd

/* A text, and a number. */
#define TEXT_SETTER(name)                                                                \
	BACKEND_SETTER(name)                                                             \
	{                                                                                \
		char *copy = uc_arena_strdup(draft->arena, value);                       \
                                                                                         \
		(void)option;                                                            \
		return *value && uc_desc_set_##name(&draft->desc, copy) ? 0 : -1;        \
	}
#define NUMBER_SETTER(name)                                                              \
	BACKEND_SETTER(name)                                                             \
	{                                                                                \
		uint64_t n = 0;                                                          \
                                                                                         \
		if (*value && !backend_value_number(value, option->a, option->b, &n))    \
			return -1;                                                       \
		return uc_desc_set_##name(&draft->desc, (uint16_t)n) ? 0 : -1;           \
	}

TEXT_SETTER(container)
TEXT_SETTER(container_id)
TEXT_SETTER(container_type)
TEXT_SETTER(context)
TEXT_SETTER(extra)
TEXT_SETTER(prefer)
TEXT_SETTER(tres_bind)
TEXT_SETTER(tres_per_task)
NUMBER_SETTER(ports) /* --resv-ports alone is 0 */
NUMBER_SETTER(segment)

/* --oom-kill-step alone is 1. */
BACKEND_SETTER(oom_kill)
{
	uint64_t n = 1;

	(void)option;
	if (*value && !backend_value_number(value, 0, 1, &n))
		return -1;
	return uc_desc_set_oom_kill_step(&draft->desc, (uint16_t)n) ? 0 : -1;
}

/* PERCENT@TIME: cut the limit to what is used and so much more, after that time. */
BACKEND_SETTER(mem_update)
{
	const char *rest = value;
	char *percent = backend_next_word(draft, &rest, "@");
	uint64_t margin;
	int64_t delay;

	(void)option;
	if (!percent || !backend_value_number(percent, 1, SMALL_MAX, &margin) ||
	    uc_duration_parse(rest, &delay, NULL) < 0 || delay < 60 ||
	    delay / 60 > SMALL_MAX)
		return -1;
	return uc_desc_set_mem_update_margin(&draft->desc, (uint16_t)margin) &&
			       uc_desc_set_mem_update_delay(&draft->desc,
							    (uint16_t)(delay / 60))
		       ? 0
		       : -1;
}

/* --licenses, and --resources of 26.05, which are asked for in the same list. */
BACKEND_SETTER(licenses)
{
	char **list = &draft->desc.licenses;

	if (!*value || (!strcmp(option->name, "resources") && !UC_SLURM_SINCE(26, 5)))
		return -1;
	*list = *list ? uc_arena_printf(draft->arena, "%s,%s", *list, value)
		      : uc_arena_strdup(draft->arena, value);
	return 0;
}
