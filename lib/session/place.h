/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SESSION_PLACE_H
#define UC_SESSION_PLACE_H
/*
 * Where the server of a session is met: a Unix socket in a folder of the user's own on
 * the node's disk. Both sides look into the same few places and take only what is theirs:
 * a folder that somebody else made, or others may enter, is passed over. Where all of
 * these are taken, the folder has a name that nobody can foresee, and is found by its
 * owner.
 */
#include <sys/types.h>
#include <ucluster/text.h>

/* Where folders are looked for; a test has its own. */
struct uc_place {
	const char *const *roots; /* NULL-terminated; NULL: of this machine */
	uid_t uid;
	const char *job; /* the job's number, as Slurm writes it */
	const char *key; /* another cluster may have a job of that number here */
};
/* A job's number, or a key: digits and letters up to "f". */
bool uc_place_is_plain(const char *word);
/*
 * A socket that listens; *path is where it is. What servers left there that were killed
 * is removed.
 */
int uc_place_listen(const struct uc_place *place, struct uc_buf *path,
		    struct uc_error *err) UC_MUST_CHECK;
/* A connection to the server, whose owner was checked. UC_NOTFOUND: there is none. */
int uc_place_connect(const struct uc_place *place, struct uc_error *err) UC_MUST_CHECK;
/* Does this user hold the other end of a Unix socket? */
bool uc_place_is_peer(int fd, uid_t uid);

#endif
