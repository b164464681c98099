/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USRUN_ON_H
#define UC_USRUN_ON_H
#include "usrun/usrun.h"

/* A job on another host: --on. Start with host, dir and u set. */
struct usrun_on {
	struct usrun *u;
	const char *host, *dir; /* of the configuration; borrowed */
	struct uc_buf root;     /* the project's folder here */
	struct uc_buf folder;   /* the working directory below it; empty: the same */
	struct uc_buf snapshot; /* its id */
	uint32_t job;
	bool terminal;      /* --pty or --detachable: no batch job */
	bool cannot_resume; /* lines of several files: they come in another order */
	int signals;        /* a signalfd; those that end us are blocked; -1: none */
};

/* What the child has printed, and how it ended. */
struct usrun_on_child {
	bool capture;      /* keep standard output in `out`; else it is ours */
	bool relay;        /* show both outputs, safe for a terminal */
	const char *mark;  /* of relay: its last line, which is not shown, is
			    * RS, this, a blank and a number */
	uint64_t skip;     /* of relay: bytes that were shown before */
	struct uc_buf out; /* of capture; at most USRUN_ON_OUT */
	uint64_t shown;    /* of relay: with those skipped */
	int said;          /* the number behind the mark; -1: there was none */
	int status;        /* its exit status, 128 + its signal */
	int signal;        /* SIGINT, ... that came meanwhile; 0: none */
};
#define USRUN_ON_OUT 65536u

/* Block the signals that would end us; a signalfd, or -1. */
int usrun_on_signals(void);
/* Run a program, found in PATH or by its path, to its end. UC_FAILED: not started. */
int usrun_on_run(const struct usrun_on *on, const struct uc_strv *words,
		 struct usrun_on_child *child, struct uc_error *err) UC_MUST_CHECK;
/* Wait; the number of the signal that came first, or 0. */
int usrun_on_rest(const struct usrun_on *on, int milliseconds);

/* The job goes on: how to come back to it. */
void usrun_on_say_back(const struct usrun_on *on);
/* It failed with that status, and has been told why. Returns -1. */
int usrun_on_end(const struct usrun_on *on, int status);
/*
 * Print the job's output until it is over; *status is its exit status. A connection that
 * is lost is made again.
 */
int usrun_on_follow(const struct usrun_on *on, int *status, struct uc_error *err);
/* Bring sync.outputs here; *status becomes that of usync unless it is a failure. */
int usrun_on_pull(const struct usrun_on *on, int *status, struct uc_error *err);

/* --- what runs where (on_words.c) --- */

void usrun_on_push_words(const struct usrun_on *on, struct uc_strv *words);
void usrun_on_pull_words(const struct usrun_on *on, struct uc_strv *words);
/* ssh, and usrun in the project's folder there. */
int usrun_on_submit_words(const struct usrun_on *on, struct uc_strv *words,
			  struct uc_error *err) UC_MUST_CHECK;
/* ssh, and uattach; its exit status comes behind `mark`. */
void usrun_on_follow_words(const struct usrun_on *on, const char *mark,
			   struct uc_strv *words);

#endif
