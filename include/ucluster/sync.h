/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_SYNC_H
#define UCLUSTER_SYNC_H
/*
 * Make two folders equal in one direction: what is missing or older at the destination is
 * written there, nothing else is touched unless asked for.
 *
 * What each side has is compared with what both had after the last run (its state, kept
 * for each pair of folders): a file that changed on both sides is a conflict, one that
 * only changed at the destination is kept. Without a state, a newer file at the
 * destination is kept, and an older one goes to the trash of the destination.
 *
 *	struct uc_sync_request request = { .direction = UC_SYNC_PUSH, .near = cwd,
 *					   .host = "cluster", .far = "/data/me/proj",
 *					   .ssh.destination = "cluster" };
 *	struct uc_sync_result result;
 *	if (uc_sync_run(&request, &watcher, &result, &err) == 0)
 *		printf("%s\n", result.how);
 */
#include <jansson.h>
#include <ucluster/ssh.h>

#ifdef __cplusplus
extern "C" {
#endif

enum uc_sync_direction {
	UC_SYNC_PUSH,
	UC_SYNC_PULL,
};

/* What becomes of one entry. */
enum uc_sync_action {
	UC_SYNC_NEW,      /* is not there yet */
	UC_SYNC_UPDATE,   /* content differs */
	UC_SYNC_META,     /* only mode or time differ */
	UC_SYNC_DELETE,   /* is not here, and --delete was given: to the trash */
	UC_SYNC_KEEP,     /* changed at the destination only: left as it is there */
	UC_SYNC_CONFLICT, /* changed on both sides: left as it is on both */
	UC_SYNC_SECRET,   /* looks like a secret: left behind */
	UC_SYNC_EXTRA,    /* is only at the destination, and stays */
	UC_SYNC_SAME,
	UC_SYNC_ACTIONS
};

/* One entry and what becomes of it. Strings are raw, and borrowed for the call. */
struct uc_sync_item {
	enum uc_sync_action action;
	const char *path, *target;
	char kind; /* 'f' file, 'd' folder, 'l' link, as find(1) has it */
	uint64_t size;
	int64_t mtime_ns, there_ns; /* there_ns: at the destination, INT64_MIN: none */
	uint64_t there_size;
	unsigned mode;   /* 07777 */
	const char *why; /* constant, or NULL: "newer there", "a private key" */
};

/* What a run would do, before it does anything. */
struct uc_sync_plan {
	uint64_t entries[UC_SYNC_ACTIONS];
	uint64_t bytes[UC_SYNC_ACTIONS];
	uint64_t skipped_files, skipped_bytes; /* by rules */
	size_t rules;                          /* that left something behind */
	uint64_t special;                      /* neither file, folder nor link */
	uint64_t unreadable;
	uint64_t refused; /* of the secrets: those asked for by name or pattern */
	bool complete;    /* both sides were seen whole: without it nothing is deleted */
	uint64_t bytes_free, quota_free; /* at the destination; UINT64_MAX: not known */
};

struct uc_sync_progress {
	uint64_t files, files_all, bytes, bytes_all; /* done and planned */
	uint64_t wire; /* bytes on the connections, both ways */
	uint64_t kept; /* bytes that did not travel: blocks and resumed parts */
	uint64_t failed;
	double seconds;
};

/* A rule, and what it left behind; a folder counts once. Strings are raw, borrowed. */
struct uc_sync_skipped {
	struct uc_raw origin, rule;
	int line; /* 0: none */
	uint64_t files, folders, bytes;
};

/* Who watches; each may be NULL. */
struct uc_sync_watcher {
	/* "connecting", "comparing", "sending", "finishing": constant text. */
	void (*phase)(void *arg, const char *phase);
	/* Every item that is not UC_SYNC_SAME, in the order of the tree. */
	void (*item)(void *arg, const struct uc_sync_item *item);
	void (*skip)(void *arg, const struct uc_sync_skipped *skipped);
	/* Something could not be read or is of no kind that travels. `text`: constant. */
	void (*note)(void *arg, struct uc_raw path, const char *text, int errno_value);
	/* Before anything is done. -1: do nothing, and end with UC_FAILED and no text. */
	int (*plan)(void *arg, const struct uc_sync_plan *plan);
	/* At most ten times a second. */
	void (*progress)(void *arg, const struct uc_sync_progress *progress);
	/* One entry is done (text NULL), or failed: `text` is safe and says why. */
	void (*done)(void *arg, const struct uc_sync_item *item, const char *text);
	/* Asked often: true ends the run so that both sides stay whole. */
	bool (*stop)(void *arg);
	void *arg;
};

struct uc_sync_request {
	enum uc_sync_direction direction;
	const char *near; /* this side's folder, absolute */
	const char *host; /* NULL: `far` is on this machine */
	const char *far;  /* the other side's folder; relative: of the login's folder */
	/* Only these paths below the folders, files or folders; NULL or empty: all. */
	const char *const *only;
	bool only_at_source; /* UC_NOTFOUND when a pull finds one of them here only */
	/*
	 * Patterns as in gitignore: only files that match one. NULL: all. UC_NOTFOUND
	 * when one matches nothing on either side, unless `select_may_miss`.
	 */
	const char *const *select;
	bool select_may_miss;
	unsigned newest; /* of the files selected, only these many latest; 0: all */
	const char *command_rules, *config_rules; /* gitignore(5) lines, or NULL */
	bool no_gitignore, no_defaults, cross;
	bool checksum;       /* compare contents by XXH3 where sizes agree */
	bool dry_run;        /* plan only */
	bool remove;         /* what is only at the destination goes to its trash */
	uint64_t remove_max; /* at most so many; 0: 1000, and at most half of all */
	bool overwrite;      /* this side wins conflicts; what was there: trash */
	bool allow_secrets;
	bool whole;                /* no block differences */
	bool no_sync;              /* do not wait for the disks */
	int compress;              /* 0 where it helps, -1 never, 1..19 */
	unsigned streams;          /* connections; 0: as many as help, at most 4 */
	uint64_t rate;             /* bytes a second; 0: no limit */
	bool create;               /* the destination's folder need not be there */
	const char *state_folder;  /* of states; NULL: none is read or kept */
	const char *helper;        /* command line there; NULL: looked for */
	bool sftp;                 /* do not look for a helper */
	int silence_ms;            /* the host says nothing for so long; 0: a minute */
	struct uc_ssh_options ssh; /* destination is `host` */
};

struct uc_sync_result {
	struct uc_sync_plan plan;
	struct uc_sync_progress progress;
	uint64_t done, failed, changed, vanished;
	char how[64]; /* "libssh2, helper 0.1.0, 2 connections" */
	bool interrupted;
};

/*
 * Run it. 0 when everything planned was done (there may be conflicts: see the plan);
 * UC_FAILED: some entries failed, the rest is done; other codes: nothing could be done.
 * SIGPIPE is to be ignored: a connection may end while it is written to.
 */
int uc_sync_run(const struct uc_sync_request *request,
		const struct uc_sync_watcher *watcher, struct uc_sync_result *result,
		struct uc_error *err) UC_MUST_CHECK;

/*
 * Tell each entry here that a run would look at, in the order of the tree: what rules
 * leave behind is not told. `action` is UC_SYNC_SAME.
 */
typedef void uc_sync_looked(void *arg, const struct uc_sync_item *item);
int uc_sync_look(const struct uc_sync_request *request, uc_sync_looked *looked, void *arg,
		 struct uc_error *err) UC_MUST_CHECK;

/*
 * Ask the helper of the far folder, as usync-protocol(7) has it under CALL: snapshots,
 * trash, names for completion. *answer is a new reference.
 */
int uc_sync_call(const struct uc_sync_request *request, const char *verb,
		 json_t *arguments, json_t **answer, struct uc_error *err) UC_MUST_CHECK;

/*
 * The other end: serve one client over two descriptors until it is done. For
 * usync --serve. `home`: what ~ is.
 */
int uc_sync_serve(int in, int out, const char *home, struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
