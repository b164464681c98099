/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_FAR_HELPER_H
#define UC_SYNC_FAR_HELPER_H
/* What the files of the helper's client (far_helper*.c) share. */
#include "sync/far.h"
#include "sync/receive.h"
#include "sync/send.h"

#define HELPER_JOBS       16384u /* under way */
#define HELPER_LARGE      16u    /* of them, files in pieces */
#define HELPER_ANSWER_MAX (16u << 20)
#define HELPER_SILENCE_MS (60 * 1000)

/* A job under way; its number is its id. */
struct helper_slot {
	struct uc_far_job *job; /* NULL: free */
	uint32_t next_free;
	bool moving;       /* counted in `large` of the helper */
	bool large, begun; /* in pieces; GET: the other end began */
	bool sending;      /* the other end waits for more of it, or for its end */
	bool told, over;   /* GET: how it ended; nothing more comes */
	bool failed_here;  /* its outcome is set: nothing that is heard changes it */
};

/* A list under way. */
struct helper_list {
	const struct uc_far_list_options *options; /* `asked`; NULL: none is asked for */
	struct uc_far_list_options asked;          /* a copy: who asks need not stay */
	struct uc_far_listed *listed;
	struct XXH3_state_s *hash;
	struct uc_entry_codec codec;
	char last[UC_SYNC_PATH_MAX + 1]; /* path of the entry before */
	bool last_folder;
	uint64_t count, bytes;
	bool ended, complete;
};

struct helper {
	struct uc_far far;
	struct uc_far_options options;
	struct uc_stream stream;
	struct uc_talk talk;
	struct uc_sender sender;
	struct uc_receiver receiver;
	struct helper_slot *slot;
	uint32_t slots, free_slot; /* free_slot: 1 + index of the first; 0: none */
	size_t under_way, puts, large;
	size_t ended_count;
	struct uc_buf jobs; /* JOBS that is being filled */
	struct uc_job_codec codec;
	struct uc_far_job *ended, **last_ended; /* to be given to done() */
	bool full;                              /* a job was not taken */
	bool greeted, hello, opened, finishing, finished, flushed, lost;
	bool mute; /* it is there, and says nothing: SFTP would not do better */
	struct helper_list list;
	struct uc_buf answer;
	bool asked, answered;  /* CALL */
	struct uc_error fault; /* its answer, when text is set */
	struct uc_message_outcome finish;
	int silence_ms;
	int64_t left_ms; /* when the last step ended */
	int64_t told_ms; /* when the other end said something that is no BEAT */
	char how[96], root[UC_SYNC_PATH_MAX + 1];
	struct uc_error why; /* lost */
};

/* Conversation (far_helper.c) */

/* Take what arrived. */
int helper_take(struct helper *h, struct uc_error *err);
/* Wait until *done, for at most `silence` ms without a word. */
int helper_wait(struct helper *h, const bool *done, int silence, struct uc_error *err);
/* The other end does what it must not. */
int helper_bad(struct uc_error *err);

/* Lists (far_helper_list.c) */

int helper_list_ask(struct uc_far *far, const struct uc_far_list_options *options,
		    struct uc_error *err);
int helper_list_run(struct uc_far *far, struct uc_far_listed *listed,
		    struct uc_error *err);
int helper_entries(struct helper *h, const struct uc_frame *frame, struct uc_error *err);
int helper_note(struct helper *h, const struct uc_frame *frame, struct uc_error *err);
int helper_list_end(struct helper *h, const struct uc_frame *frame, struct uc_error *err);
void helper_list_over(struct helper *h);

/* Jobs (far_helper_jobs.c) */

int helper_submit(struct uc_far *far, struct uc_far_job *job, struct uc_error *err);
/* Send what is gathered. */
int helper_flush(struct helper *h, struct uc_error *err);
int helper_outcomes(struct helper *h, const struct uc_frame *frame, struct uc_error *err);
int helper_files(struct helper *h, const struct uc_frame *frame, struct uc_error *err);
int helper_get_begin(struct helper *h, const struct uc_frame *frame,
		     struct uc_error *err);
int helper_have(struct helper *h, const struct uc_frame *frame, struct uc_error *err);
int helper_sigs(struct helper *h, const struct uc_frame *frame, struct uc_error *err);
int helper_piece(struct helper *h, const struct uc_frame *frame, struct uc_error *err);
/* Callbacks of the sender and the receiver. */
int helper_jobs_open(struct helper *h, struct uc_error *err);
/* Give back what ended. True: something was. */
bool helper_give_back(struct helper *h);
/* All that is under way is lost. */
void helper_lose(struct helper *h, const struct uc_error *why);

#endif
