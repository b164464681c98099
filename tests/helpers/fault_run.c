/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A command under faults. Preloaded, this stands before its main: main runs in a child
 * without a fault, and then in one child for each point, where an allocation or a call
 * fails. Each time the command must
 *	- end by itself, with a status of the table (0 to 5), in time,
 *	- say why when it is not 0 (one line "prog: ..."),
 *	- have printed the same as without a fault when it is 0; or have said what is
 *missing,
 *	- leave each file of its folder as it was, or as it becomes without a fault.
 * The environment tells what to do:
 *	UC_FAULT_RUN    "memory" or "calls"
 *	UC_FAULT_MOST   at most so many points, spread evenly
 *	UC_FAULT_ONLY   this point alone ("17", of calls "17.1": its second error)
 *	UC_FAULT_WORLD  a folder that is put back before each point
 *	UC_FAULT_SKIP   parts of its paths, with ":" between, that are not looked at
 *	UC_FAULT_TRACE  set: with the stack of each fault
 * What was found is printed on stderr; the status is 0 when that is nothing.
 */
#include "fault.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS  20         /* that one point may take */
#define TEXT_MAX (1u << 20) /* bytes of output that are compared */

typedef int main_fn(int argc, char **argv, char **environment);

struct text {
	size_t len;
	char *bytes; /* NUL-terminated */
};

struct outcome {
	int status; /* of waitpid */
	struct text out, err;
};

static struct {
	main_fn *main;
	int argc;
	char **argv, **environment;
	enum fault_kind kind;
	const char *world;              /* or NULL */
	char before[4096], after[4096]; /* copies of it */
	struct outcome usual;
	size_t points, faults;
} run;

static void stop(const char *what)
{
	perror(what);
	_exit(99);
}

/* ---- The folder ---- */

static const char *tree_from, *tree_to;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

/* With its time: which of two files is the newer one stays so. */
static void copy_file(const char *from, const char *to, const struct stat *st)
{
	char block[65536];
	ssize_t got;
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st->st_mode & 07777);

	if (in < 0 || out < 0)
		stop(to);
	while ((got = read(in, block, sizeof(block))) > 0)
		if (write(out, block, (size_t)got) != got)
			stop(to);
	if (futimens(out, (const struct timespec[]){ st->st_atim, st->st_mtim }) < 0)
		stop(to);
	close(in);
	close(out);
}

static int copy_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	char to[8192], target[4096];
	ssize_t len;

	(void)at;
	(void)snprintf(to, sizeof(to), "%s%s", tree_to, path + strlen(tree_from));
	if (kind == FTW_D && mkdir(to, 0755) < 0)
		stop(to);
	if (kind == FTW_F)
		copy_file(path, to, st);
	if (kind == FTW_SL || kind == FTW_SLN) {
		len = readlink(path, target, sizeof(target) - 1);
		target[len < 0 ? 0 : len] = '\0';
		if (len < 0 || symlink(target, to) < 0)
			stop(to);
	}
	return 0;
}

static void copy_tree(const char *from, const char *to)
{
	(void)nftw(to, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	tree_from = from;
	tree_to = to;
	if (nftw(from, copy_one, 16, FTW_PHYS) != 0)
		stop(from);
}

static struct text read_text(const char *path, int fd)
{
	struct text text = { .bytes = malloc(TEXT_MAX + 1) };
	ssize_t got;

	if (path)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!text.bytes)
		stop("malloc");
	while (fd >= 0 && text.len < TEXT_MAX &&
	       (got = pread(fd, text.bytes + text.len, TEXT_MAX - text.len,
			    (off_t)text.len)) > 0)
		text.len += (size_t)got;
	text.bytes[text.len] = '\0';
	if (path && fd >= 0)
		close(fd);
	return text;
}

static bool same_text(const struct text *a, const struct text *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static const char *odd_file; /* what the walk came upon */

static bool same_file(const char *path, const char *base)
{
	char other[8192];
	struct text a, b;
	struct stat st;
	bool same;

	(void)snprintf(other, sizeof(other), "%s%s", base, path + strlen(run.world));
	if (lstat(other, &st) < 0)
		return false;
	a = read_text(path, -1);
	b = read_text(other, -1);
	same = same_text(&a, &b);
	free(a.bytes);
	free(b.bytes);
	return same;
}

/* UC_FAULT_SKIP: parts of paths where names and times are not the same twice. */
static bool is_skipped(const char *path)
{
	const char *skip = getenv("UC_FAULT_SKIP");
	char part[256];

	for (size_t len; skip && *skip; skip += len + (skip[len] == ':')) {
		len = strcspn(skip, ":");
		(void)snprintf(part, sizeof(part), "%.*s", (int)len, skip);
		if (len > 0 && strstr(path + strlen(run.world), part))
			return true;
	}
	return false;
}

/* What is there before and is there after is there in between. */
static int check_kept(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	const char *name = path + strlen(run.before);
	static char odd[8192];
	char other[8192];
	struct stat is;

	(void)st, (void)at;
	(void)snprintf(other, sizeof(other), "%s%s", run.after, name);
	if (kind == FTW_D || is_skipped(other) || lstat(other, &is) < 0)
		return 0;
	(void)snprintf(other, sizeof(other), "%s%s", run.world, name);
	if (lstat(other, &is) == 0)
		return 0;
	(void)snprintf(odd, sizeof(odd), "%s", name + 1);
	odd_file = odd;
	return 1;
}

static int check_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	static char odd[8192];

	(void)st, (void)at;
	if (kind != FTW_F || is_skipped(path) || same_file(path, run.before) ||
	    same_file(path, run.after))
		return 0;
	(void)snprintf(odd, sizeof(odd), "%s", path + strlen(run.world) + 1);
	odd_file = odd;
	return 1;
}

/* ---- One run ---- */

/* A status of SIGALRM: it had to be ended. */
static void wait_for(pid_t pid, int *status)
{
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, pid, 0),
			      .events = POLLIN };
	const bool late = poll(&end, 1, SECONDS * 1000) == 0;

	if (late)
		(void)kill(pid, SIGKILL);
	if (end.fd < 0 || waitpid(pid, status, 0) != pid)
		stop("waitpid");
	close(end.fd);
	(void)kill(-pid, SIGKILL); /* what it left running */
	if (late)
		*status = SIGALRM;
}

static struct outcome run_main(const struct fault_plan *plan)
{
	struct outcome outcome;
	int out = memfd_create("out", MFD_CLOEXEC),
	    err = memfd_create("err", MFD_CLOEXEC);
	pid_t pid;

	if (run.world)
		copy_tree(run.before, run.world);
	fflush(NULL);
	pid = fork();
	if (out < 0 || err < 0 || pid < 0)
		stop("fork");
	if (pid == 0) {
		if (dup2(out, 1) < 0 || dup2(err, 2) < 0)
			_exit(99);
		if (run.world && chdir(run.world) < 0)
			_exit(99);
		(void)setpgid(0, 0);
		fault_begin(plan);
		exit(run.main(run.argc, run.argv, run.environment));
	}
	wait_for(pid, &outcome.status);
	outcome.out = read_text(NULL, out);
	outcome.err = read_text(NULL, err);
	close(out);
	close(err);
	return outcome;
}

static void free_outcome(struct outcome *outcome)
{
	free(outcome->out.bytes);
	free(outcome->err.bytes);
}

/* What is wrong, or NULL. */
static const char *judge(const struct outcome *outcome)
{
	const char *colon = strstr(outcome->err.bytes, ": ");
	const int status = WIFEXITED(outcome->status) ? WEXITSTATUS(outcome->status) : -1;

	odd_file = NULL;
	if (status < 0)
		return WTERMSIG(outcome->status) == SIGALRM ? "does not end" : "crashed";
	if (strstr(outcome->err.bytes, "Sanitizer"))
		return strstr(outcome->err.bytes, "LeakSanitizer") ? "lost memory"
								   : "a sanitizer";
	if (status > 5)
		return "its exit status";
	if (status != 0 && !colon)
		return "said nothing";
	if (status == 0 &&
	    (getenv("UC_FAULT_TRACE") || outcome->err.len <= run.usual.err.len) &&
	    !same_text(&outcome->out, &run.usual.out))
		return "printed something else, and all seems well";
	if (run.world && nftw(run.world, check_one, 16, FTW_PHYS) != 0 && odd_file)
		return "left a file that is neither the old nor the new";
	if (run.world && nftw(run.before, check_kept, 16, FTW_PHYS) != 0 && odd_file)
		return "lost a file";
	return NULL;
}

/* The first line that is not as without a fault. */
static void show_difference(const struct text *usual, const struct text *now)
{
	size_t at = 0;

	for (size_t i = 0; i < usual->len && usual->bytes[i] == now->bytes[i]; i++)
		if (usual->bytes[i] == '\n')
			at = i + 1;
	(void)fprintf(stderr, "expected: %.*s\nprinted:  %.*s\n",
		      (int)strcspn(usual->bytes + at, "\n"), usual->bytes + at,
		      (int)strcspn(now->bytes + at, "\n"), now->bytes + at);
}

static void one_point(size_t at, unsigned variant)
{
	const struct fault_plan plan = { .kind = run.kind, .at = at, .variant = variant };
	struct outcome outcome = run_main(&plan);
	const char *wrong = fault_seen()->hit ? judge(&outcome) : NULL;

	run.points += fault_seen()->hit;
	if (wrong || getenv("UC_FAULT_SHOW")) {
		run.faults += wrong != NULL;
		(void)fprintf(stderr, "point %zu.%u (%s): %s%s%s, status %x\n%.*s\n", at,
			      variant, fault_seen()->what, wrong ? wrong : "well",
			      odd_file ? ": " : "", odd_file ? odd_file : "",
			      (unsigned)outcome.status,
			      wrong && strstr(wrong, "sanitizer") ? 6000 : 1500,
			      outcome.err.bytes);
		if (!same_text(&outcome.out, &run.usual.out))
			show_difference(&run.usual.out, &outcome.out);
	}
	free_outcome(&outcome);
}

/* ---- All of them ---- */

/* The errors of each call are points of their own. */
static void all_points(size_t most)
{
	const size_t count = fault_seen()->count < FAULT_SEEN_MAX ? fault_seen()->count
								  : FAULT_SEEN_MAX;
	unsigned char *errors = calloc(count + 1, 1);
	size_t total = 0, index = 0;

	if (!errors)
		stop("calloc");
	for (size_t i = 0; i < count; i++) {
		errors[i] = run.kind == FAULT_MEMORY ? 1 : fault_seen()->errors[i];
		total += errors[i];
	}
	for (size_t i = 0; i < count; i++)
		for (unsigned v = 0; v < errors[i]; v++)
			if (fault_chosen(index++, total, most))
				one_point(i + 1, v);
	free(errors);
	(void)fprintf(stderr, "# %zu of %zu points, %zu wrong\n", run.points, total,
		      run.faults);
}

static void learn_usual(void)
{
	const struct fault_plan plan = { .kind = run.kind };

	run.usual = run_main(&plan);
	if (!WIFEXITED(run.usual.status) || WEXITSTATUS(run.usual.status) > 5) {
		(void)fprintf(stderr, "without a fault: status %x\n%s",
			      (unsigned)run.usual.status, run.usual.err.bytes);
		_exit(98);
	}
	if (run.world)
		copy_tree(run.world, run.after);
}

static int run_points(int argc, char **argv, char **environment)
{
	const char *most = getenv("UC_FAULT_MOST"), *only = getenv("UC_FAULT_ONLY");
	const struct fault_plan none = { .kind = FAULT_NONE };
	char *dot = NULL;

	fault_begin(&none);           /* what is seen is shared with the children */
	(void)unsetenv("LD_PRELOAD"); /* what it starts is not meant */
	run.argc = argc;
	run.argv = argv;
	run.environment = environment;
	run.kind =
		strcmp(getenv("UC_FAULT_RUN"), "calls") == 0 ? FAULT_CALLS : FAULT_MEMORY;
	run.world = getenv("UC_FAULT_WORLD");
	if (run.world) {
		(void)snprintf(run.before, sizeof(run.before), "%s.before", run.world);
		(void)snprintf(run.after, sizeof(run.after), "%s.after", run.world);
		copy_tree(run.world, run.before);
	}
	learn_usual();
	if (only) {
		const size_t at = strtoul(only, &dot, 10);

		one_point(at, *dot == '.' ? (unsigned)strtoul(dot + 1, NULL, 10) : 0);
	} else {
		all_points(most ? strtoul(most, NULL, 10) : SIZE_MAX);
	}
	free_outcome(&run.usual);
	_exit(run.faults > 0 || run.points == 0);
}

/* Where a program's main is called from: ours stands in between. */
int __libc_start_main(main_fn *main, int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*rtld_fini)(void), void *stack_end);
int __libc_start_main(main_fn *main, int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
	int (*next)(main_fn *, int, char **, void (*)(void), void (*)(void),
		    void (*)(void), void *);

	*(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
	run.main = main;
	return next(getenv("UC_FAULT_RUN") ? run_points : main, argc, argv, init, fini,
		    rtld_fini, stack_end);
}
