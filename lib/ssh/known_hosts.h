/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_KNOWN_HOSTS_H
#define UC_SSH_KNOWN_HOSTS_H
/*
 * Keys of hosts that are known: files as in sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT",
 * judged as ssh(1) does. Read the user's files and then the system's into one list; ask
 * which types of key a host is known by before connecting, and about its key afterwards.
 *
 * A line that cannot be read hides no other line. When it names a host that nothing else
 * is known about, that host is "damaged" and not "unknown": it must not be trusted at
 * first sight.
 */
#include <stdint.h>
#include <ucluster/text.h>

#include "base/arena.h"

#define UC_KNOWN_FILE_MAX (16U << 20) /* bytes */
#define UC_KNOWN_LINE_MAX (64U << 10) /* bytes; a longer line is damaged */
#define UC_KNOWN_NAME_MAX 1023        /* bytes of a host's name, and of a pattern */

enum uc_known_marker {
	UC_KNOWN_PLAIN,
	UC_KNOWN_AUTHORITY,
	UC_KNOWN_REVOKED
};

/* A line that is neither empty nor a comment. */
struct uc_known_line {
	const char *path;
	int line;
	enum uc_known_marker marker;
	const char *names; /* as written: patterns, or one hashed name; may be "" */
	const char *type;  /* of the key: "ssh-ed25519" */
	const unsigned char *key; /* as on the wire */
	size_t key_len;
	const char *fault; /* why the line counts for nothing; NULL when it is good */
};

/* Zero-initialise; free with uc_known_hosts_free. Lines are the list's. */
struct uc_known_hosts {
	struct uc_arena *arena;
	struct uc_known_line *line;
	size_t count, cap;
};

/*
 * Add a file; one that does not exist, and /dev/null, adds nothing. Whoever connects in
 * spite of -1 (not readable, too large, out of memory) would take a known host for a new
 * one.
 */
int uc_known_hosts_read(struct uc_known_hosts *known, const char *path,
			struct uc_error *err) UC_MUST_CHECK;
/* As uc_known_hosts_read, of text; `path` is copied. */
int uc_known_hosts_parse(struct uc_known_hosts *known, const char *path, const char *text,
			 size_t len, struct uc_error *err) UC_MUST_CHECK;
void uc_known_hosts_free(struct uc_known_hosts *known);
UC_DEFINE_AUTO_VALUE(known_hosts, struct uc_known_hosts)

/* Who is connected to: the name or address as the user gave it, or HostKeyAlias. */
struct uc_known_peer {
	const char *host;
	int port; /* 22 with a HostKeyAlias */
};

/* The key that it shows, as on the wire. */
struct uc_host_key {
	const unsigned char *bytes;
	size_t len;
};

/* Where lines disagree the later verdict counts. */
enum uc_known_verdict {
	UC_KNOWN_UNKNOWN,  /* nobody said anything about this host */
	UC_KNOWN_DAMAGED,  /* only a line that cannot be read names it */
	UC_KNOWN_OTHER,    /* it is known, by keys of other types only */
	UC_KNOWN_MISMATCH, /* it is known, by another key of this type */
	UC_KNOWN_MATCH,    /* this is its key */
	UC_KNOWN_BANNED,   /* this key is revoked */
};

struct uc_known_answer {
	enum uc_known_verdict verdict;
	const struct uc_known_line *line;      /* first that says so; NULL: unknown */
	const struct uc_known_line *damaged;   /* first that names it and is not read */
	const struct uc_known_line *authority; /* first @cert-authority line for it */
};

/*
 * What is known about a host's key. On another port than 22 the lines of [host]:port
 * count; when there are none, a key of the host itself matches, as in ssh. A key that is
 * revoked for the host is revoked on every port.
 */
struct uc_known_answer uc_known_hosts_check(const struct uc_known_hosts *known,
					    const struct uc_known_peer *peer,
					    const struct uc_host_key *key);
/*
 * Add the types of key that a host is known by and that are not revoked, each once, in
 * the order of the lines: what to prefer when connecting.
 */
void uc_known_hosts_types(const struct uc_known_hosts *known,
			  const struct uc_known_peer *peer, struct uc_strv *types);

/*
 * Whether a line's names mean `name`: the host in lower case, [host]:port. -1 when that
 * cannot be told.
 */
int uc_known_line_names(const struct uc_known_line *line, const char *name);
/* Fill all of *line but its place from text, which is cut into pieces and kept. */
void uc_known_line_parse(struct uc_known_line *line, char *text, size_t len);

#endif
