/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TEST_PROC_H
#define UC_TEST_PROC_H
/*
 * What /proc says of a process and its children: memory, CPU time, zombies that nobody
 * takes away. Looked at about once a second.
 */
#include <stddef.h>
#include <sys/types.h>

struct proc_tree {
	size_t looks;
	long first_kib, last_kib, most_kib; /* of the process; first: after five */
	long most_all_kib;                  /* with its children */
	int files_first, files_last;        /* open descriptors */
	pid_t zombie[16];                   /* seen at the last look */
	size_t zombies, lasting;            /* lasting: at 30 looks */
	int seen[16];                       /* looks, of each of these */
};

void proc_look(struct proc_tree *tree, pid_t pid);
void proc_print(const struct proc_tree *tree);
/* CPU seconds of it and of its children, those that ended included. */
double proc_cpu(pid_t pid);

#endif
