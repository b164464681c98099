/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/ending.h>

#include <ucluster/state.h>
#include <ucluster/units.h>

/* slurmd's mark of a step that the kernel's out-of-memory killer hit, as a signal. */
#define SIGNAL_OOM 125

/* Numbers of the reasons that say more than the state (slurm.h). */
enum {
	REASON_PARTITION_DOWN = 19,
	REASON_NODE_DOWN = 20,
	REASON_SYSTEM = 22,
	REASON_LAUNCH = 23,
	REASON_TIME = 25,
	REASON_INACTIVE = 26,
	REASON_ACCOUNT = 27,
	REASON_QOS = 28,
	REASON_DEADLINE = 167,
	REASON_MEMORY = 181,
};

/* By state; FAILED is told apart by reason and exit code. */
static const struct {
	uint32_t state;
	enum uc_ending_kind kind;
	const char *brief, *sentence, *action;
} states[] = {
	{ UC_JOB_PENDING, UC_ENDING_NONE, "waits", "has not started", NULL },
	{ UC_JOB_RUNNING, UC_ENDING_NONE, "runs", "has not ended", NULL },
	{ UC_JOB_SUSPENDED, UC_ENDING_NONE, "suspended", "is suspended", NULL },
	{ UC_JOB_COMPLETED, UC_ENDING_COMPLETED, "completed", "completed", NULL },
	{ UC_JOB_CANCELLED, UC_ENDING_CANCELLED, "cancelled", "was cancelled", NULL },
	{ UC_JOB_TIMEOUT, UC_ENDING_TIME, "time limit", "reached its time limit",
	  "ask for more --time, or save checkpoints and go on from them" },
	{ UC_JOB_NODE_FAIL, UC_ENDING_NODE, "node failed",
	  "ended because a node of it failed", "submit it again" },
	{ UC_JOB_PREEMPTED, UC_ENDING_PREEMPTED, "preempted",
	  "was preempted: a job that goes first took its nodes",
	  "submit it again, with --requeue to have Slurm do so the next time" },
	{ UC_JOB_BOOT_FAIL, UC_ENDING_NODE, "node did not boot",
	  "ended because a node of it did not boot", "submit it again" },
	{ UC_JOB_DEADLINE, UC_ENDING_DEADLINE, "missed its deadline",
	  "was ended because it could not be ready before its deadline",
	  "ask for a later --deadline or less --time" },
	{ UC_JOB_OOM, UC_ENDING_MEMORY, "out of memory", "ran out of memory",
	  "ask for more --mem" },
};

/* Reasons that a FAILED job has for no fault of its command. */
static const struct {
	uint32_t reason;
	enum uc_ending_kind kind;
	const char *brief, *sentence, *action;
} reasons[] = {
	{ REASON_PARTITION_DOWN, UC_ENDING_SYSTEM, "partition went down",
	  "failed because its partition went down", "submit it again, or to another" },
	{ REASON_NODE_DOWN, UC_ENDING_NODE, "node went down",
	  "failed because a node of it went down", "submit it again" },
	{ REASON_SYSTEM, UC_ENDING_SYSTEM, "system failure",
	  "failed because of a failure of the system", "submit it again" },
	{ REASON_LAUNCH, UC_ENDING_SYSTEM, "could not be launched",
	  "could not be launched on its node",
	  "see that its working directory and output file can be written there" },
	{ REASON_INACTIVE, UC_ENDING_SYSTEM, "idle too long",
	  "was ended because nothing ran in it for longer than the cluster allows",
	  "run its steps without long breaks" },
	{ REASON_ACCOUNT, UC_ENDING_SYSTEM, "account not valid",
	  "failed because its account is not valid any more",
	  "submit it with another --account" },
	{ REASON_QOS, UC_ENDING_SYSTEM, "QOS not valid",
	  "failed because its QOS is not valid any more",
	  "submit it with another --qos" },
	{ REASON_TIME, UC_ENDING_TIME, "time limit", "reached its time limit",
	  "ask for more --time, or save checkpoints and go on from them" },
	{ REASON_DEADLINE, UC_ENDING_DEADLINE, "missed its deadline",
	  "could not be ready before its deadline",
	  "ask for a later --deadline or less --time" },
	{ REASON_MEMORY, UC_ENDING_MEMORY, "out of memory", "ran out of memory",
	  "ask for more --mem" },
};

/* What went before the record's end without ending the job; these win over the state. */
static const struct {
	uint32_t flag;
	enum uc_ending_kind kind;
	const char *brief, *sentence, *action;
} flags[] = {
	{ UC_JOB_SPECIAL_EXIT, UC_ENDING_REQUEUED, "requeued, held",
	  "ended with the exit code for which the site requeues and holds jobs",
	  "look at its output, then release it" },
	{ UC_JOB_REQUEUE_HOLD, UC_ENDING_REQUEUED, "requeued, held",
	  "was requeued and is held", "release it when it may run again" },
	{ UC_JOB_REQUEUE, UC_ENDING_REQUEUED, "requeued",
	  "was requeued: it waits to run again from its beginning", NULL },
	{ UC_JOB_REQUEUE_FED, UC_ENDING_REQUEUED, "requeued",
	  "was requeued: it waits to run again from its beginning", NULL },
	{ UC_JOB_REVOKED, UC_ENDING_ELSEWHERE, "ran elsewhere",
	  "was started on another cluster of the federation", NULL },
	{ UC_JOB_RESIZING, UC_ENDING_ELSEWHERE, "resized",
	  "was resized and went on with another size", NULL },
};

/* Exit codes that shells give a meaning. */
static const struct {
	int code;
	const char *words, *action;
} codes[] = {
	{ 126, "a command could not be executed",
	  "is the file executable, and for this machine?" },
	{ 127, "a command was not found", "is it spelled right, and in the container?" },
};

static const struct {
	int number;
	const char *words, *action;
} signals[] = {
	{ 11, "it crashed", "look at its output" },
	{ 7, "it crashed", "is its /dev/shm or temporary directory full?" },
	{ 6, "it gave up by itself", "look at its output" },
	{ 4, "it has instructions that this CPU does not know",
	  "build it for the CPUs of the partition" },
	{ 8, "it divided by zero", "look at its output" },
	{ 9, "nothing could stop it", "did it need more memory than it asked for?" },
	{ 25, "it wrote a larger file than its limit", "see 'ulimit -f'" },
	{ 24, "it used more CPU time than its limit", "see 'ulimit -t'" },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct words {
	enum uc_ending_kind kind;
	const char *brief, *sentence, *action;
};

static int signal_in(uint32_t status)
{
	return (int)(status & 0x7f);
}

static bool is_oom(uint32_t status)
{
	return signal_in(status) == SIGNAL_OOM;
}

static int code_of(uint32_t status)
{
	return (int)(status >> 8 & 0xff);
}

/* A failure that is the command's own. */
static struct words own_failure(const struct uc_ending *ending)
{
	if (is_oom(ending->exit_status) || is_oom(ending->derived_status))
		return (struct words){ UC_ENDING_MEMORY, "out of memory",
				       "ran out of memory", "ask for more --mem" };
	if (signal_in(ending->exit_status))
		return (struct words){ UC_ENDING_SIGNAL, NULL, NULL, NULL };
	if (code_of(ending->exit_status))
		return (struct words){ UC_ENDING_CODE, NULL, NULL, NULL };
	return (struct words){ UC_ENDING_SYSTEM, "failed", "failed",
			       "look at its output" };
}

static struct words find_words(const struct uc_ending *ending)
{
	uint32_t base = ending->state & UC_JOB_BASE;

	for (size_t i = 0; i < COUNT(flags); i++)
		if (ending->state & flags[i].flag)
			return (struct words){ flags[i].kind, flags[i].brief,
					       flags[i].sentence, flags[i].action };
	for (size_t i = 0; i < COUNT(states); i++)
		if (base == states[i].state)
			return (struct words){ states[i].kind, states[i].brief,
					       states[i].sentence, states[i].action };
	if (base != UC_JOB_FAILED)
		return (struct words){ UC_ENDING_UNKNOWN, "unknown state",
				       "is in a state that is not known", NULL };
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (ending->reason == reasons[i].reason)
			return (struct words){ reasons[i].kind, reasons[i].brief,
					       reasons[i].sentence, reasons[i].action };
	if (ending->state & UC_JOB_LAUNCH_FAILED)
		return find_words(&(struct uc_ending){ .state = UC_JOB_FAILED,
						       .reason = REASON_LAUNCH });
	return own_failure(ending);
}

enum uc_ending_kind uc_ending_kind(const struct uc_ending *ending)
{
	return find_words(ending).kind;
}

void uc_ending_of_job(struct uc_ending *ending, const struct uc_job *job, int64_t now)
{
	*ending = (struct uc_ending){
		.state = job->state,
		.reason = job->reason,
		.exit_status = job->exit_status,
		.derived_status = job->derived_status,
		.start_time = job->start_time,
		.elapsed = uc_job_elapsed(job, now),
		.time_limit = job->time_limit,
		.memory = job->memory,
		.memory_per_cpu = job->memory_per_cpu,
	};
	/* cancelled while it waited: slurmctld sets both to the same second */
	if (!job->nodes.bytes && job->start_time && job->start_time == job->end_time)
		ending->start_time = 0;
}

int uc_ending_code(const struct uc_ending *ending)
{
	int number = signal_in(ending->exit_status);

	if (uc_ending_kind(ending) == UC_ENDING_NONE)
		return -1;
	return number ? 128 + number : code_of(ending->exit_status);
}

/* As Linux numbers them on x86 and ARM, wherever this runs. */
static const char *signal_name(int number)
{
	static const char *const names[] = {
		[1] = "HUP",   [2] = "INT",     [3] = "QUIT",  [4] = "ILL",
		[5] = "TRAP",  [6] = "ABRT",    [7] = "BUS",   [8] = "FPE",
		[9] = "KILL",  [10] = "USR1",   [11] = "SEGV", [12] = "USR2",
		[13] = "PIPE", [14] = "ALRM",   [15] = "TERM", [16] = "STKFLT",
		[17] = "CHLD", [18] = "CONT",   [19] = "STOP", [20] = "TSTP",
		[21] = "TTIN", [22] = "TTOU",   [23] = "URG",  [24] = "XCPU",
		[25] = "XFSZ", [26] = "VTALRM", [27] = "PROF", [28] = "WINCH",
		[29] = "IO",   [30] = "PWR",    [31] = "SYS",
	};

	return number > 0 && number < 32 ? names[number] : NULL;
}

void uc_buf_signal(struct uc_buf *buf, int number)
{
	const char *name = signal_name(number);

	uc_buf_addf(buf, "signal %d", number);
	if (name)
		uc_buf_addf(buf, " (%s)", name);
}

/* The signal that ended a command, of a status or of what a shell made of it; or 0. */
static int signal_of(uint32_t status)
{
	int code = code_of(status);

	if (signal_in(status))
		return signal_in(status);
	return code > 128 && signal_name(code - 128) ? code - 128 : 0;
}

void uc_ending_brief(struct uc_buf *buf, const struct uc_ending *ending, unsigned safe)
{
	const struct words words = find_words(ending);

	if (words.kind == UC_ENDING_SIGNAL)
		uc_buf_signal(buf, signal_in(ending->exit_status));
	else if (words.kind == UC_ENDING_CODE)
		uc_buf_addf(buf, "exit code %d", code_of(ending->exit_status));
	else
		uc_buf_add(buf, words.brief);
	if (words.kind == UC_ENDING_CANCELLED && !uc_raw_empty(ending->cancelled_by)) {
		uc_buf_add(buf, " by ");
		uc_buf_safe(buf, ending->cancelled_by, safe);
	}
}

static void add_code(struct uc_buf *buf, const struct uc_ending *ending)
{
	int code = code_of(ending->exit_status);
	int number = signal_of(ending->exit_status);

	uc_buf_addf(buf, "failed with exit code %d", code);
	for (size_t i = 0; i < COUNT(codes); i++)
		if (codes[i].code == code)
			uc_buf_addf(buf, ": %s", codes[i].words);
	if (!number)
		return;
	uc_buf_add(buf, ": ");
	uc_buf_signal(buf, number);
	uc_buf_add(buf, " ended a command in it");
}

static void add_signal(struct uc_buf *buf, const struct uc_ending *ending)
{
	int number = signal_in(ending->exit_status);

	uc_buf_add(buf, "was ended by ");
	uc_buf_signal(buf, number);
	for (size_t i = 0; i < COUNT(signals); i++)
		if (signals[i].number == number)
			uc_buf_addf(buf, ": %s", signals[i].words);
	if (ending->exit_status & 0x80)
		uc_buf_add(buf, " (core dumped)");
}

/* The script went on although a command that srun started in it had failed. */
static void add_derived(struct uc_buf *buf, uint32_t status)
{
	uc_buf_add(buf, ", but a step of it ");
	if (is_oom(status)) {
		uc_buf_add(buf, "ran out of memory");
	} else if (signal_in(status)) {
		uc_buf_add(buf, "was ended by ");
		uc_buf_signal(buf, signal_in(status));
	} else {
		uc_buf_addf(buf, "failed with exit code %d", code_of(status));
	}
}

static void add_amount(struct uc_buf *buf, const struct uc_ending *ending,
		       enum uc_ending_kind kind)
{
	if (kind == UC_ENDING_TIME && ending->time_limit > 0 &&
	    ending->time_limit != UC_DURATION_INFINITE) {
		uc_buf_add(buf, " of ");
		uc_duration_words(buf, ending->time_limit);
	}
	if (kind == UC_ENDING_MEMORY && ending->memory) {
		uc_buf_add(buf, ": it had asked for ");
		uc_size_words(buf, ending->memory);
		uc_buf_add(buf, ending->memory_per_cpu ? " a CPU" : " a node");
	}
}

static void add_cancelled(struct uc_buf *buf, const struct uc_ending *ending,
			  unsigned safe)
{
	if (!uc_raw_empty(ending->cancelled_by)) {
		uc_buf_add(buf, " by ");
		uc_buf_safe(buf, ending->cancelled_by, safe);
	}
	if (!ending->start_time) {
		uc_buf_add(buf, " before it started");
	} else if (ending->elapsed > 0) {
		uc_buf_add(buf, " after ");
		uc_duration_words(buf, ending->elapsed);
	}
}

void uc_ending_sentence(struct uc_buf *buf, const struct uc_ending *ending, unsigned safe)
{
	const struct words words = find_words(ending);

	if (words.kind == UC_ENDING_CODE)
		add_code(buf, ending);
	else if (words.kind == UC_ENDING_SIGNAL)
		add_signal(buf, ending);
	else
		uc_buf_add(buf, words.sentence);
	add_amount(buf, ending, words.kind);
	if (words.kind == UC_ENDING_CANCELLED)
		add_cancelled(buf, ending, safe);
	if (words.kind == UC_ENDING_NODE && !uc_raw_empty(ending->failed_node)) {
		uc_buf_add(buf, ": ");
		uc_buf_safe(buf, ending->failed_node, safe);
	}
	if (words.kind == UC_ENDING_COMPLETED && ending->derived_status)
		add_derived(buf, ending->derived_status);
	if (ending->state & UC_JOB_COMPLETING)
		uc_buf_add(buf, "; its nodes are being cleaned up");
}

void uc_ending_action(struct uc_buf *buf, const struct uc_ending *ending)
{
	const struct words words = find_words(ending);
	const char *action = words.action;
	int number = signal_of(ending->exit_status);

	if (words.kind == UC_ENDING_CODE || words.kind == UC_ENDING_SIGNAL) {
		action = "look at its output";
		for (size_t i = 0; i < COUNT(codes); i++)
			if (codes[i].code == code_of(ending->exit_status))
				action = codes[i].action;
		for (size_t i = 0; i < COUNT(signals); i++)
			if (signals[i].number == number)
				action = signals[i].action;
	} else if (words.kind == UC_ENDING_MEMORY && ending->memory_per_cpu) {
		action = "ask for more --mem-per-cpu";
	}
	if (action)
		uc_buf_add(buf, action);
}
