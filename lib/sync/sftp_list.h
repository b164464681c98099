/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_SFTP_LIST_H
#define UC_SYNC_SFTP_LIST_H
/*
 * The tree of an SFTP server: many folders are read at once, those next in the order of a
 * walk first; each is told, and forgotten, as soon as all before it are.
 */
#include "sync/sftp_far.h"
#include "sync/walk_rules.h"

#define UC_SFTP_NAMES_MAX  (4u << 20) /* names that are known and not told */
#define UC_SFTP_NAMES_MANY (1u << 20) /* then no new folder is begun besides others */

struct uc_sftp_child {
	uint32_t name; /* where it begins in the folder's names */
	uint32_t mtime;
	uint64_t size;
	uint16_t mode;
	uint8_t kind;
	bool known;   /* its attributes are */
	bool skipped; /* by a rule, or told as a note */
	bool special, deep;
	struct uc_sftp_dir *dir;
	char *target;
};

/* A file of rules that is being read. */
struct uc_sftp_rules {
	struct uc_sftp_dir *dir;
	const char *name; /* in the folder */
	struct uc_buf text;
	struct uc_sftp_handle handle;
	bool has_handle, read;
	int errno_value; /* why it could not be read */
	struct uc_ignore_list list;
};

enum uc_sftp_dir_phase {
	UC_SFTP_DIR_WAITING,
	UC_SFTP_DIR_OPENING,
	UC_SFTP_DIR_READING,
	UC_SFTP_DIR_LOOKING, /* at what has no attributes yet */
	UC_SFTP_DIR_RULES,
	UC_SFTP_DIR_LINKS,
	UC_SFTP_DIR_READY,
	UC_SFTP_DIR_GONE,
	UC_SFTP_DIR_UNREADABLE,
	UC_SFTP_DIR_ELSEWHERE, /* another file system */
};

struct uc_sftp_dir {
	struct uc_sftp_list *list;
	struct uc_sftp_dir *above, *next; /* next: to be begun after this one */
	enum uc_sftp_dir_phase phase;
	unsigned depth;
	unsigned open, reads, window;            /* reads: READDIRs without an answer */
	bool at_end, has_handle, elsewhere, cut; /* cut: READDIR failed */
	uint32_t status;                         /* of what failed */
	struct uc_sftp_handle handle;
	struct uc_buf names;
	struct uc_sftp_child *child;
	size_t count, cap, told;
	struct uc_sftp_rules *rules[3]; /* .git/info/exclude, .gitignore, .usyncignore */
	const struct uc_ignore_list *git, *own;
	char path[];
};

struct uc_sftp_list {
	struct uc_sftp_far *far;
	struct uc_far_list_options options;
	struct uc_ignore_list command, config, defaults;
	struct uc_sync_walk_options walk; /* those rules, as a walk has them */
	struct uc_sftp_dir *waiting, *at; /* at: is being told */
	unsigned active, active_max;
	uint64_t held; /* names */
	bool has_fs;
	uint64_t fs; /* of the root */
	struct uc_far_listed listed;
	bool over;
	struct uc_buf path;
};

/* A folder to be read; NULL when out of memory. */
struct uc_sftp_dir *uc_sftp_dir_new(struct uc_sftp_list *list, struct uc_sftp_dir *above,
				    const char *name);
void uc_sftp_dir_free(struct uc_sftp_dir *dir);
/* Begin with as many of those that wait as there is room for. */
void uc_sftp_dirs_begin(struct uc_sftp_list *list);
/* To be called at the end of each answer for a folder. */
int uc_sftp_dir_answered(struct uc_sftp_dir *dir, struct uc_error *err) UC_MUST_CHECK;
struct uc_sftp_call uc_sftp_dir_await(struct uc_sftp_dir *dir, uc_sftp_reply *reply,
				      uint64_t note);
/* "PATH/NAME" below the root; valid until the next call. */
const char *uc_sftp_dir_path(struct uc_sftp_dir *dir, const char *name);
static inline const char *uc_sftp_child_name(const struct uc_sftp_dir *dir,
					     const struct uc_sftp_child *child)
{
	return dir->names.data + child->name;
}
void uc_sftp_note(struct uc_sftp_list *list, enum uc_sync_note note, const char *path,
		  int errno_value);

/* Read the files of rules in a folder. */
int uc_sftp_rules_begin(struct uc_sftp_dir *dir, struct uc_error *err) UC_MUST_CHECK;
/* They are read: what do they leave behind? */
int uc_sftp_rules_apply(struct uc_sftp_dir *dir, struct uc_error *err) UC_MUST_CHECK;
void uc_sftp_rules_free(struct uc_sftp_rules *rules);

#endif
