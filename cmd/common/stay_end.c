/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The end of a job, and of watching it. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/efficiency.h>
#include <ucluster/ending.h>
#include <ucluster/history.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "common/json.h"
#include "common/own.h"
#include "common/stay_state.h"

/* Seconds: shorter jobs have no efficiency; ms for accounting to tell of it. */
#define USE_LEAST 60
#define USE_MS    2000
#define AGAIN_MS  2000  /* a second Ctrl-C asks to end the job */
#define WAIT_MS   60000 /* for an answer */

/* "4711", "4711_3", as the user would type it. */
static void add_id(struct uc_buf *out, const struct uc_job_id *id)
{
	uc_buf_addi(out, id->job);
	if (id->task != UC_NONE32)
		uc_buf_addf(out, "_%" PRIu32, id->task);
	if (id->component != UC_NONE32)
		uc_buf_addf(out, "+%" PRIu32, id->component);
}

/* --- how it ended --- */

/* Where doing the same again makes sense, and with what. */
static bool add_again(struct uc_buf *line, const struct uc_ending *ending,
		      uint32_t job_id)
{
	uc_auto(buf) struct uc_buf more = { 0 };

	switch (uc_ending_kind(ending)) {
	case UC_ENDING_TIME:
		if (ending->time_limit > 0 &&
		    ending->time_limit != UC_DURATION_INFINITE) {
			uc_buf_add(&more, " --time=");
			uc_duration_format(&more, ending->time_limit * 2);
		}
		break;
	case UC_ENDING_MEMORY:
		if (ending->memory > 0) {
			uc_buf_add(&more, ending->memory_per_cpu ? " --mem-per-cpu="
								 : " --mem=");
			uc_size_format(&more, ending->memory * 2);
		}
		break;
	case UC_ENDING_CODE:
	case UC_ENDING_SIGNAL:
	case UC_ENDING_SYSTEM:
	case UC_ENDING_NODE:
	case UC_ENDING_PREEMPTED:
	case UC_ENDING_DEADLINE:
		break;
	default:
		return false;
	}
	uc_buf_addf(line, "usrun --again %" PRIu32 "%s", job_id, uc_buf_text(&more));
	return true;
}

void uc_stay_keep(const struct uc_run *run, const struct uc_job *job, int status)
{
	uc_auto(buf) struct uc_buf dir = { 0 };
	struct uc_receipt_key key;
	struct uc_error err = { 0 };

	uc_receipt_key_of(&key, job);
	uc_run_state_dir(run, &dir);
	if (dir.len > 0 && job->user_id == getuid() && status >= 0 &&
	    uc_receipt_end(uc_buf_text(&dir), &key, (uint32_t)status, time(NULL), &err) <
		    0 &&
	    err.code != UC_NOTFOUND)
		uc_run_say(run, 1, "receipt of job %" PRIu32 ": %s", key.job_id,
			   err.text);
}

/* "43% of 4 CPUs, 5.9G of 64G memory": where the site measures it, and it ran long enough
 * for that to mean something. */
static void tell_use(struct stay *s, const struct uc_job *job)
{
	const struct uc_history_query query = { .job_ids = &job->job_id,
						.job_count = 1,
						.since = job->submit_time,
						.steps = true };
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(history) struct uc_history *history = NULL;
	uc_auto(buf) struct uc_buf line = { 0 };
	struct uc_history_facts facts;
	struct uc_efficiency use;

	if (uc_job_elapsed(job, s->jobs->now) < USE_LEAST ||
	    uc_run_source(s->run, USE_MS, &src) < 0 ||
	    uc_history_load(src, &query, &facts, &history, NULL) < 0 ||
	    facts.origin != UC_HISTORY_ACCOUNTING ||
	    uc_efficiency_of(history, &use, NULL) < 0 || use.cpu_share.count == 0)
		return;
	uc_buf_addf(&line, "it used %" PRId64 "%% of %" PRIu32 " CPUs",
		    use.cpu_share.middle / 10, use.cpus);
	if (use.memory.count > 0 && use.memory_given > 0) {
		uc_buf_add(&line, ", at most ");
		uc_size_words(&line, (uint64_t)use.memory.most);
		uc_buf_add(&line, " of ");
		uc_size_words(&line, use.memory_given);
		uc_buf_add(&line, " memory");
	}
	if (use.gpu_percent.count > 0)
		uc_buf_addf(&line, ", %" PRId64 "%% of its GPUs", use.gpu_percent.middle);
	stay_say(s, "%s", uc_buf_text(&line));
}

static void tell_one(struct stay *s, const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf line = { 0 }, more = { 0 };
	uc_auto(receipt) struct uc_receipt *receipt = NULL;
	struct uc_ending ending;

	uc_ending_of_job(&ending, job, s->jobs->now);
	uc_buf_add(&line, "job ");
	uc_buf_job_id(&line, job, UC_NONE32);
	uc_buf_addc(&line, ' ');
	uc_ending_sentence(&line, &ending, s->run->safe);
	/* some sentences tell it themselves */
	if (ending.start_time && ending.elapsed > 0 &&
	    !strstr(uc_buf_text(&line), " after ")) {
		uc_buf_add(&line, ", after ");
		uc_duration_words(&line, ending.elapsed);
	}
	stay_say(s, "%s", uc_buf_text(&line));
	tell_use(s, job);
	/* what an exit code means is in the output, which is on the screen */
	if (uc_ending_kind(&ending) != UC_ENDING_CODE || !s->what->output)
		uc_ending_action(&more, &ending);
	if (more.len > 0)
		fprintf(stderr, "hint: %s\n", uc_buf_text(&more));
	uc_buf_reset(&more);
	receipt = uc_run_receipt(s->run, job);
	if (receipt && add_again(&more, &ending, receipt->job_id))
		fprintf(stderr, "again: %s\n", uc_buf_text(&more));
}

/* "7 completed, 1 failed"; and those that failed, by name. */
static void tell_many(struct stay *s, size_t rows)
{
	uc_auto(buf) struct uc_buf bad = { 0 }, line = { 0 };
	size_t good = 0, named = 0;

	for (size_t i = 0; i < s->jobs->count; i++) {
		const struct uc_job *job = &s->jobs->row[i];
		struct uc_ending ending;

		if (!uc_job_id_match(&s->what->id, job))
			continue;
		uc_ending_of_job(&ending, job, s->jobs->now);
		if (uc_ending_kind(&ending) == UC_ENDING_COMPLETED) {
			good++;
			continue;
		}
		if (named++ >= 8)
			continue;
		uc_buf_add(&bad, named > 1 ? ", " : ": ");
		uc_buf_job_id(&bad, job, UC_NONE32);
		uc_buf_add(&bad, " (");
		uc_ending_brief(&bad, &ending, s->run->safe);
		uc_buf_addc(&bad, ')');
	}
	uc_buf_addf(&line, "job %" PRIu32 ": %zu of %zu completed", s->what->id.job, good,
		    rows);
	uc_buf_add(&line, uc_buf_text(&bad));
	if (named > 8)
		uc_buf_addf(&line, ", and %zu more", named - 8);
	stay_say(s, "%s", uc_buf_text(&line));
}

void stay_end(struct stay *s)
{
	const struct uc_job *only = NULL;
	size_t rows = 0;

	for (size_t i = 0; s->jobs && i < s->jobs->count; i++)
		if (uc_job_id_match(&s->what->id, &s->jobs->row[i])) {
			only = &s->jobs->row[i];
			rows++;
			if (s->printer.json && stay_event(s, "end", only) < 0)
				return;
		}
	if (only && s->over && s->seen && s->what->id.task == UC_NONE32 &&
	    s->what->id.component == UC_NONE32)
		uc_stay_keep(s->run, only, s->status);
	if (!s->what->ending || s->printer.json)
		return;
	if (rows == 1)
		tell_one(s, only);
	else if (rows > 1)
		tell_many(s, rows);
	else
		stay_say(s,
			 "slurmctld has forgotten job %" PRIu32
			 ": how it ended is in sacct, where the site has accounting",
			 s->what->id.job);
}

int stay_event(struct stay *s, const char *event, const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf object = { 0 }, name = { 0 }, text = { 0 };
	struct uc_json json = { .out = &object };
	struct uc_ending ending;

	if (!s->printer.json)
		return 0;
	uc_buf_job_id(&name, job, UC_NONE32);
	uc_json_open(&json, NULL, '{');
	uc_json_text(&json, "event", uc_raw(event));
	uc_json_time(&json, "time", (int64_t)time(NULL));
	uc_json_text(&json, "job", uc_raw(uc_buf_text(&name)));
	uc_json_text(&json, "state", uc_raw(uc_job_state_name(job->state)));
	uc_json_text(&json, "reason", uc_raw(uc_reason_name(job->reason)));
	uc_json_text(&json, "nodes", job->nodes);
	uc_json_time(&json, "start_time", job->start_time);
	if (strcmp(event, "end") == 0) {
		uc_ending_of_job(&ending, job, s->jobs->now);
		uc_ending_sentence(&text, &ending, 0);
		uc_json_number(&json, "exit_code", uc_ending_code(&ending));
		uc_json_duration(&json, "elapsed", ending.elapsed);
		uc_json_text(&json, "text", uc_raw(uc_buf_text(&text)));
	}
	uc_json_close(&json, '}');
	object.failed |= name.failed || text.failed;
	return uc_printer_event(&s->printer, &object);
}

/* --- Ctrl-C --- */

static void say_how_to_go_on(struct stay *s)
{
	uc_auto(buf) struct uc_buf id = { 0 };

	add_id(&id, &s->what->id);
	stay_say(s, "detached, job %s goes on", uc_buf_text(&id));
	fprintf(stderr,
		"hint: 'uattach %s' comes back, 'uqueue --cancel %s' ends the job\n",
		uc_buf_text(&id), uc_buf_text(&id));
}

static bool wait_for(int fd, int ms)
{
	struct pollfd on = { .fd = fd, .events = POLLIN };

	return poll(&on, 1, ms) > 0;
}

static void end_job(struct stay *s)
{
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(buf) struct uc_buf id = { 0 };
	const struct uc_action action = { .kind = UC_ACTION_CANCEL };
	struct uc_target target = { 0 };
	struct uc_error err = { 0 };
	char *note = NULL;

	add_id(&id, &s->what->id);
	target.id = uc_buf_text(&id);
	for (size_t i = 0; s->jobs && i < s->jobs->count && !target.job_id; i++)
		if (uc_job_id_match(&s->what->id, &s->jobs->row[i])) {
			target.job_id = s->jobs->row[i].job_id;
			target.submit_time = s->jobs->row[i].submit_time;
			target.user_id = s->jobs->row[i].user_id;
		}
	if (uc_run_source(s->run, 0, &src) < 0)
		return;
	if (uc_act(src, &action, &target, &note, &err) < 0)
		uc_run_error(s->run, &err);
	else
		stay_say(s, "job %s is cancelled%s%s", target.id, note ? ": " : "",
			 note ? note : "");
	free(note);
}

/* On a terminal a second Ctrl-C asks; everywhere else one is all. */
void stay_detach(struct stay *s, int signal_number)
{
	struct signalfd_siginfo info;
	uc_auto(buf) struct uc_buf id = { 0 };
	char answer[16] = "";
	ssize_t got;

	s->status = 128 + signal_number;
	stay_line_erase(s);
	say_how_to_go_on(s);
	if (signal_number != SIGINT || !s->run->stdin_tty || !s->run->stderr_tty ||
	    s->over || !wait_for(s->signals, AGAIN_MS) ||
	    read(s->signals, &info, sizeof(info)) != sizeof(info) ||
	    info.ssi_signo != SIGINT)
		return;
	add_id(&id, &s->what->id);
	fprintf(stderr, "\rcancel job %s? [y/N] ", uc_buf_text(&id));
	if (!wait_for(STDIN_FILENO, WAIT_MS)) {
		fputc('\n', stderr);
		return;
	}
	got = read(STDIN_FILENO, answer, sizeof(answer) - 1);
	if (got > 0 && (answer[0] == 'y' || answer[0] == 'Y'))
		end_job(s);
}
