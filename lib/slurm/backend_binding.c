/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Options for the steps inside the job: what tasks are bound to, frequencies, profiles.
 * sbatch hands them to each srun of the script by variables; so they are checked here,
 * and written as it writes them.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "slurm/backend_options.h"

static bool begins(const char *text, const char *word)
{
	return !strncasecmp(text, word, strlen(word));
}

BACKEND_SETTER(gpu_bind)
{
	static const char *const words[] = { "closest",   "none",    "map_gpu:",
					     "mask_gpu:", "single:", "per_task:" };
	const char *kind = begins(value, "verbose,") ? strchr(value, ',') + 1 : value;
	const char *bind;
	bool known = false;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		known |= begins(kind, words[i]) &&
			 (!strchr(words[i], ':') ||
			  isxdigit((unsigned char)kind[strlen(words[i])]));
	if (!known)
		return -1;
	bind = uc_arena_printf(draft->arena, UC_GPU_BIND_PREFIX "%s", value);
	*(const char **)((char *)&draft->desc + option->offset) = bind;
	backend_put(&draft->variables, UC_GPU_BIND_VARIABLE,
		    UC_SLURM_SINCE(23, 11) ? bind : value);
	return 0;
}

/* [GPU][,memory=M][,verbose], each low, medium, high, highm1 or MHz */
BACKEND_SETTER(gpu_freq)
{
	static const char *const words[] = { "low", "medium", "high", "highm1", NULL };
	const char *rest = value, *word;

	if (!*value)
		return -1;
	while ((word = backend_next_word(draft, &rest, ","))) {
		bool known = !strcasecmp(word, "verbose");
		uint64_t n;

		if (begins(word, "memory="))
			word += strlen("memory=");
		known |= backend_value_number(word, 1, 1000000, &n);
		for (int i = 0; words[i]; i++)
			known |= !strcasecmp(words[i], word);
		if (!known)
			return -1;
	}
	*(char **)((char *)&draft->desc + option->offset) =
		uc_arena_printf(draft->arena, "gpu:%s", value);
	return 0;
}

/* Does a comma before this go on with a list of numbers or masks? */
static bool is_number_next(const char *text)
{
	if (isdigit((unsigned char)*text))
		return true;
	while (isxdigit((unsigned char)*text))
		text++;
	return *text == ',' || *text == '\0';
}

/* "0x3*2,1" -> "3,3,1"; NULL when malformed. */
static char *expand_list(struct backend_draft *draft, const char *list, bool masks)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	const char *rest = list, *word;

	while ((word = backend_next_word(draft, &rest, ","))) {
		uint64_t times = 1;
		size_t len;

		if (masks && begins(word, "0x"))
			word += 2;
		len = strspn(word, masks ? "0123456789abcdefABCDEF" : "0123456789");
		if (!len || (word[len] && word[len] != '*') ||
		    (word[len] && !backend_value_number(word + len + 1, 1, 4096, &times)))
			return NULL;
		for (; times > 0; times--)
			uc_buf_addf(&out, "%s%.*s", out.len ? "," : "", (int)len, word);
	}
	return out.len && !out.failed ? uc_arena_strdup(draft->arena, out.data) : NULL;
}

/* One word of --mem-bind. */
static int take_memory_word(struct backend_draft *draft, char *word)
{
	static const struct {
		const char *name, *other;
		int set, clear;
	} words[] = {
		{ "prefer", "p", MEM_BIND_PREFER, 0 },
		{ "sort", "", MEM_BIND_SORT, 0 },
		{ "nosort", "", 0, MEM_BIND_SORT },
		{ "quiet", "q", 0, MEM_BIND_VERBOSE },
		{ "verbose", "v", MEM_BIND_VERBOSE, 0 },
		{ "none", "no", MEM_BIND_NONE, ~0 },
		{ "rank", "", MEM_BIND_RANK, ~0 },
		{ "local", "", MEM_BIND_LOCAL, ~0 },
		{ "map_mem", "mapmem", MEM_BIND_MAP, ~0 },
		{ "mask_mem", "maskmem", MEM_BIND_MASK, ~0 },
	};
	const int kinds = MEM_BIND_NONE | MEM_BIND_RANK | MEM_BIND_LOCAL | MEM_BIND_MAP |
			  MEM_BIND_MASK;
	char *list = strpbrk(word, ":=");
	uint16_t *type = &draft->desc.mem_bind_type;

	if (list)
		*list++ = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const int set = words[i].set;

		if (strcasecmp(word, words[i].name) && strcasecmp(word, words[i].other))
			continue;
		if (!list != !(set & (MEM_BIND_MAP | MEM_BIND_MASK)))
			return -1;
		if (set & kinds)
			draft->desc.mem_bind =
				list ? expand_list(draft, list, set == MEM_BIND_MASK)
				     : NULL;
		*type = (uint16_t)((*type &
				    ~(words[i].clear == ~0 ? kinds : words[i].clear)) |
				   set);
		return list && !draft->desc.mem_bind ? -1 : 0;
	}
	return -1;
}

static void put_memory_variables(struct backend_draft *draft)
{
	static const struct {
		const char *name;
		int bit;
	} words[] = {
		{ "verbose", MEM_BIND_VERBOSE }, { "prefer", MEM_BIND_PREFER },
		{ "sort", MEM_BIND_SORT },       { "none", MEM_BIND_NONE },
		{ "rank", MEM_BIND_RANK },       { "local", MEM_BIND_LOCAL },
		{ "map_mem", MEM_BIND_MAP },     { "mask_mem", MEM_BIND_MASK },
	};
	const uint16_t type = draft->desc.mem_bind_type;
	uc_auto(buf) struct uc_buf text = { 0 };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (type & words[i].bit)
			uc_buf_addf(&text, "%s%s", text.len ? "," : "", words[i].name);
	if (draft->desc.mem_bind)
		uc_buf_addf(&text, ":%s", draft->desc.mem_bind);
	if (!type)
		return;
	draft->variables.failed |= text.failed;
	backend_put(&draft->variables, "SLURM_MEM_BIND", uc_buf_text(&text));
	if (type & MEM_BIND_SORT)
		backend_put(&draft->variables, "SLURM_MEM_BIND_SORT", "sort");
	backend_put(&draft->variables, "SLURM_MEM_BIND_VERBOSE",
		    type & MEM_BIND_VERBOSE ? "verbose" : "quiet");
}

BACKEND_SETTER(mem_bind)
{
	char *words = uc_arena_strdup(draft->arena, value);
	const char *rest = words;
	char *word;

	(void)option;
	if (!words || !*words)
		return -1;
	draft->desc.mem_bind_type = 0; /* NO_VAL16 is what it begins as */
	/* commas in lists of numbers are not those between words */
	for (char *c = words; *c; c++)
		if (*c == ',' && !is_number_next(c + 1))
			*c = ';';
	while ((word = backend_next_word(draft, &rest, ";")))
		if (take_memory_word(draft, word) < 0)
			return -1;
	put_memory_variables(draft);
	return 0;
}

struct frequency {
	const char *begin, *name; /* what it begins with; how sbatch writes it */
	uint32_t value;
};

static const struct frequency governors[] = {
	{ "co", "Conservative", CPU_FREQ_CONSERVATIVE },
	{ "perf", "Performance", CPU_FREQ_PERFORMANCE },
	{ "pow", "PowerSave", CPU_FREQ_POWERSAVE },
	{ "user", "UserSpace", CPU_FREQ_USERSPACE },
	{ "onde", "OnDemand", CPU_FREQ_ONDEMAND },
	{ "sche", "SchedUtil", 0x80400000 }, /* CPU_FREQ_SCHEDUTIL of 21.08 and later */
	{ NULL, NULL, 0 },
};

static const struct frequency frequencies[] = {
	{ "lo", "Low", CPU_FREQ_LOW },           { "him1", "Highm1", CPU_FREQ_HIGHM1 },
	{ "highm1", "Highm1", CPU_FREQ_HIGHM1 }, { "hi", "High", CPU_FREQ_HIGH },
	{ "med", "Medium", CPU_FREQ_MEDIUM },    { NULL, NULL, 0 },
};

static const struct frequency *find_frequency(const struct frequency *list,
					      const char *word)
{
	while (list->begin && !begins(word, list->begin))
		list++;
	return list->begin ? list : NULL;
}

/* A frequency, by name or in kHz, and its name behind the others; false: neither. */
static bool read_frequency(const char *word, uint32_t *value, struct uc_buf *said)
{
	const struct frequency *found = find_frequency(frequencies, word);
	uint64_t n;

	if (!found && !backend_value_number(word, 1, CPU_FREQ_RANGE_FLAG - 1, &n))
		return false;
	*value = found ? found->value : (uint32_t)n;
	uc_buf_addf(said, "%s%s", said->len ? "-" : "", found ? found->name : word);
	return true;
}

/* P1[-P2[:GOVERNOR]] or GOVERNOR */
BACKEND_SETTER(cpu_freq)
{
	job_desc_msg_t *desc = &draft->desc;
	const char *rest = value, *governor = strchr(value, ':');
	const struct frequency *found = find_frequency(governors, value);
	char *words = backend_next_word(draft, &rest, ":"), *low, *high;
	uc_auto(buf) struct uc_buf said = { 0 };

	(void)option;
	rest = words ? words : "";
	low = backend_next_word(draft, &rest, "-");
	high = backend_next_word(draft, &rest, "");
	if (!low || (found && (governor || high)) || (governor && !high))
		return -1;
	if (!found && !read_frequency(low, &desc->cpu_freq_max, &said))
		return -1;
	if (high) {
		desc->cpu_freq_min = desc->cpu_freq_max;
		if (!read_frequency(high, &desc->cpu_freq_max, &said) ||
		    desc->cpu_freq_max < desc->cpu_freq_min)
			return -1;
	}
	if (governor && !(found = find_frequency(governors, governor + 1)))
		return -1;
	if (found) {
		desc->cpu_freq_gov = found->value;
		uc_buf_addf(&said, "%s%s", said.len ? ":" : "", found->name);
	}
	backend_put(&draft->variables, "SLURM_CPU_FREQ_REQ", uc_buf_text(&said));
	return said.failed ? -1 : 0;
}

BACKEND_SETTER(profile)
{
	static const struct {
		const char *word, *name;
		uint32_t bit;
	} words[] = {
		{ "energy", "Energy", ACCT_GATHER_PROFILE_ENERGY },
		{ "lustre", "Lustre", ACCT_GATHER_PROFILE_LUSTRE },
		{ "network", "Network", ACCT_GATHER_PROFILE_NETWORK },
		{ "task", "Task", ACCT_GATHER_PROFILE_TASK },
	};
	uc_auto(buf) struct uc_buf said = { 0 };
	const bool none = strcasestr(value, "none"), all = strcasestr(value, "all");
	uint32_t profile = 0;

	(void)option;
	for (size_t i = 0; !none && i < sizeof(words) / sizeof(words[0]); i++) {
		if (!all && !strcasestr(value, words[i].word))
			continue;
		profile |= words[i].bit;
		uc_buf_addf(&said, "%s%s", said.len ? "," : "", words[i].name);
	}
	if (none)
		uc_buf_add(&said, "None");
	draft->desc.profile = none  ? ACCT_GATHER_PROFILE_NONE
			      : all ? ACCT_GATHER_PROFILE_ALL
				    : profile;
	if (!draft->desc.profile || said.failed)
		return -1;
	backend_put(&draft->variables, "SLURM_PROFILE", uc_buf_text(&said));
	return 0;
}

/* A number, or the least of a range; 0 for "*" and nothing. -1: neither. */
static int read_level(const char *word)
{
	size_t digits = strspn(word, "0123456789");
	uint64_t n;

	if (!*word || *word == '*')
		return 0;
	if (word[digits] && (word[digits] != '-' ||
			     !backend_value_number(word + digits + 1, 1, 0xfffd, &n)))
		return -1;
	n = strtoul(word, NULL, 10);
	return digits && n >= 1 && n <= 0xfffd ? (int)n : -1;
}

/* -B SOCKETS[:CORES[:THREADS]] */
BACKEND_SETTER(node_info)
{
	uint16_t *const fields[] = { &draft->desc.sockets_per_node,
				     &draft->desc.cores_per_socket,
				     &draft->desc.threads_per_core };
	const char *rest = value, *word;

	(void)option;
	if (!*value)
		return -1;
	for (int i = 0; (word = backend_next_word(draft, &rest, ":")); i++) {
		int n = i < 3 ? read_level(word) : -1;

		if (n < 0)
			return -1;
		if (n > 0)
			*fields[i] = (uint16_t)n;
	}
	draft->node_levels = true;
	return 0;
}

static const struct backend_word hints[] = {
	{ "compute_bound", 0 }, { "memory_bound", 1 }, { "multithread", 2 },
	{ "nomultithread", 3 }, { NULL, 0 },
};

/* Applied when the other options are known: it gives way to them. */
BACKEND_SETTER(hint)
{
	const char *rest = value, *word;

	(void)option;
	if (!*value)
		return -1;
	while ((word = backend_next_word(draft, &rest, ",")))
		if (backend_find_word(hints, word) < 0)
			return -1;
	draft->hint = uc_arena_strdup(draft->arena, value);
	return 0;
}

void backend_apply_hint(struct backend_draft *draft)
{
	job_desc_msg_t *desc = &draft->desc;
	const char *rest = draft->hint, *word;

	if (!draft->hint || draft->node_levels || desc->ntasks_per_core != NO_VAL16 ||
	    desc->threads_per_core != NO_VAL16)
		return;
	while ((word = backend_next_word(draft, &rest, ",")))
		switch (backend_find_word(hints, word)) {
		case 0:
			desc->sockets_per_node = desc->cores_per_socket = NO_VAL16;
			desc->threads_per_core = 1;
			break;
		case 1:
			desc->cores_per_socket = desc->threads_per_core = 1;
			break;
		case 2:
			desc->threads_per_core = NO_VAL16;
			desc->ntasks_per_core = INFINITE16;
			break;
		default:
			desc->threads_per_core = 1;
		}
	backend_put(&draft->variables, "SLURM_HINT", draft->hint);
}
