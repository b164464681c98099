/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * measure [-u UID] [-1cl] ROUNDS COMMAND... [ -- COMMAND... ]...: runs the commands in
 * turn, ROUNDS times each after one run that does not count, with output to /dev/null;
 * prints a line for each: median and least wall time in seconds, median and least CPU
 *time of it and its children, peak memory in MiB, failures. Peak memory is that of all
 * processes together where this is root with a memory controller of version 1 or 2, else
 * that of the largest.
 *
 *	-u UID   run them as this user
 *	-1       no run before those that count (for what takes minutes)
 *	-c       empty the kernel's caches before each run (root)
 *	-l       memory of the largest process, without what the kernel keeps for it
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX   101
#define COMMANDS_MAX 32

struct command {
	char **argv;
	double wall[ROUNDS_MAX], cpu[ROUNDS_MAX], peak;
	int failures;
};

/* Folder of the group that a child joins, and the file that has its peak. */
static struct {
	char folder[64];
	const char *peak;
} group;

static void make_group(void)
{
	static const struct {
		const char *root, *peak;
	} kinds[] = { { "/sys/fs/cgroup/memory", "memory.max_usage_in_bytes" },
		      { "/sys/fs/cgroup", "memory.peak" } };

	for (size_t i = 0; i < 2 && !group.peak; i++) {
		char path[128];

		snprintf(group.folder, sizeof(group.folder), "%s/ucluster-%d",
			 kinds[i].root, (int)getpid());
		if (mkdir(group.folder, 0755) < 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", group.folder, kinds[i].peak);
		if (access(path, R_OK) == 0)
			group.peak = kinds[i].peak;
		rmdir(group.folder);
	}
}

static void join_group(void)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/cgroup.procs", group.folder);
	file = fopen(path, "w");
	if (!file || fprintf(file, "%d\n", (int)getpid()) < 0 || fclose(file) != 0)
		_exit(126);
}

static double group_peak(void)
{
	char path[128];
	double bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", group.folder, group.peak);
	file = fopen(path, "r");
	if (file) {
		if (fscanf(file, "%lf", &bytes) != 1)
			bytes = 0;
		fclose(file);
	}
	/* a process that has just ended may still be in it */
	for (int i = 0; i < 100 && rmdir(group.folder) < 0 && errno == EBUSY; i++)
		usleep(1000);
	return bytes / 1048576;
}

static uid_t user;
static int cold, at_once;

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void empty_caches(void)
{
	const int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	sync();
	if (fd < 0 || write(fd, "3", 1) != 1) {
		perror("measure: drop_caches");
		exit(1);
	}
	close(fd);
}

/* round < 0: does not count, but tells the memory (joining a group takes time). -1 has
 * the first do both. */
static void run(struct command *command, int round)
{
	struct rusage used;
	int status, null, tells = round < 0 || (at_once && !round),
			  in_group = tells && group.peak;
	double start, peak;
	pid_t pid;

	if (in_group && mkdir(group.folder, 0755) < 0)
		in_group = 0;
	if (cold && round >= 0)
		empty_caches();
	start = now();
	pid = fork();
	if (pid == 0) {
		if (in_group)
			join_group();
		null = open("/dev/null", O_RDWR);
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		if (user &&
		    (setresgid(user, user, user) < 0 || setresuid(user, user, user) < 0))
			_exit(126);
		execvp(command->argv[0], command->argv);
		_exit(127);
	}
	while (wait4(pid, &status, 0, &used) < 0 && errno == EINTR)
		continue;
	if (round >= 0) {
		command->wall[round] = now() - start;
		command->cpu[round] = seconds(used.ru_utime) + seconds(used.ru_stime);
	}
	peak = in_group ? group_peak() : (double)used.ru_maxrss / 1024;
	if (tells)
		command->peak = peak;
	if (status != 0)
		command->failures++;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	static struct command commands[COMMANDS_MAX];
	int rounds, option, largest = 0, count = 1;

	while ((option = getopt(argc, argv, "+u:1cl")) != -1) {
		if (option == 'u')
			user = (uid_t)atoi(optarg);
		else if (option == '1')
			at_once = 1;
		else if (option == 'c')
			cold = 1;
		else if (option == 'l')
			largest = 1;
		else
			return 2;
	}
	argv += optind - 1;
	argc -= optind - 1;
	rounds = argc > 2 ? atoi(argv[1]) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX)
		return 2;
	commands[0].argv = argv + 2;
	for (int i = 2; i < argc && count < COMMANDS_MAX; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		argv[i] = NULL;
		commands[count++].argv = argv + i + 1;
	}
	if (!largest)
		make_group();
	for (int round = at_once ? 0 : -1; round < rounds; round++)
		for (int c = 0; c < count; c++)
			run(&commands[c], round);
	for (int c = 0; c < count; c++) {
		struct command *command = &commands[c];

		qsort(command->wall, (size_t)rounds, sizeof(double), compare);
		qsort(command->cpu, (size_t)rounds, sizeof(double), compare);
		printf("%.6f %.6f %.6f %.6f %.1f %d\n", command->wall[rounds / 2],
		       command->wall[0], command->cpu[rounds / 2], command->cpu[0],
		       command->peak, command->failures);
	}
	return 0;
}
