/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_SPAWN_H
#define UCLUSTER_SPAWN_H
/*
 * Starting programs, no shell between: words stay words, no signal is blocked.
 *
 *	const struct uc_spawn spawn = { .words = argv.item, .environment = env.item,
 *					.session = true, .fd = { -1, out, -1 } };
 *	rc = uc_spawn(&spawn, &pid);
 */
#include <stdbool.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uc_spawn {
	const char *program;      /* a name is looked for in PATH; NULL: the first word */
	char *const *words;       /* from its own name on; NULL-terminated */
	char *const *environment; /* NULL-terminated */
	bool session;             /* one of its own, out of the terminal's reach */
	bool group;               /* a process group of its own */
	/* its input, output and errors: this terminal, which is the session's then ... */
	const char *terminal;
	int fd[3]; /* ... or these; -1: /dev/null */
};

/* Start it. 0 and its *pid, which the caller waits for; or an errno. */
int uc_spawn(const struct uc_spawn *spawn, pid_t *pid);

#ifdef __cplusplus
}
#endif
#endif
