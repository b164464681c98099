/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* States of nodes as people say them. */
#include <string.h>
#include <strings.h>
#include <ucluster/state.h>

#define BUSY(base) ((base) == UC_NODE_ALLOCATED || (base) == UC_NODE_MIXED)

const char *uc_node_state_word(uint32_t state)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} flags[] = {
		{ UC_NODE_FAIL, "failing" },
		{ UC_NODE_INVALID_REG, "invalid" },
		{ UC_NODE_MAINT, "maintenance" },
		{ UC_NODE_REBOOT_ISSUED, "rebooting" },
		{ UC_NODE_POWERING_DOWN, "powering down" },
		{ UC_NODE_POWERED_DOWN, "powered down" },
		{ UC_NODE_POWERING_UP, "powering up" },
		{ UC_NODE_POWER_DOWN | UC_NODE_POWER_DRAIN, "powering down" },
		{ UC_NODE_BLOCKED, "blocked" },
		{ UC_NODE_COMPLETING, "completing" },
		{ UC_NODE_RESERVED, "reserved" },
	};
	static const char *const bases[] = {
		[UC_NODE_UNKNOWN] = "unknown", [UC_NODE_DOWN] = "down",
		[UC_NODE_IDLE] = "idle",       [UC_NODE_ALLOCATED] = "allocated",
		[UC_NODE_ERROR] = "error",     [UC_NODE_MIXED] = "mixed",
		[UC_NODE_FUTURE] = "future",
	};
	const uint32_t base = state & UC_NODE_BASE;

	if (base == UC_NODE_DOWN || base > UC_NODE_FUTURE)
		return base == UC_NODE_DOWN ? "down" : "unknown";
	if (state & UC_NODE_DRAIN)
		return BUSY(base) || state & UC_NODE_COMPLETING ? "draining" : "drained";
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (state & flags[i].flag)
			return flags[i].word;
	if (state & UC_NODE_NO_RESPOND)
		return "no answer";
	if (state & UC_NODE_PLANNED && base == UC_NODE_IDLE)
		return "planned";
	return bases[base];
}

/* What sinfo's --states takes, and the words above; only its first letters count. */
static const struct word {
	const char *name;
	size_t least; /* letters that are enough */
	uint32_t flag;
	int base; /* -1: any */
} words[] = {
	{ "allocated", 5, 0, UC_NODE_ALLOCATED },
	{ "idle", 4, 0, UC_NODE_IDLE },
	{ "mixed", 3, 0, UC_NODE_MIXED },
	{ "down", 4, 0, UC_NODE_DOWN },
	{ "error", 3, 0, UC_NODE_ERROR },
	{ "unknown", 3, 0, UC_NODE_UNKNOWN },
	{ "future", 3, 0, UC_NODE_FUTURE },
	{ "drain", 5, UC_NODE_DRAIN, -1 },
	{ "completing", 4, UC_NODE_COMPLETING, -1 },
	{ "failing", 4, UC_NODE_FAIL, -1 },
	{ "maintenance", 5, UC_NODE_MAINT, -1 },
	{ "reserved", 3, UC_NODE_RESERVED, -1 },
	{ "resv", 4, UC_NODE_RESERVED, -1 },
	{ "no_respond", 7, UC_NODE_NO_RESPOND, -1 },
	{ "planned", 4, UC_NODE_PLANNED, -1 },
	{ "powered_down", 9, UC_NODE_POWERED_DOWN, -1 },
	{ "powering_down", 10, UC_NODE_POWERING_DOWN, -1 },
	{ "powering_up", 10, UC_NODE_POWERING_UP, -1 },
	{ "reboot", 6, UC_NODE_REBOOT_REQUESTED | UC_NODE_REBOOT_ISSUED, -1 },
	{ "cloud", 5, UC_NODE_CLOUD, -1 },
	{ "blocked", 5, UC_NODE_BLOCKED, -1 },
};

static bool starts(const char *name, const char *word, size_t least)
{
	const size_t len = strlen(word);

	return len >= least && len <= strlen(name) && strncasecmp(name, word, len) == 0;
}

int uc_node_state_is(uint32_t state, const char *word)
{
	const uint32_t base = state & UC_NODE_BASE;
	const bool drain = state & UC_NODE_DRAIN;

	if (strcasecmp(word, "all") == 0)
		return 1;
	if (strcasecmp(word, "usable") == 0)
		return uc_node_is_usable(state);
	/* exactly as sinfo: drained has no job any more, draining still has */
	if (strcasecmp(word, "drained") == 0)
		return drain && !BUSY(base) && !(state & UC_NODE_COMPLETING);
	if (strcasecmp(word, "draining") == 0 || strcasecmp(word, "drng") == 0)
		return drain && (BUSY(base) || state & UC_NODE_COMPLETING);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word *w = &words[i];

		if (!starts(w->name, word, w->least))
			continue;
		if (w->base >= 0)
			return base == (uint32_t)w->base &&
			       (base != UC_NODE_IDLE || !drain);
		return (state & w->flag) != 0;
	}
	return -1;
}
