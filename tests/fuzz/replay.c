/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Runs a fuzz target once over every file of the folders named: the corpus as a test.
 * With --faults=N also N times with an allocation that fails, spread over all that the
 * corpus makes it do (--faults=all: each of them): it neither crashes nor loses memory.
 * What the target itself expects of its input it may then miss.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
void __lsan_disable(void) __attribute__((weak));

struct input {
	char *path;
	uint8_t *data;
	size_t size, points; /* allocations */
};

struct corpus {
	struct input *item;
	size_t count;
};

static struct {
	sigjmp_buf missed;
	pthread_t thread;
	bool runs;
	const char *path;
	size_t point;
} now;

/* ---- The corpus ---- */

static int read_file(struct corpus *corpus, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct input *in;
	struct stat st;

	if (!f || fstat(fileno(f), &st) < 0)
		return perror(path), -1;
	in = realloc(corpus->item, (corpus->count + 1) * sizeof(*in));
	if (!in)
		return perror(path), -1;
	corpus->item = in;
	in += corpus->count++;
	*in = (struct input){ .path = strdup(path),
			      .data = malloc((size_t)st.st_size + 1) };
	in->size = in->data ? fread(in->data, 1, (size_t)st.st_size, f) : 0;
	fclose(f);
	/* of exactly that size, so that reading on is seen */
	in->data = realloc(in->data, in->size ? in->size : 1);
	return in->path && in->data ? 0 : -1;
}

static int read_folder(struct corpus *corpus, const char *folder)
{
	struct dirent **name;
	int count = scandir(folder, &name, NULL, alphasort), result = 0;

	if (count < 0)
		return perror(folder), -1;
	for (int i = 0; i < count; i++) {
		char path[4096];

		(void)snprintf(path, sizeof(path), "%s/%s", folder, name[i]->d_name);
		if (name[i]->d_name[0] != '.' && result == 0)
			result = read_file(corpus, path);
		free(name[i]);
	}
	free(name);
	return result;
}

static void free_corpus(struct corpus *corpus)
{
	for (size_t i = 0; i < corpus->count; i++) {
		free(corpus->item[i].path);
		free(corpus->item[i].data);
	}
	free(corpus->item);
}

/* ---- Faults ---- */

/* The target's own checks end here: without memory not all that it wants can be. */
static _Noreturn void expectation_missed(const char *what)
{
	if (now.runs && fault_seen()->hit && pthread_equal(now.thread, pthread_self()))
		siglongjmp(now.missed, 1);
	(void)fprintf(stderr, "%s\n", what);
	(void)signal(SIGABRT, SIG_DFL);
	(void)raise(SIGABRT);
	_exit(1);
}

void abort(void)
{
	expectation_missed("aborted");
}

void __assert_fail(const char *what, const char *file, unsigned line,
		   const char *function)
{
	(void)file, (void)line, (void)function;
	expectation_missed(what);
}

static void tell_where(void)
{
	if (now.runs)
		(void)fprintf(stderr, "%s: allocation %zu fails (%s)\n", now.path,
			      now.point, fault_seen()->what);
}

/* What is lost, in blocks; 0 when the target's own checks ended it. */
static long run_point(const struct input *in, size_t point)
{
	const struct fault_plan plan = { .kind = FAULT_MEMORY, .at = point };
	volatile bool missed = true;

	now.path = in->path;
	now.point = point;
	now.thread = pthread_self();
	now.runs = true;
	if (sigsetjmp(now.missed, 0) == 0) {
		fault_begin(&plan);
		LLVMFuzzerTestOneInput(in->data, in->size);
		missed = false;
	}
	fault_end();
	now.runs = false;
	return missed ? 0 : fault_live();
}

/* Number of points; an input whose memory is kept from run to run is not judged by it. */
static size_t count_points(struct corpus *corpus, bool *keeps)
{
	size_t total = 0;

	*keeps = false;
	for (size_t i = 0; i < corpus->count; i++) {
		(void)run_point(&corpus->item[i], 0);
		if (run_point(&corpus->item[i], 0) != 0)
			*keeps = true;
		corpus->item[i].points = fault_seen()->count;
		total += fault_seen()->count;
	}
	return total;
}

/* "all", a number of points, or "@N": that allocation of each input alone */
static int run_faults(struct corpus *corpus, const char *text)
{
	size_t most = strcmp(text, "all") == 0 ? SIZE_MAX : strtoul(text, NULL, 10);
	size_t only = text[0] == '@' ? strtoul(text + 1, NULL, 10) : 0;
	size_t total, index = 0, done = 0, lost = 0;
	bool keeps;

	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(tell_where);
	if (__lsan_disable) /* a target that is left by a jump frees nothing */
		__lsan_disable();
	total = count_points(corpus, &keeps);
	for (size_t i = 0; i < corpus->count; i++)
		for (size_t point = 1; point <= corpus->item[i].points; point++) {
			long blocks;

			if (only ? point != only : !fault_chosen(index++, total, most))
				continue;
			done++;
			blocks = run_point(&corpus->item[i], point);
			/* libcrypto keeps the last 16 of its errors, with their texts */
			for (int again = 0; again < 200 && blocks > 0; again++)
				blocks = run_point(&corpus->item[i], point);
			if (blocks <= 0 || keeps) /* < 0: what it had kept */
				continue;
			(void)fprintf(stderr, "%s: allocation %zu fails (%s): %ld lost\n",
				      corpus->item[i].path, point, fault_seen()->what,
				      blocks);
			lost++;
		}
	printf("%zu of %zu allocations failed%s\n", done, total,
	       keeps ? "; what it keeps was not counted" : "");
	return done == 0 || lost > 0;
}

int main(int argc, char **argv)
{
	struct corpus corpus = { 0 };
	const char *faults = NULL;
	int result = 0;

	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--faults=", 9) == 0)
			faults = argv[i] + 9;
		else if (read_folder(&corpus, argv[i]) < 0)
			return 1;
	for (size_t i = 0; i < corpus.count; i++)
		LLVMFuzzerTestOneInput(corpus.item[i].data, corpus.item[i].size);
	printf("%zu inputs replayed\n", corpus.count);
	if (faults && corpus.count > 0)
		result = run_faults(&corpus, faults);
	result = corpus.count > 0 ? result : 1;
	free_corpus(&corpus);
	return result;
}
