/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SESSION_SERVER_H
#define UC_SESSION_SERVER_H
/*
 * The server of a session: it runs as a batch job's command on the compute node, owns the
 * terminal that srun --pty has, and shows it to whoever attaches.
 *
 *	session-server --key=KEY --size=COLUMNSxROWS ... -- srun --pty ... bash
 *
 * It is one loop around poll(2). Nothing in it waits for a viewer: what one does not take
 * is kept up to a bound, then left out, and the screen is drawn anew once it took that.
 */
#include <poll.h>
#include <sys/types.h>
#include <ucluster/idle.h>
#include "session/screen.h"
#include "session/usage.h"

#define VIEWERS      32
#define VIEWER_QUEUE (256u << 10) /* bytes; beyond it output is left out */
#define INPUT_QUEUE  (256u << 10) /* bytes typed; beyond it viewers are not heard */
#define FIRST_OUTPUT (32u << 10)  /* shown as it came to the first viewer */

struct viewer {
	int fd; /* -1: free */
	struct uc_buf in, out;
	size_t sent; /* of out */
	bool attached, read_only, behind, leaving;
	struct uc_session_size size;
	uint64_t lines;       /* above its screen when output was left out first */
	uint64_t serial;      /* larger: attached or resized later */
	int64_t heard, spoke; /* ms */
};

struct options {
	struct uc_session_size size;
	int64_t history, idle, grace, limit; /* lines; seconds, 0 = none */
	bool latest; /* whose size counts: the latest viewer's, else the smallest */
	const char *state, *name, *key;
	char *const *command;
};

struct server {
	struct options options;
	const char *const *environment;
	const char *job;
	struct uc_screen *screen;
	struct uc_session_size size; /* the terminal's */
	int terminal, listener, signals;
	pid_t child;
	bool ended; /* the child was */
	int status;
	enum uc_session_end end;
	int64_t cancelled; /* ms; when we were told */
	bool closed;       /* no viewer is let in any more */

	struct uc_buf first; /* all output as long as nobody saw any */
	bool first_over;
	struct uc_buf typed;
	size_t typed_done;
	struct viewer viewer[VIEWERS];
	uint64_t serial;
	struct uc_guard guard;
	struct uc_gpu_probe probe;
	bool probe_all;      /* of all GPUs that are seen */
	int64_t ending;      /* ms; the guard's decision */
	int64_t given_back;  /* seconds of GPUs */
	int64_t started;     /* epoch */
	struct uc_buf place; /* of the socket */
};

/* server_view.c */
void uc_views_accept(struct server *s);
/* What came from, and can go to, one viewer. */
void uc_view_serve(struct server *s, struct viewer *v, short events);
bool uc_view_wants_out(const struct viewer *v);
bool uc_view_is_heard(const struct server *s, const struct viewer *v);
/* `lines`: uc_screen_lines() before these bytes. */
void uc_views_output(struct server *s, const char *bytes, size_t len, uint64_t lines);
void uc_views_notice(struct server *s, const char *text);
/* Words at intervals, and an end to viewers that are silent. */
void uc_views_tick(struct server *s);
void uc_views_over(struct server *s);
size_t uc_views_writing(const struct server *s);
/* Draw anew for everybody. */
void uc_views_redraw(struct server *s);

/* server_main.c */
void uc_server_typed(struct server *s, const char *bytes, size_t len);
bool uc_server_is_full(const struct server *s);
void uc_server_resize(struct server *s, const struct uc_session_size *size);

/* server_guard.c */
void uc_server_guard(struct server *s);
void uc_server_probed(struct server *s);

/* server_record.c: what is known of the session, STATE/JOB.json. */
void uc_server_record(const struct server *s);
/* Its last lines, when nobody is there who saw them: into the job's output. */
void uc_server_last_words(const struct server *s);

#endif
