/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Requests against a cluster made by hand: two GPU nodes (8 a100, 16 CPUs, 64 GiB), two
 * without; partitions with all kinds of limits. Options are separated by blanks.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <ucluster/check.h>
#include <ucluster/units.h>
#include "job/check.h"

#define RAW(text)                                                                        \
	{                                                                                \
		text                                                                     \
	}
#define GIB ((uint64_t)1 << 30)

#define NODE(node_name, where, ...)                                                      \
	{                                                                                \
		.name = RAW(node_name), .partitions = RAW(where), .cpus = 16,            \
		.memory = 64 * GIB, __VA_ARGS__                                          \
	}
static struct uc_node node_rows[] = {
	NODE("gpu1", "batch,gpu,open,day", .gpus = 8, .gres = RAW("gpu:a100:8(S:0-1)")),
	NODE("gpu2", "batch,gpu,open,day", .gpus = 8, .gres = RAW("gpu:a100:8(S:0-1)")),
	NODE("cpu1", "batch,open,day"),
	NODE("cpu2", "batch,open,day"),
};
static struct uc_nodes nodes = { .count = ARRAY_SIZE(node_rows), .row = node_rows };

#define PARTITION(part_name, count, hours, ...)                                          \
	{                                                                                \
		.name = RAW(part_name), .total_nodes = (count),                          \
		.time_limit = (hours) * (int64_t)3600, .default_time = 3600,             \
		.cpus_per_node_max = UC_NONE32, __VA_ARGS__                              \
	}
#define UP  .state = UC_PARTITION_UP
#define ANY .node_max = UC_NONE32
static struct uc_partition partition_rows[] = {
	PARTITION("batch", 4, 24, UP, ANY, .flags = UC_PARTITION_DEFAULT),
	PARTITION("gpu", 2, 8, UP, ANY),
	PARTITION("open", 4, 0, UP, ANY, .flags = UC_PARTITION_HIDDEN),
	PARTITION("down", 4, 24, ANY, .state = UC_PARTITION_DOWN),
	PARTITION("drain", 4, 24, ANY, .state = UC_PARTITION_DRAIN),
	PARTITION("roots", 4, 24, UP, ANY, .flags = UC_PARTITION_ROOT_ONLY),
	PARTITION("booked", 4, 24, UP, ANY, .flags = UC_PARTITION_REQUIRES_RESERVATION),
	PARTITION("staff", 4, 24, UP, ANY, .allow_groups = RAW("staff,admins")),
	PARTITION("theirs", 4, 24, UP, ANY, .allow_accounts = RAW("bio")),
	PARTITION("notours", 4, 24, UP, ANY, .deny_accounts = RAW("physics")),
	PARTITION("above", 4, 24, UP, ANY, .allow_accounts = RAW("science")),
	PARTITION("fast", 4, 24, UP, ANY, .allow_qos = RAW("short")),
	PARTITION("slow", 4, 24, UP, ANY, .deny_qos = RAW("short")),
	PARTITION("pairs", 4, 24, UP, .node_min = 2, .node_max = 2),
	PARTITION("day", 4, 24, UP, ANY, .qos = RAW("daily")),
};
static struct uc_partitions partitions = { .count = ARRAY_SIZE(partition_rows),
					   .row = partition_rows };

#define LIMIT(of, seconds, ...)                                                          \
	{                                                                                \
		.kind = (of), .wall_max = (seconds), __VA_ARGS__                         \
	}
static struct uc_limit limit_rows[] = {
	LIMIT(UC_LIMIT_QOS, UC_NOT_SET, .name = RAW("normal")),
	LIMIT(UC_LIMIT_QOS, 3600, .name = RAW("short"),
	      .tres_user = RAW("gres/gpu=4,gres/gpu:a100=2")),
	LIMIT(UC_LIMIT_QOS, UC_NOT_SET, .name = RAW("long"), .flags = UC_LIMIT_ANY_TIME),
	LIMIT(UC_LIMIT_QOS, 7200, .name = RAW("daily"), .tres_node = RAW("gres/gpu=2")),
	LIMIT(UC_LIMIT_QOS, 14 * 3600, .name = RAW("first"), .flags = UC_LIMIT_FIRST),
	LIMIT(UC_LIMIT_ACCOUNT, UC_NOT_SET, .account = RAW("science"),
	      .tres_group = RAW("cpu=40")),
	LIMIT(UC_LIMIT_ACCOUNT, UC_NOT_SET, .account = RAW("physics"),
	      .parent = RAW("science")),
	LIMIT(UC_LIMIT_ASSOCIATION, 12 * 3600, .account = RAW("physics"),
	      .user = RAW("me"), .is_default = true,
	      .qos = RAW("normal,short,long,first"), .default_qos = RAW("normal"),
	      .tres_job = RAW("mem=102400M,node=3")),
	LIMIT(UC_LIMIT_ASSOCIATION, UC_NOT_SET, .account = RAW("poor"), .user = RAW("me"),
	      .qos = RAW("normal")),
};
static struct uc_limits limits = { .count = ARRAY_SIZE(limit_rows), .row = limit_rows };

static struct uc_check_facts facts_here(void)
{
	return (struct uc_check_facts){ .partitions = &partitions,
					.nodes = &nodes,
					.memory = true,
					.user_id = 1000 };
}

static struct uc_check_facts facts_with_limits(void)
{
	struct uc_check_facts facts = facts_here();

	facts.limits = &limits;
	facts.enforced = UC_CHECK_ACCOUNTS | UC_CHECK_LIMITS | UC_CHECK_QOS;
	return facts;
}

/* "--gpus=2 --time=8h" */
static void set_all(struct uc_spec *spec, const char *options)
{
	char *copy = strdup(options), *rest = copy, *word;
	struct uc_error err = { 0 };

	assert_non_null(copy);
	while ((word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');

		if (!*word)
			continue;
		if (value)
			*value++ = '\0';
		if (uc_spec_set(spec, word + 2, value, &err) < 0)
			fail_msg("%s: %s", word, err.text);
	}
	free(copy);
}

/* "text | text"; "" when it passes. */
static void judge(const char *options, const struct uc_check_facts *facts,
		  struct uc_buf *said, struct uc_errors *faults)
{
	uc_auto(spec) struct uc_spec *spec = NULL;
	struct uc_error err = { 0 };

	assert_int_equal(uc_spec_new(&spec, &err), 0);
	set_all(spec, options);
	if (uc_spec_check(spec, facts, faults, &err) < 0)
		fail_msg("%s: %s", options, err.text);
	for (size_t i = 0; i < faults->count; i++) {
		assert_int_equal(faults->item[i].code, UC_USAGE);
		uc_buf_addf(said, "%s%s", i ? " | " : "", faults->item[i].text);
	}
}

static void expect(const struct uc_check_facts *facts, const char *options,
		   const char *text, const char *hint)
{
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(buf) struct uc_buf said = { 0 };

	judge(options, facts, &said, &faults);
	if (strcmp(uc_buf_text(&said), text) != 0)
		fail_msg("'%s': \"%s\", expected \"%s\"", options, uc_buf_text(&said),
			 text);
	if (hint && strcmp(faults.item[0].hint, hint) != 0)
		fail_msg("'%s': hint \"%s\", expected \"%s\"", options,
			 faults.item[0].hint, hint);
}

static void passes(const struct uc_check_facts *facts, const char *options)
{
	expect(facts, options, "", NULL);
}

static void test_what_fits_passes(void **state)
{
	static const char *const requests[] = {
		"",
		"--time=24:00:00 --gpus=16 --ntasks=16",
		"--partition=gpu --time=480 --gpus-per-node=a100:8 --nodes=2",
		"--mem=64G --cpus-per-task=16",
		"--ntasks=64",
		"--ntasks=200 --overcommit",
		"--gres=gpu:a100:8,shard:4 --mem=0",
		"--gpus=9 --ntasks=2",
		"--ntasks=3 --nodes=4",
		"--nodes=2-9",
		"--gpus=0 --time=1-0",
		"--partition=open --time=UNLIMITED",
	};
	struct uc_check_facts facts = facts_here();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		passes(&facts, requests[i]);
}

static void test_partitions(void **state)
{
	struct uc_check_facts facts = facts_here();

	(void)state;
	expect(&facts, "--partition=gpuu",
	       "there is no partition 'gpuu'; did you mean 'gpu'?", NULL);
	expect(&facts, "--partition=drain",
	       "partition 'drain' is draining: it takes no new jobs",
	       "--partition=batch");
	expect(&facts, "--partition=down", "partition 'down' is down: it starts no jobs",
	       "--batch queues the job until it is up again");
	expect(&facts, "--partition=roots", "partition 'roots' is for root only",
	       "--partition=batch");
	expect(&facts, "--partition=booked", "partition 'booked' needs a reservation",
	       NULL);
	passes(&facts, "--partition=booked --reservation=mine");
	facts.batch = true;
	passes(&facts, "--partition=down");
	facts.user_id = 0;
	passes(&facts, "--partition=roots");
	partition_rows[4].alternate = uc_raw("batch");
	passes(&facts, "--partition=drain");
	partition_rows[4].alternate = uc_raw(NULL);
}

static void test_groups(void **state)
{
	struct uc_check_facts facts = facts_here();
	char others[] = "users", staff[] = "admins";
	char *groups[] = { others, NULL };

	(void)state;
	passes(&facts, "--partition=staff"); /* groups are not known */
	facts.groups = (struct uc_strv){ .item = groups, .count = 1 };
	expect(&facts, "--partition=staff",
	       "partition 'staff' is for members of staff,admins only",
	       "--partition=batch");
	groups[0] = staff;
	passes(&facts, "--partition=staff");
}

static void test_several_partitions(void **state)
{
	struct uc_check_facts facts = facts_here();

	(void)state;
	passes(&facts, "--partition=gpu,batch --time=10h");
	expect(&facts, "--partition=gpu,batch --time=2d",
	       "partition 'gpu' allows at most 8:00:00, 2-00:00:00 is asked for | partition "
	       "'batch' allows at most 1-00:00:00, 2-00:00:00 is asked for",
	       NULL);
	expect(&facts, "--partition=batch,nowhere", "there is no partition 'nowhere'",
	       NULL);
	facts.all_partitions = true;
	expect(&facts, "--partition=gpu,batch --time=10h",
	       "partition 'gpu' allows at most 8:00:00, 10:00:00 is asked for",
	       "--time=8:00:00, or --partition=batch (1-00:00:00)");
}

static void test_times(void **state)
{
	struct uc_check_facts facts = facts_here();

	(void)state;
	passes(&facts, "--partition=gpu --time=7:59:30");
	expect(&facts, "--partition=gpu --time=8:00:01",
	       "partition 'gpu' allows at most 8:00:00, 8:01:00 is asked for", NULL);
	expect(&facts, "--time=0",
	       "partition 'batch' allows at most 1-00:00:00, UNLIMITED is asked for",
	       NULL);
	passes(&facts, "--partition=gpu --time=10h --time-min=4h");
	partition_rows[1].default_time = 9 * 3600;
	expect(&facts, "--partition=gpu",
	       "partition 'gpu' allows at most 8:00:00, 9:00:00 is its default", NULL);
	facts.rewritten = true;
	passes(&facts, "--partition=gpu");
	passes(&facts, "--time=2d"); /* a plugin may choose the partition */
	partition_rows[1].default_time = 3600;
}

static void test_resources(void **state)
{
	static const struct {
		const char *options, *text, *hint;
	} rows[] = {
		{ "--gpus=17", "partition 'batch' has 16 GPUs in all, 17 are asked for",
		  "--gpus=16" },
		{ "--gpus=9 --nodes=1",
		  "1 node of partition 'batch' has at most 8 GPUs, 9 are asked for",
		  "--gpus=8" },
		{ "--gpus=h100",
		  "partition 'batch' has no GPUs of type 'h100'; did you mean "
		  "'a100'?",
		  "types there: a100" },
		{ "--gpus-per-task=a100:9 --ntasks=1",
		  "a node of partition 'batch' has at most 8 a100 GPUs, 9 are asked for",
		  "--gpus-per-node=a100:8" },
		{ "--gpus=2 --nodes=3 --partition=batch",
		  "3 nodes need at least 3 GPUs, 2 are asked for",
		  "--nodes=2, or --gpus-per-node=1" },
		{ "--mem=65G",
		  "a node of partition 'batch' has at most 64G of memory, 65G is asked for",
		  "--mem=64G" },
		{ "--cpus-per-task=17",
		  "a node of partition 'batch' has at most 16 CPUs, 17 are asked for each task",
		  "--cpus-per-task=16" },
		{ "--ntasks=33 --partition=gpu",
		  "partition 'gpu' has 32 CPUs in all, 33 are asked for",
		  "--ntasks=32, or --partition=batch" },
		{ "--nodes=5", "partition 'batch' has 4 nodes, 5 are asked for",
		  "--nodes=4" },
		{ "--nodes=3 --partition=pairs",
		  "partition 'pairs' allows a job at most 2 nodes, 3 are asked for",
		  "--nodes=2, or --partition=batch" },
		{ "--nodes=1 --partition=pairs",
		  "a job in partition 'pairs' has at least 2 nodes",
		  "--nodes=2, or --partition=batch" },
	};
	struct uc_check_facts facts = facts_here();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(&facts, rows[i].options, rows[i].text, rows[i].hint);
	passes(&facts, "--gpus=99 --reservation=mine");
	passes(&facts, "--gpus=99 --clusters=other");
	facts.nodes = NULL;
	passes(&facts, "--gpus=99 --mem=1T");
}

static void test_everything_at_once(void **state)
{
	static const char none[] =
		"no nodes of partition 'batch' have all at once what is asked for: tasks, "
		"CPUs, memory and GPUs";
	struct uc_check_facts facts = facts_here();

	(void)state;
	expect(&facts, "--gpus=2 --ntasks=33", none, NULL);
	expect(&facts, "--gpus-per-node=1 --nodes=3", none, NULL);
	expect(&facts, "--ntasks=5 --cpus-per-task=9", none, NULL);
	expect(&facts, "--ntasks-per-node=17", none, NULL);
	expect(&facts, "--mem-per-cpu=33G --cpus-per-task=2", none, NULL);
	passes(&facts, "--mem-per-cpu=32G --cpus-per-task=2 --ntasks=4");
	facts.memory = false; /* memory is not given out: nobody multiplies it */
	passes(&facts, "--mem-per-cpu=33G --cpus-per-task=2");
}

static void test_memory_of_the_partition(void **state)
{
	struct uc_check_facts facts = facts_here();

	(void)state;
	partition_rows[0].memory_max = 16 * GIB;
	expect(&facts, "--mem=17G",
	       "partition 'batch' allows at most 16G of memory on a node, 17G is asked for",
	       NULL);
	expect(&facts, "--mem-per-cpu=5G --cpus-per-task=4",
	       "partition 'batch' allows at most 16G of memory on a node, 20G is asked for",
	       "--mem=16G, or --partition=gpu");
	/* more for each CPU takes more CPUs: 16 tasks of 2 on 4 nodes, not 33 */
	partition_rows[0].memory_max = 1 * GIB;
	partition_rows[0].memory_max_per_cpu = true;
	passes(&facts, "--mem-per-cpu=2G --ntasks=32");
	expect(&facts, "--mem-per-cpu=2G --ntasks=33",
	       "no nodes of partition 'batch' have all at once what is asked for: tasks, "
	       "CPUs, memory and GPUs",
	       NULL);
	partition_rows[0].memory_max = 0;
	partition_rows[0].memory_max_per_cpu = false;
}

static void test_names_of_accounts_and_qos(void **state)
{
	struct uc_check_facts facts = facts_with_limits();

	(void)state;
	passes(&facts, "--account=physics --qos=short");
	expect(&facts, "--account=physicsx",
	       "you have no account 'physicsx'; did you mean 'physics'?",
	       "yours: physics, poor");
	expect(&facts, "--qos=shrt", "there is no QOS 'shrt'; did you mean 'short'?",
	       NULL);
	expect(&facts, "--account=poor --qos=short",
	       "account 'poor' may not use QOS 'short'", "QOSes of that account: normal");
	facts.enforced = UC_CHECK_ACCOUNTS;
	passes(&facts, "--qos=shrt");
	facts.enforced = 0;
	passes(&facts, "--account=physicsx");
}

static void test_partitions_for_some(void **state)
{
	struct uc_check_facts facts = facts_with_limits();

	(void)state;
	expect(&facts, "--partition=theirs",
	       "partition 'theirs' is not open to account 'physics'",
	       "--partition=batch");
	expect(&facts, "--partition=notours",
	       "partition 'notours' is not open to account 'physics'", NULL);
	passes(&facts, "--partition=above");
	expect(&facts, "--partition=fast", "partition 'fast' does not take QOS 'normal'",
	       NULL);
	passes(&facts, "--partition=fast --qos=short");
	expect(&facts, "--partition=slow --qos=short",
	       "partition 'slow' does not take QOS 'short'", NULL);
}

static void test_limits(void **state)
{
	static const struct {
		const char *options, *text, *hint;
	} rows[] = {
		{ "--qos=short --time=2h",
		  "QOS 'short' allows at most 1:00:00, 2:00:00 is asked for",
		  "--time=1:00:00, or --qos=normal" },
		{ "--time=13h",
		  "account 'physics' allows at most 12:00:00, 13:00:00 is asked "
		  "for",
		  "--time=12:00:00, or --qos=first" },
		{ "--qos=long --partition=gpu --time=9h", "", NULL },
		{ "--partition=day --time=3h",
		  "QOS 'daily' allows at most 2:00:00, 3:00:00 is asked for",
		  "--time=2:00:00, or --qos=first" },
		{ "--partition=day --time=3h --qos=first", "", NULL },
		{ "--qos=short --gpus=5",
		  "QOS 'short' allows a user at most 4 GPUs, 5 GPUs are asked for",
		  "--gpus=4, or --qos=normal" },
		{ "--qos=short --gpus=a100:3",
		  "QOS 'short' allows a user at most 2 GPUs, 3 GPUs are asked for",
		  "--gpus=a100:2, or --qos=normal" },
		{ "--partition=day --gpus-per-node=3",
		  "QOS 'daily' allows a job on a node at most 2 GPUs, 3 GPUs are asked for",
		  NULL },
		{ "--ntasks=41",
		  "account 'science' allows all jobs at most 40 CPUs, 41 CPUs are asked for",
		  NULL },
		{ "--mem=51G --nodes=2",
		  "account 'physics' allows a job at most 100G of memory, 102G of memory is "
		  "asked for",
		  NULL },
		{ "--nodes=4",
		  "account 'physics' allows a job at most 3 nodes, 4 nodes are asked for",
		  "--nodes=3" },
	};
	struct uc_check_facts facts = facts_with_limits();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(&facts, rows[i].options, rows[i].text, rows[i].hint);
	facts.enforced = UC_CHECK_ACCOUNTS;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		passes(&facts, rows[i].options);
	facts = facts_with_limits();
	facts.rewritten = true; /* a plugin may add account and QOS */
	passes(&facts, "--ntasks=41");
}

static void test_variables_of_srun(void **state)
{
	struct uc_check_facts facts = facts_here();
	const char *const environment[] = { "SLURM_PARTITION=gpu",
					    "SLURM_TIMELIMIT=9:00:00",
					    "SLURM_MEM_PER_NODE=100G", NULL };

	(void)state;
	facts.environment = environment;
	expect(&facts, "--mem=1G",
	       "partition 'gpu' allows at most 8:00:00, 9:00:00 is asked for", NULL);
	passes(&facts, "--mem-per-cpu=1G --partition=batch");
	expect(&facts, "--time=1",
	       "a node of partition 'gpu' has at most 64G of memory, 100G is asked for",
	       NULL);
}

/* What a specification names is asked for, and no more. */
static void test_facts_of_a_made_up_cluster(void **state)
{
	uc_auto(source) struct uc_source *src = NULL;
	struct uc_check_query query = { .user_id = 1000, .slurm_conf = "/nonexistent" };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(
		uc_source_open("synthetic:nodes=20,jobs=10,seed=3", NULL, &src, &err), 0);
	for (int round = 0; round < 3; round++) {
		static const char *const options[] = { "", "--partition=gpu --time=3d",
						       "--gpus=100000" };
		static const char *const texts[] = {
			"",
			"partition 'gpu' allows at most 2-00:00:00, 3-00:00:00 is asked for",
			"partition 'gpu' has"
		};
		uc_auto(spec) struct uc_spec *spec = NULL;
		uc_auto(check_facts) struct uc_check_facts facts = { 0 };
		uc_auto(errors) struct uc_errors faults = { 0 };

		assert_int_equal(uc_spec_new(&spec, &err), 0);
		set_all(spec, options[round]);
		assert_int_equal(uc_check_facts_load(&facts, spec, src, &query, &err), 0);
		assert_true(facts.asked);
		assert_non_null(facts.partitions);
		assert_int_equal(facts.nodes != NULL, round == 2);
		assert_int_equal(uc_spec_check(spec, &facts, &faults, &err), 0);
		assert_int_equal(faults.count, round > 0);
		if (faults.count)
			assert_memory_equal(faults.item[0].text, texts[round],
					    strlen(texts[round]));
	}
}

/* Of 64 CPUs, 16 GPUs and 256 GiB on four nodes, two of which have the GPUs. */
static struct uc_check_facts facts_with_totals(struct uc_partition *rows,
					       struct uc_partitions *all)
{
	struct uc_check_facts facts = facts_here();

	memcpy(rows, partition_rows, sizeof(partition_rows));
	rows[0].tres = uc_raw("cpu=64,mem=256G,node=4,gres/gpu=16,gres/gpu:a100=16");
	rows[1].tres = uc_raw("cpu=32,mem=128G,node=2,gres/gpu=16,gres/gpu:a100=16");
	*all = partitions;
	all->row = rows;
	facts.partitions = all;
	return facts;
}

static void test_totals_tell_that_a_small_job_fits(void **state)
{
	static const struct {
		const char *options;
		bool settled;
	} cases[] = {
		{ "--gpus=1 --time=60", true },
		{ "--gpus=4", true },
		{ "--gpus=5", false }, /* the average of batch is 4 */
		{ "--gpus=5 --partition=gpu", true },
		{ "--gpus=5 --partition=gpu,batch", false },
		{ "--gpus=a100:1", true },
		{ "--gpus=h100:1", false },
		{ "--gres=gpu:1 --nodes=1", true },
		{ "--gpus-per-node=2 --nodes=2", false },
		{ "--gpus=1 --mem=1G", false }, /* not on the same node, perhaps */
		{ "--gpus=1 --cpus-per-task=2", false },
		{ "--gpus=1 --cpus-per-gpu=2", false },
		{ "--mem=64G", true },
		{ "--mem=65G", false },
		{ "--cpus-per-task=16", true },
		{ "--cpus-per-task=17", false },
		{ "--cpus-per-task=4 --mem=1G", false },
		{ "--mem-per-cpu=1G", false },
		{ "--ntasks=1", true },
		{ "--ntasks=2", false },
		{ "--gpus=1 --partition=nowhere", false },
		{ "--gpus=1 --partition=down", false }, /* its totals are not known */
	};
	static struct uc_partition rows[ARRAY_SIZE(partition_rows)];
	struct uc_partitions all;
	struct uc_check_facts facts = facts_with_totals(rows, &all);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(spec) struct uc_spec *spec = NULL;
		struct uc_error err = { 0 };

		assert_int_equal(uc_spec_new(&spec, &err), 0);
		set_all(spec, cases[i].options);
		if (uc_check_is_settled(spec, &facts) != cases[i].settled)
			fail_msg("%s", cases[i].options);
		/* and it is true: with the list of nodes nothing is refused */
		if (cases[i].settled)
			passes(&facts, cases[i].options);
	}
}

static void test_totals_do_not_tell_what_a_partition_adds(void **state)
{
	static struct uc_partition rows[ARRAY_SIZE(partition_rows)];
	struct uc_partitions all;
	struct uc_check_facts facts = facts_with_totals(rows, &all);
	uc_auto(spec) struct uc_spec *spec = NULL;
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	set_all(spec, "--gpus=1");
	rows[0].job_defaults = uc_raw("DefCpuPerGPU=20");
	assert_false(uc_check_is_settled(spec, &facts));
	rows[0].job_defaults = (struct uc_raw){ 0 };
	assert_true(uc_check_is_settled(spec, &facts));
	set_all(spec, "--gpus=0 --mem=10G");
	rows[0].memory_max = 5 * GIB;
	assert_false(uc_check_is_settled(spec, &facts));
	rows[0].memory_max = 10 * GIB;
	assert_true(uc_check_is_settled(spec, &facts));
	set_all(spec, "--mem=0 --cpus-per-task=8");
	rows[0].memory_max = 0;
	rows[0].memory_default = 20 * GIB;
	assert_false(uc_check_is_settled(spec, &facts));
	rows[0].memory_default = 0;
	rows[0].cpus_per_node_max = 4;
	assert_false(uc_check_is_settled(spec, &facts));
}

static void test_jobs_that_end_with_their_partition(void **state)
{
	static struct uc_partition rows[] = {
		PARTITION("usual", 4, 24, UP, ANY, .flags = UC_PARTITION_DEFAULT),
		PARTITION("none", 4, 24, UP, ANY),
		PARTITION("same", 4, 24, UP, ANY),
		PARTITION("ever", 4, 0, UP, ANY),
	};
	const struct uc_partitions all = { .count = ARRAY_SIZE(rows), .row = rows };
	static const struct {
		const char *options, *partition;
	} cases[] = {
		{ "", NULL },
		{ "--partition=none", "none" },
		{ "--partition=none --gpus=1", "none" },
		{ "--partition=none --time=1:00:00", NULL },
		{ "--partition=none --time=1-0", NULL }, /* as asked for */
		{ "--partition=none,usual", NULL },
		{ "--partition=same", "same" },
		{ "--partition=ever", "ever" },
		{ "--partition=nowhere", NULL },
		{ "--partition=none --reservation=course", NULL },
	};
	struct uc_check_facts facts = facts_here();

	(void)state;
	rows[1].default_time = UC_NOT_SET;
	rows[2].default_time = rows[2].time_limit;
	rows[3].default_time = UC_NOT_SET;
	rows[3].time_limit = UC_DURATION_INFINITE;
	facts.partitions = (struct uc_partitions *)&all;
	for (int rewritten = 0; rewritten < 2; rewritten++) {
		facts.rewritten = rewritten; /* a plugin may give it a time */
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			uc_auto(spec) struct uc_spec *spec = NULL;
			const struct uc_partition *p;
			struct uc_error err = { 0 };

			assert_int_equal(uc_spec_new(&spec, &err), 0);
			set_all(spec, cases[i].options);
			p = uc_check_open_end(spec, &facts);
			if (!cases[i].partition || rewritten)
				assert_null(p);
			else if (!p || strcmp(p->name.bytes, cases[i].partition) != 0)
				fail_msg("%s", cases[i].options);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_fits_passes),
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_several_partitions),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_resources),
		cmocka_unit_test(test_everything_at_once),
		cmocka_unit_test(test_memory_of_the_partition),
		cmocka_unit_test(test_names_of_accounts_and_qos),
		cmocka_unit_test(test_partitions_for_some),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_variables_of_srun),
		cmocka_unit_test(test_facts_of_a_made_up_cluster),
		cmocka_unit_test(test_totals_tell_that_a_small_job_fits),
		cmocka_unit_test(test_jobs_that_end_with_their_partition),
		cmocka_unit_test(test_totals_do_not_tell_what_a_partition_adds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
