/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_FRAME_H
#define UC_SLURM_FRAME_H
/*
 * What the library and its worker say to each other over a SOCK_STREAM socket pair:
 *
 *	frame	u32 length of body, u32 kind, body; at most UC_FRAME_MAX bytes
 *	body	items of u16 tag, u32 length, bytes; in host byte order, byte-exact
 *
 * A table travels beside its frame as a descriptor (SCM_RIGHTS, see wire.h).
 */
#include <ucluster/text.h>

#define UC_FRAME_MAX ((size_t)16 << 20)

enum uc_frame_kind {
	/* questions */
	UC_ASK_PING = 1,
	UC_ASK_JOBS,
	UC_ASK_NODES,
	UC_ASK_PARTITIONS,
	UC_ASK_SUBMIT,
	UC_ASK_LIMITS,
	UC_ASK_ESTIMATE,
	UC_ASK_RESERVATIONS,
	UC_ASK_STEPS,
	UC_ASK_TASK_NODE,
	UC_ASK_HISTORY,
	UC_ASK_ACT,
	UC_ASK_PROBE,
	/* answers */
	UC_SAY_HELLO = 100, /* once, when libslurm is ready */
	UC_SAY_SENDING,     /* from here on a lost answer leaves the outcome unknown */
	UC_SAY_DONE,
	UC_SAY_FAILED,
};

enum uc_frame_tag {
	UC_TAG_TIMEOUT_MS = 1, /* u32 */
	UC_TAG_USER_ID,        /* u32, repeats */
	UC_TAG_JOB_ID,         /* u32, repeats */
	UC_TAG_DETAIL,         /* no bytes */
	UC_TAG_FIELDS,         /* "job_id,user" */
	UC_TAG_STATES,         /* u32, bits as in uc_job_query */
	UC_TAG_STATE_FLAGS,    /* u32 */
	UC_TAG_SCRIPT,
	UC_TAG_ARGUMENT,    /* repeats */
	UC_TAG_ENVIRONMENT, /* repeats: NAME=value */
	UC_TAG_WORKDIR,
	UC_TAG_OPTION, /* repeats: name, NUL, value */
	UC_TAG_CODE,   /* u32, enum uc_code */
	UC_TAG_TEXT,
	UC_TAG_HINT,
	UC_TAG_NOTE,
	UC_TAG_MESSAGE,
	UC_TAG_UNSENT,  /* u32 1: the request surely did not reach slurmctld */
	UC_TAG_VERSION, /* "22.05.8" */
	UC_TAG_START,   /* i64 */
	UC_TAG_END,     /* i64 */
	UC_TAG_NODES,
	UC_TAG_PARTITION,
	UC_TAG_STEP,      /* u32 */
	UC_TAG_TASK,      /* u32 */
	UC_TAG_SINCE,     /* i64 */
	UC_TAG_VARIABLE,  /* repeats: NAME=value that --export does not take away */
	UC_TAG_ACTION,    /* u32, enum uc_action_kind */
	UC_TAG_SIGNAL,    /* u32 */
	UC_TAG_TARGET,    /* "4711_[3-5]" */
	UC_TAG_SUBMITTED, /* i64 */
	UC_TAG_USER_HOLD, /* u32 1: the owner may end it */
	UC_TAG_TOO_NEW,   /* u32 1: slurmctld may be of a release before this worker's */
};

/* UC_TAG_CODE of UC_ASK_PROBE: the index of a controller, or */
#define UC_PROBE_ACCOUNTING 1000u

/* A frame to be sent, or one that arrived. Zero-initialise with fd -1: UC_FRAME(kind). */
struct uc_frame {
	uint32_t kind;
	int fd; /* goes or came with it; owned by the frame; -1 = none */
	struct uc_buf body;
};
#define UC_FRAME(k)                                                                      \
	{                                                                                \
		.kind = (k), .fd = -1                                                    \
	}
void uc_frame_free(struct uc_frame *frame);
UC_DEFINE_AUTO_VALUE(frame, struct uc_frame)

void uc_frame_add(struct uc_frame *frame, enum uc_frame_tag tag, const void *bytes,
		  size_t len);
void uc_frame_add_u32(struct uc_frame *frame, enum uc_frame_tag tag, uint32_t value);
void uc_frame_add_text(struct uc_frame *frame, enum uc_frame_tag tag, const char *text);

/* Items in order; `at` starts as 0. False at the end, and when the body is broken. */
struct uc_frame_item {
	enum uc_frame_tag tag;
	const char *bytes; /* borrowed from the frame */
	size_t len;
};
bool uc_frame_next(const struct uc_frame *frame, size_t *at, struct uc_frame_item *item);
/* The whole body is well-formed. */
bool uc_frame_is_sound(const struct uc_frame *frame);
/* The first u32 of that tag, else `fallback`. */
uint32_t uc_frame_u32(const struct uc_frame *frame, enum uc_frame_tag tag,
		      uint32_t fallback);
/* The first text of that tag in new memory, NULL when there is none. */
char *uc_frame_text(const struct uc_frame *frame, enum uc_frame_tag tag);

/*
 * Sending and receiving in steps, so that the library can poll between them; on a
 * blocking socket one call does all. 1: done, 0: would block, -1: errno (EPIPE: the other
 * end is gone, EPROTO: not a frame, EMSGSIZE: too long or out of memory).
 */
struct uc_frame_progress {
	size_t done; /* bytes of head and body */
	unsigned char head[8];
};
int uc_frame_send(int sock, const struct uc_frame *frame, struct uc_frame_progress *at,
		  int flags);
int uc_frame_receive(int sock, struct uc_frame *frame, struct uc_frame_progress *at,
		     int flags);

#endif
