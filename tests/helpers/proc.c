/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry {
	char state;
	pid_t parent;
	double cpu, reaped;
	long kib;
};

static int read_entry(pid_t pid, struct entry *e)
{
	unsigned long user, system, user_of_children, system_of_children, pages;
	char path[64], line[1024], *after;
	FILE *file;
	size_t len;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return -1;
	len = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[len] = '\0';
	after = strrchr(line, ')');
	if (!after ||
	    sscanf(after + 1,
		   " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu %*d %*d "
		   "%*d %*d %*u %*u %lu",
		   &e->state, &parent, &user, &system, &user_of_children,
		   &system_of_children, &pages) != 7)
		return -1;
	e->parent = parent;
	e->cpu = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
	e->reaped = (double)(user_of_children + system_of_children) /
		    (double)sysconf(_SC_CLK_TCK);
	e->kib = (long)pages * (sysconf(_SC_PAGESIZE) / 1024);
	return 0;
}

static int count_files(pid_t pid)
{
	char path[64];
	DIR *dir;
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

typedef void each_child(pid_t pid, const struct entry *e, void *arg);

static void each(pid_t parent, each_child *fn, void *arg)
{
	DIR *dir = opendir("/proc");
	struct dirent *name;

	while (dir && (name = readdir(dir))) {
		const pid_t pid = atoi(name->d_name);
		struct entry e;

		if (isdigit((unsigned char)name->d_name[0]) && read_entry(pid, &e) == 0 &&
		    e.parent == parent)
			fn(pid, &e, arg);
	}
	if (dir)
		closedir(dir);
}

static void add_cpu(pid_t pid, const struct entry *e, void *arg)
{
	double *cpu = arg;

	(void)pid;
	*cpu += e->cpu + e->reaped;
}

double proc_cpu(pid_t pid)
{
	struct entry e;
	double cpu;

	if (read_entry(pid, &e) < 0)
		return 0;
	cpu = e.cpu + e.reaped;
	each(pid, add_cpu, &cpu);
	return cpu;
}

/* Looks at which a zombie is still there: one that has just ended is none. */
enum {
	LONG = 3
};

struct look {
	struct proc_tree *tree;
	pid_t zombie[16];
	int seen[16];
	size_t zombies;
	long kib;
};

static void note_child(pid_t pid, const struct entry *e, void *arg)
{
	struct look *look = arg;
	const struct proc_tree *tree = look->tree;

	look->kib += e->kib;
	if (e->state != 'Z' || look->zombies == 16)
		return;
	look->zombie[look->zombies] = pid;
	look->seen[look->zombies] = 1;
	for (size_t i = 0; i < tree->zombies; i++)
		if (tree->zombie[i] == pid)
			look->seen[look->zombies] = tree->seen[i] + 1;
	look->tree->lasting += look->seen[look->zombies++] == LONG;
}

void proc_look(struct proc_tree *tree, pid_t pid)
{
	struct look look = { .tree = tree };
	struct entry e;

	if (read_entry(pid, &e) < 0)
		return;
	each(pid, note_child, &look);
	memcpy(tree->zombie, look.zombie, sizeof(look.zombie));
	memcpy(tree->seen, look.seen, sizeof(look.seen));
	tree->zombies = look.zombies;
	if (tree->looks++ <= 5) {
		tree->first_kib = e.kib;
		tree->files_first = count_files(pid);
	}
	tree->last_kib = e.kib;
	tree->files_last = count_files(pid);
	tree->most_kib = e.kib > tree->most_kib ? e.kib : tree->most_kib;
	if (e.kib + look.kib > tree->most_all_kib)
		tree->most_all_kib = e.kib + look.kib;
}

void proc_print(const struct proc_tree *tree)
{
	printf("rss KiB first %ld last %ld most %ld with children %ld\n", tree->first_kib,
	       tree->last_kib, tree->most_kib, tree->most_all_kib);
	printf("files first %d last %d zombies %zu\n", tree->files_first,
	       tree->files_last, tree->lasting);
}
