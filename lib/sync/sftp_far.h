/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_SFTP_FAR_H
#define UC_SYNC_SFTP_FAR_H
/*
 * A far end that is an SFTP server: jobs as tasks, each a sequence of steps. A step sends
 * requests; when all of them are answered the next step is taken, or what was begun is
 * cleaned up. Tasks run side by side, except where one needs what an earlier one does.
 *
 * SFTP has only paths: that none leads through a link is looked at once for each folder.
 */
#include "sync/far.h"
#include "sync/sftp.h"

#define UC_SFTP_TASKS   1024         /* at once */
#define UC_SFTP_PENDING (1u << 20)   /* bytes that wait to be written, about */
#define UC_SFTP_AHEAD   (8u << 20)   /* bytes asked for and not arrived */
#define UC_SFTP_SMALL   (256u << 10) /* a file that is kept in memory until it is whole */
#define UC_SFTP_UNIT    (16u << 20)  /* a partial file is resumed at a multiple of it */

enum uc_sftp_folder_state {
	UC_SFTP_FOLDER_NEW, /* not looked at */
	UC_SFTP_FOLDER_ASKED,
	UC_SFTP_FOLDER_THERE,
	UC_SFTP_FOLDER_MISSING,
	UC_SFTP_FOLDER_OTHER, /* a link, or anything else */
	UC_SFTP_FOLDER_FAILED,
};

struct uc_sftp_far;
struct uc_sftp_task;
typedef void uc_sftp_step(struct uc_sftp_task *task);

/* The note of READ and WRITE: offset << UC_SFTP_LEN_BITS | bytes. */
#define UC_SFTP_LEN_BITS 17
#define UC_SFTP_SIZE_MAX (UINT64_MAX >> UC_SFTP_LEN_BITS)

/* Tasks that wait for the same thing, in their order. Zero-initialise. */
struct uc_sftp_queue {
	struct uc_sftp_task *first, *last;
};

struct uc_sftp_folder {
	struct uc_sftp_far *far;
	enum uc_sftp_folder_state state;
	int errno_value;
	struct uc_sftp_queue waiting;
	struct uc_sftp_folder *next; /* of the same hash */
	char path[];
};

/* A piece of a file that came before those in front of it. */
struct uc_sftp_piece {
	struct uc_sftp_piece *next;
	uint64_t offset;
	size_t len;
	unsigned char bytes[];
};

struct uc_sftp_task {
	struct uc_sftp_far *far;
	struct uc_far_job *job;
	const char *path;                 /* of the job */
	size_t len;                       /* of the path */
	struct uc_sftp_task *prev, *next; /* all, in the order they came */
	struct uc_sftp_queue blocked;     /* that wait for the end of this one */
	struct uc_sftp_task *queued;      /* behind this one in a queue */
	uc_sftp_step *retry;              /* what to do when the wait is over */
	uc_sftp_step *then;               /* the next step; NULL: `busy` says when */
	unsigned open;                    /* requests without an answer */
	bool failed;                      /* the outcome is set; cleaning up */
	bool busy;                        /* is being written or read */
	bool holds, has_handle;
	struct uc_sftp_handle handle;
	char *temp;     /* path of what must be placed or removed; NULL */
	bool keep_temp; /* a partial file: the next run goes on in it */
	bool there;     /* what stands in `place` */
	struct uc_sftp_attrs place, other;
	unsigned trash_tries;
	bool links; /* a second name in the trash; what is there stays until then */
	uc_sftp_step *after_trash;
	/* Content. */
	int fd;
	uint64_t offset, answered, units;
	bool disorder; /* answers came in another order */
	struct uc_store_file *file;
	unsigned char *content;
	struct uc_sftp_piece *piece;
};

struct uc_sftp_list;
struct uc_sftp_far {
	struct uc_far far; /* first */
	struct uc_sftp sftp;
	struct uc_far_options options;
	char *root;            /* without a slash at its end: "" for "/" */
	struct uc_buf full[2]; /* paths that are being made */
	struct uc_sftp_list *list;
	struct uc_sftp_task *first, *last;
	unsigned tasks, stored; /* stored: wait for the store to put them in place */
	unsigned handles, handles_max;
	struct uc_sftp_queue writers, readers, for_handle, for_umask;
	uint64_t reading; /* bytes asked for */
	uint32_t read_max, write_max;
	unsigned char *block; /* write_max bytes */
	struct uc_far_job *ended, **ended_end;
	struct uc_sftp_folder **folder; /* by hash */
	size_t folder_slots, folders;
	struct uc_sync_list made; /* folders whose mode and time are set at the end */
	enum {
		UC_SFTP_UMASK_NEW,
		UC_SFTP_UMASK_ASKED,
		UC_SFTP_UMASK_KNOWN
	} umask_state;
	uint32_t umask;
	struct uc_sftp_handle probe;
	char *probe_name;
	bool lost;
};

/* The path at the far end, "ROOT/PATH"; valid until `which` (0, 1) is used again. */
const char *uc_sftp_full(struct uc_sftp_far *far, int which, const char *path);
/* As an answer sees things: UC_FAILED with what the server said, as one line. */
void uc_sftp_said(struct uc_buf *text, const struct uc_sftp_answer *answer);
/* Seconds since 1970, rounded down; within what SFTP can say. */
uint32_t uc_sftp_seconds(int64_t ns);
/* Whether attributes are those of the entry, as far as SFTP can tell. */
bool uc_sftp_same(const struct uc_sftp_attrs *attrs, const struct uc_sync_entry *entry);
/* Turn until there is nothing open, or `done` is true. */
int uc_sftp_settle(struct uc_sftp_far *far, const bool *done,
		   struct uc_error *err) UC_MUST_CHECK;

/* Folders: what is known, or the task waits and `retry` is called. */
enum uc_sftp_folder_state uc_sftp_folder(struct uc_sftp_task *task, const char *path,
					 size_t len, bool make);
void uc_sftp_folder_set(struct uc_sftp_far *far, const char *path,
			enum uc_sftp_folder_state state);
void uc_sftp_folders_free(struct uc_sftp_far *far);

/* Tasks */
void uc_sftp_queue_add(struct uc_sftp_queue *queue, struct uc_sftp_task *task);
struct uc_sftp_task *uc_sftp_queue_take(struct uc_sftp_queue *queue);
void uc_sftp_queue_wake(struct uc_sftp_queue *queue);
int uc_sftp_task_submit(struct uc_sftp_far *far, struct uc_far_job *job,
			struct uc_error *err) UC_MUST_CHECK;
/* A call whose answer the task waits for. */
struct uc_sftp_call uc_sftp_await(struct uc_sftp_task *task, uc_sftp_reply *reply,
				  uint64_t note);
/* To be called at the end of each `reply` given above. */
int uc_sftp_answered(struct uc_sftp_task *task);
/* An answer that is no more than a status. `what`, constant, is what failed, if it did.
 */
struct uc_sftp_call uc_sftp_await_status(struct uc_sftp_task *task, const char *what);
/* The attributes of what stands in its place, into task->place and task->there. */
void uc_sftp_look(struct uc_sftp_task *task);
/* What else is at a path, into task->other; a failure fails the task. */
void uc_sftp_look_other(struct uc_sftp_task *task, const char *full);
void uc_sftp_fail(struct uc_sftp_task *task, enum uc_far_outcome outcome, int errno_value,
		  const char *fmt, ...) UC_PRINTF(4, 5);
void uc_sftp_fail_answer(struct uc_sftp_task *task, const char *what,
			 const struct uc_sftp_answer *answer);
/* Open task->temp or the path: true when sent, else `retry` is called later. */
bool uc_sftp_open(struct uc_sftp_task *task, const char *path, uint32_t flags,
		  uc_sftp_step *retry);
void uc_sftp_close(struct uc_sftp_task *task);
/* End it: with the outcome that was set, or as done. Requests must be answered. */
void uc_sftp_end(struct uc_sftp_task *task);
/* Go on, when nothing is open: `then`, or clean up. */
void uc_sftp_go_on(struct uc_sftp_task *task);
/* A temporary's path beside the task's; NULL: a name that nobody guesses. */
bool uc_sftp_make_temp(struct uc_sftp_task *task, const char *name);

/* Steps that several kinds share. */
bool uc_sftp_expected(struct uc_sftp_task *task); /* else it fails with CHANGED */
void uc_sftp_place(struct uc_sftp_task *task);    /* temp to path */
void uc_sftp_trash(struct uc_sftp_task *task, uc_sftp_step *after);
/* The same, but it keeps its name, where the server can do that: task->links then. */
void uc_sftp_save(struct uc_sftp_task *task, uc_sftp_step *after);
uc_sftp_step uc_sftp_put, uc_sftp_get, uc_sftp_make_folder, uc_sftp_make_link,
	uc_sftp_make_twin, uc_sftp_set_meta, uc_sftp_remove;
/* Mode bits that a new file or folder gets. */
uint32_t uc_sftp_mode(const struct uc_sftp_far *far, const struct uc_sync_entry *entry);
bool uc_sftp_know_umask(struct uc_sftp_task *task, uc_sftp_step *retry);
/* Modes and times of folders; the last of a run. */
int uc_sftp_finish_folders(struct uc_sftp_far *far, struct uc_error *err) UC_MUST_CHECK;

/* Pass contents on as far as there is room. */
void uc_sftp_pump_writes(struct uc_sftp_far *far);
void uc_sftp_pump_reads(struct uc_sftp_far *far);
/* Free what only contents have. */
void uc_sftp_content_free(struct uc_sftp_task *task);

/* Lists */
int uc_sftp_list_ask(struct uc_far *far, const struct uc_far_list_options *options,
		     struct uc_error *err) UC_MUST_CHECK;
int uc_sftp_list_run(struct uc_far *far, struct uc_far_listed *listed,
		     struct uc_error *err) UC_MUST_CHECK;
void uc_sftp_list_free(struct uc_sftp_list *list);

#endif
