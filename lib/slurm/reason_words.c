/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What each reason means: single ones by number, limits by how their names are made up
 * (holder, Grp/Max/Min, resource, per what). Numbers are those of state.h; the two slots
 * that changed hands on the way, 17 and 33, say so.
 */
#include "slurm/reason_words.h"

#include <string.h>
#include <ucluster/state.h>

/* What uqueue can change; for the rest there is scontrol. */
#define SET    "uqueue --set "
#define UPDATE "scontrol update JobId={id} "

// clang-format off
static const struct uc_reason_words single[] = {
	[0] = { UC_CAUSE_QUEUE, false, "not looked at yet",
		"the scheduler has not looked at it yet",
		"wait a minute" },
	[1] = { UC_CAUSE_QUEUE, false, "waits its turn",
		"it waits its turn[: {ahead} ahead of it in {partition}]"
		"[; it probably starts {start}]",
		"wait; a shorter time limit may fit it into a gap: "
		SET "time=H:MM:SS {id}" },
	[2] = { UC_CAUSE_PLAN, false, "after other jobs",
		"it starts after other jobs[: {dependency}]",
		"wait, or drop the condition: " SET "dependency= {id}" },
	[3] = { UC_CAUSE_QUEUE, false, "no free nodes",
		"it is next in line, but {want} are not free on enough nodes"
		"[; it probably starts {start}]",
		"wait, or ask for less; a shorter time limit may fit it into a gap: "
		SET "time=H:MM:SS {id}" },
	[4] = { UC_CAUSE_PARTITION, true, "node count not allowed",
		"it asks for {nodes}, which partition {partition} does not give to a job"
		"[ ({node_range} allowed)]",
		"change it: " UPDATE "NumNodes=[{node_legal}|N]" },
	[5] = { UC_CAUSE_PARTITION, true, "time limit too long",
		"its time limit[ of {time}] is longer than partition {partition} allows"
		"[ ({part_time})]",
		"shorten it: " SET "time=[{part_time_exact}|H:MM:SS] {id}" },
	[6] = { UC_CAUSE_PARTITION, false, "partition is down",
		"partition {partition} is down: it takes jobs but starts none",
		"wait, or move it to another: " SET "partition=NAME {id}" },
	[7] = { UC_CAUSE_PARTITION, false, "partition is closed",
		"partition {partition} is inactive: it starts no jobs",
		"wait, or move it to another: " SET "partition=NAME {id}" },
	[8] = { UC_CAUSE_SITE, false, "held by an administrator",
		"it is held by an administrator, or its priority was set to 0[: {text}]",
		"ask the administrators; only they can release it" },
	[9] = { UC_CAUSE_PLAN, false, "starts later",
		"it is not to start before [{begin}|its begin time]",
		"wait, or let it start now: " UPDATE "StartTime=now" },
	[10] = { UC_CAUSE_QUEUE, false, "no free licence",
		"it waits for licences that others use[: {licenses}]",
		"wait, or ask for other licences: " UPDATE "Licenses=LIST" },
	[11] = { UC_CAUSE_GROUP, false, "account limit",
		"account {account} has reached its limit of jobs",
		"wait for jobs of the account to end, or use another: "
		UPDATE "Account=NAME" },
	[12] = { UC_CAUSE_GROUP, false, "account limit",
		"account {account} has reached a limit of resources",
		"wait for jobs of the account to end, or use another: "
		UPDATE "Account=NAME" },
	[13] = { UC_CAUSE_GROUP, false, "account limit",
		"account {account} has reached its limit of run time",
		"shorten it, or use another account: " SET "time=H:MM:SS {id}" },
	[14] = { UC_CAUSE_PLAN, false, "waits for reservation",
		"[it waits for its reservation {reservation} to begin or to have room|"
		"a reservation keeps nodes free that it would run on]",
		"wait; where it is not its own reservation, a time limit that ends before "
		"it begins helps: " SET "time=H:MM:SS {id}" },
	[15] = { UC_CAUSE_NODE, false, "nodes not available",
		"nodes that it needs are not available[: {bad_nodes}|: down, drained, "
		"reserved, or kept free for a maintenance]",
		"[do without these nodes: " UPDATE "ReqNodeList= (now {required})|wait; "
		"when a maintenance is ahead, a time limit that ends before it helps: "
		SET "time=H:MM:SS {id}]" },
	[16] = { UC_CAUSE_PLAN, false, "held by its owner",
		"it is held by {you}", "uqueue --release {id}" },
	[17] = { UC_CAUSE_QUEUE, false, "no free IMEX channel",
		"it waits for an NVIDIA IMEX channel that other jobs hold "
		"(before Slurm 25.05: for a front-end node)",
		"wait" },
	[18] = { UC_CAUSE_SITE, false, "not started at once",
		"this cluster starts no job at the moment of its submission",
		"submit it without --immediate" },
	[19] = { UC_CAUSE_PARTITION, false, "partition was down",
		"partition {partition} went down",
		"submit it again to another partition" },
	[20] = { UC_CAUSE_ENDED, false, "a node failed",
		"a node of it failed[: {allocated}]", "submit it again" },
	[21] = { UC_CAUSE_REQUEST, true, "impossible request",
		"no node of partition {partition} can ever give what it asks for"
		"[: {text}][ (features {features})]",
		"cancel it, and ask for what 'sinfo -N -l' shows: uqueue --cancel {id}" },
	[22] = { UC_CAUSE_SITE, false, "Slurm failed",
		"Slurm itself failed[: {text}]",
		"submit it again; tell the administrators when it happens twice" },
	[23] = { UC_CAUSE_NODE, false, "could not be launched",
		"it could not be launched on its node[: {text}]",
		"look at its output, then: uqueue --release {id}" },
	[24] = { UC_CAUSE_ENDED, false, "failed",
		"its command ended with an error[ ({exit})]", "look at its output" },
	[25] = { UC_CAUSE_ENDED, false, "ran out of time",
		"it reached its time limit[ of {time}]", "submit it with a longer --time" },
	[26] = { UC_CAUSE_ENDED, false, "was idle too long",
		"it did nothing for longer than the cluster allows",
		"run its steps without long breaks" },
	[27] = { UC_CAUSE_REQUEST, true, "account not valid",
		"account {account} does not exist, or is not one of {your} own",
		"use another: " UPDATE "Account=NAME" },
	[28] = { UC_CAUSE_REQUEST, true, "QOS not valid",
		"QOS {qos} does not exist, or is not one of {your} own",
		"use another: " UPDATE "QOS=NAME" },
	[29] = { UC_CAUSE_GROUP, false, "too much used lately",
		"{your} fair share is below what QOS {qos} asks for",
		"wait until recent use counts less, or use another: " UPDATE "QOS=NAME" },
	[30] = { UC_CAUSE_GROUP, false, "QOS limit",
		"QOS {qos} has reached its limit of jobs",
		"wait for jobs in it to end, or use another: " UPDATE "QOS=NAME" },
	[31] = { UC_CAUSE_GROUP, false, "QOS limit",
		"QOS {qos} has reached a limit of resources",
		"wait for jobs in it to end, or use another: " UPDATE "QOS=NAME" },
	[32] = { UC_CAUSE_GROUP, false, "QOS limit",
		"QOS {qos} has reached its limit of run time",
		"shorten it: " SET "time=H:MM:SS {id}" },
	[33] = { UC_CAUSE_ENDED, false, "killed by a signal",
		"its command was killed by a signal[ ({exit})]", "look at its output" },
	[34] = { UC_CAUSE_SITE, false, "blocks are being freed",
		"blocks of nodes that it needs are being freed", "wait" },
	[35] = { UC_CAUSE_QUEUE, false, "cleans up first",
		"its earlier run is still being cleaned up", "wait a minute" },
	[36] = { UC_CAUSE_QUEUE, false, "node is being prepared",
		"its nodes are being prepared (prolog)", "wait a minute" },
	[37] = { UC_CAUSE_REQUEST, true, "QOS not allowed here",
		"QOS {qos} may not be used in partition {partition}",
		"use another: " UPDATE "QOS=NAME" },
	[38] = { UC_CAUSE_REQUEST, true, "account not allowed here",
		"account {account} may not use partition {partition}",
		"use another: " UPDATE "Account=NAME, or Partition=NAME" },
	[39] = { UC_CAUSE_PLAN, true, "condition cannot come true",
		"the job that it depends on ended otherwise than asked[: {dependency}]",
		"drop the condition: " SET "dependency= {id}, or cancel it: uqueue --cancel {id}" },
	[71] = { UC_CAUSE_SITE, false, "requeued too often",
		"it was requeued too often[ ({restarts} times)] and is held",
		"find out why it fails, then: uqueue --release {id}" },
	[72] = { UC_CAUSE_PLAN, false, "array's own limit",
		"its array runs at most [{array_limit}|so many] tasks at once, "
		"and so many run",
		"let more run at once: " UPDATE "ArrayTaskThrottle=N (0: no limit)" },
	[73] = { UC_CAUSE_QUEUE, false, "no burst buffer space",
		"it waits for space in the burst buffer", "wait" },
	[74] = { UC_CAUSE_QUEUE, false, "files are staged in",
		"its files are copied into the burst buffer", "wait" },
	[75] = { UC_CAUSE_SITE, false, "burst buffer failed",
		"an operation of the burst buffer failed[: {text}]",
		"correct its burst buffer lines, then: uqueue --release {id}" },
	[76] = { UC_CAUSE_SITE, false, "not enough power",
		"the cluster has not enough power for it now", "wait" },
	[77] = { UC_CAUSE_SITE, false, "power is reserved",
		"the power that it needs is reserved", "wait" },
	[167] = { UC_CAUSE_ENDED, true, "missed its deadline",
		"it cannot end before its deadline[, {deadline}]",
		"submit it with a later --deadline or a shorter --time" },
	[178] = { UC_CAUSE_PARTITION, true, "partition refuses it",
		"partition {partition} does not take a job like it[: {text}]",
		"compare 'scontrol show partition' with it, or move it: "
		SET "partition=NAME {id}" },
	[179] = { UC_CAUSE_GROUP, false, "account or QOS limit",
		"a limit of account {account} or QOS {qos} keeps it back[: {text}]",
		"wait, or use another: " UPDATE "QOS=NAME" },
	[180] = { UC_CAUSE_SITE, false, "other cluster decides",
		"it waits for another cluster of the federation", "wait" },
	[181] = { UC_CAUSE_ENDED, false, "out of memory",
		"it used more memory than it had asked for[ ({memory})]",
		"submit it with a larger --mem" },
	[182] = { UC_CAUSE_REQUEST, true, "too much memory a CPU",
		"it asks for more memory[ ({memory})] than partition {partition} gives",
		"ask for less: " UPDATE "MinMemoryNode=MB" },
	[198] = { UC_CAUSE_REQUEST, true, "reservation was deleted",
		"its reservation[ {reservation}] was deleted",
		"leave it: " UPDATE "ReservationName=, then: uqueue --release {id}" },
	[199] = { UC_CAUSE_REQUEST, true, "reservation not valid",
		"its reservation[ {reservation}] does not exist, or is not open to {you}",
		"leave it: " UPDATE "ReservationName=" },
	[200] = { UC_CAUSE_REQUEST, true, "impossible request",
		"its constraints cannot be met[: {features}]",
		"change them: " UPDATE "Features=LIST" },
	[219] = { UC_CAUSE_SITE, false, "no more nodes powered up",
		"so many nodes are powered up as the site allows", "wait" },
	[220] = { UC_CAUSE_QUEUE, false, "MPI ports are in use",
		"the ports that its MPI needs are in use on the nodes", "wait" },
};

static const struct uc_reason_resource resources[] = {
	{ "Cpu", "CPUs", UC_UNIT_COUNT },
	{ "CPU", "CPUs", UC_UNIT_COUNT },
	{ "Mem", "memory", UC_UNIT_BYTES },
	{ "Memory", "memory", UC_UNIT_BYTES },
	{ "Node", "nodes", UC_UNIT_COUNT },
	{ "GRES", "GPUs", UC_UNIT_COUNT },
	{ "License", "licences", UC_UNIT_COUNT },
	{ "BB", "burst buffer space", UC_UNIT_BYTES },
	{ "Energy", "energy", UC_UNIT_COUNT },
	{ "Billing", "billing units", UC_UNIT_COUNT },
	{ "Jobs", "running jobs", UC_UNIT_COUNT },
	{ "SubmitJobs", "jobs in the queue", UC_UNIT_COUNT },
	{ "SubmitJob", "jobs in the queue", UC_UNIT_COUNT },
	{ "Wall", "run time", UC_UNIT_MINUTES },
	{ "WallDuration", "run time", UC_UNIT_MINUTES },
	{ "Unknown", "a resource", UC_UNIT_COUNT },
};

#define USED_OF  "[: {used} of {allowed} in use]"
#define NEXT     "[; job {next_job} frees some at about {next_time}]"
#define ASKED_OF "[: {asked} asked for, {allowed} allowed]"

/* Names are BEFORE resource AFTER; the first row that fits counts. */
static const struct {
	const char *before, *after;
	struct uc_reason_words words;
} families[] = {
	{ "QOSGrp", "RunMinutes", { UC_CAUSE_GROUP, false, "QOS time in full use",
		"what running jobs in QOS {qos} may still use of {resource} times minutes "
		"is at its limit" USED_OF NEXT,
		"wait for jobs in it to go on, or shorten it: "
		SET "time=H:MM:SS {id}" } },
	{ "QOSGrp", "Minutes", { UC_CAUSE_GROUP, false, "QOS budget used up",
		"the budget of QOS {qos} for {resource} times minutes is used up" USED_OF,
		"wait until it is renewed, or use another: " UPDATE "QOS=NAME" } },
	{ "QOSGrp", "", { UC_CAUSE_GROUP, false, "QOS in full use",
		"all jobs in QOS {qos} together are at their limit of {resource}"
		USED_OF NEXT,
		"wait for jobs in it to end, or use another: " UPDATE "QOS=NAME" } },
	{ "QOSMax", "MinutesPerJob", { UC_CAUSE_REQUEST, true, "too long for its size",
		"{resource} times its time limit are more than QOS {qos} allows a job"
		ASKED_OF,
		"shorten it: " SET "time=H:MM:SS {id}" } },
	{ "QOSMaxWallDuration", "PerJob", { UC_CAUSE_REQUEST, true, "time limit too long",
		"its time limit[ of {time}] is longer than QOS {qos} allows[ ({allowed})]",
		"shorten it: " SET "time=[{allowed_exact}|H:MM:SS] {id}" } },
	{ "QOSMax", "PerJob", { UC_CAUSE_REQUEST, true, "over the limit per job",
		"it asks for more {resource} than QOS {qos} allows a job" ASKED_OF,
		"cancel it and ask for fewer, or use another: " UPDATE "QOS=NAME" } },
	{ "QOSMax", "PerNode", { UC_CAUSE_REQUEST, true, "over the limit per node",
		"it asks for more {resource} on a node than QOS {qos} allows" ASKED_OF,
		"cancel it and spread it over more nodes: uqueue --cancel {id}" } },
	{ "QOSMax", "PerUser", { UC_CAUSE_USER, false, "limit of its owner",
		"{your} jobs in QOS {qos} are at the limit of {resource} for one user"
		USED_OF NEXT,
		"wait for one of {your} jobs to end, or cancel one" } },
	{ "QOSMin", "", { UC_CAUSE_REQUEST, true, "under the QOS minimum",
		"it asks for fewer {resource} than QOS {qos} wants of a job" ASKED_OF,
		"ask for more, or use another: " UPDATE "QOS=NAME" } },
	{ "AssocGrp", "RunMinutes", { UC_CAUSE_GROUP, false, "account time in full use",
		"what running jobs of account {account} may still use of {resource} times "
		"minutes is at its limit" USED_OF NEXT,
		"wait for its jobs to go on, or shorten it: "
		SET "time=H:MM:SS {id}" } },
	{ "AssocGrp", "Minutes", { UC_CAUSE_GROUP, false, "account budget used up",
		"the budget of account {account} for {resource} times minutes is used up"
		USED_OF,
		"wait until it is renewed, or use another: " UPDATE "Account=NAME" } },
	{ "AssocGrp", "", { UC_CAUSE_GROUP, false, "account in full use",
		"all jobs of account {account} together are at their limit of {resource}"
		USED_OF NEXT,
		"wait for jobs of it to end, or use another: " UPDATE "Account=NAME" } },
	{ "AssocMax", "MinutesPerJob", { UC_CAUSE_REQUEST, true, "too long for its size",
		"{resource} times its time limit are more than account {account} allows "
		"{your} jobs" ASKED_OF,
		"shorten it: " SET "time=H:MM:SS {id}" } },
	{ "AssocMaxWallDuration", "PerJob", { UC_CAUSE_REQUEST, true,
		"time limit too long",
		"its time limit[ of {time}] is longer than account {account} allows {your} "
		"jobs[ ({allowed})]",
		"shorten it: " SET "time=[{allowed_exact}|H:MM:SS] {id}" } },
	{ "AssocMax", "PerJob", { UC_CAUSE_REQUEST, true, "over the limit per job",
		"it asks for more {resource} than account {account} allows {your} jobs"
		ASKED_OF,
		"cancel it and ask for fewer, or use another: " UPDATE "Account=NAME" } },
	{ "AssocMax", "PerNode", { UC_CAUSE_REQUEST, true, "over the limit per node",
		"it asks for more {resource} on a node than account {account} allows {your} "
		"jobs" ASKED_OF,
		"cancel it and spread it over more nodes: uqueue --cancel {id}" } },
	{ "AssocMax", "", { UC_CAUSE_USER, false, "limit of its owner",
		"{your} jobs in account {account} are at their limit of {resource}"
		USED_OF NEXT,
		"wait for one of {your} jobs to end, or cancel one" } },
	{ "Max", "RunMinsPerAccount", { UC_CAUSE_GROUP, false, "account limit",
		"what running jobs of account {account} may still use of {resource} times "
		"minutes in QOS {qos} is at its limit" USED_OF NEXT,
		"wait for its jobs to go on, or shorten it: "
		SET "time=H:MM:SS {id}" } },
	{ "Max", "RunMinsPerUser", { UC_CAUSE_USER, false, "limit of its owner",
		"what {your} running jobs in QOS {qos} may still use of {resource} times "
		"minutes is at its limit" USED_OF NEXT,
		"wait for {your} jobs to go on, or shorten it: "
		SET "time=H:MM:SS {id}" } },
	{ "Max", "PerAccount", { UC_CAUSE_GROUP, false, "account limit",
		"jobs of account {account} are at the limit of {resource} that QOS {qos} "
		"gives one account" USED_OF NEXT,
		"wait for jobs of the account to end, or use another: "
		UPDATE "QOS=NAME" } },
};

static const struct uc_reason_words unknown = {
	UC_CAUSE_UNKNOWN, false, "unknown reason",
	"Slurm gives reason {code}, which is newer than this program[: {text}]",
	"see the table of reasons in squeue(1)"
};
// clang-format on

/* Slurm prints this one as if it were the association's. */
static const char *name_of(uint32_t reason)
{
	return reason == 165 ? "QOSMaxBBMinutesPerJob" : uc_reason_name(reason);
}

static bool begins(const char *text, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(text, with, n) == 0;
}

static bool ends(const char *text, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(text + len - n, with, n) == 0;
}

static const struct uc_reason_resource *find_resource(const char *token, size_t len)
{
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (strlen(resources[i].token) == len &&
		    memcmp(resources[i].token, token, len) == 0)
			return &resources[i];
	return NULL;
}

/* Where the resource is named: "Wall" is part of what stands before it, too. */
static const struct uc_reason_resource *match(const char *name, size_t len, size_t row)
{
	const char *before = families[row].before;
	size_t skip = strlen(before), tail = strlen(families[row].after);

	if (!begins(name, len, before) || !ends(name, len, families[row].after) ||
	    len < skip + tail)
		return NULL;
	if (ends(before, skip, "WallDuration"))
		return skip + tail == len ? find_resource("WallDuration", 12) : NULL;
	return find_resource(name + skip, len - skip - tail);
}

static const struct uc_reason_words *
find_family(const char *name, const struct uc_reason_resource **resource)
{
	static const char *const endings[] = { "Limit", "NotSatisfied" };
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (ends(name, len, endings[i]))
			len -= strlen(endings[i]);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		*resource = match(name, len, i);
		if (*resource)
			return &families[i].words;
	}
	return NULL;
}

const struct uc_reason_words *uc_reason_words(uint32_t reason,
					      const struct uc_reason_resource **resource)
{
	const struct uc_reason_words *words = NULL;
	const char *name;

	*resource = NULL;
	if (reason < sizeof(single) / sizeof(single[0]) && single[reason].brief)
		return &single[reason];
	name = name_of(reason);
	if (name)
		words = find_family(name, resource);
	return words ? words : &unknown;
}

const char *uc_reason_short(uint32_t reason)
{
	const struct uc_reason_resource *resource;

	return uc_reason_words(reason, &resource)->brief;
}

enum uc_reason_cause uc_reason_cause(uint32_t reason)
{
	const struct uc_reason_resource *resource;

	return uc_reason_words(reason, &resource)->cause;
}

bool uc_reason_never_starts(uint32_t reason)
{
	const struct uc_reason_resource *resource;

	return uc_reason_words(reason, &resource)->never;
}
