/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_ENVIRONMENT_H
#define UCLUSTER_ENVIRONMENT_H
/*
 * What a user puts into a job's environment: variables, files of them, and secrets.
 *
 *	uc_auto(strv) struct uc_strv env = { 0 };
 *	uc_env_set(&env, "SEED=7", environment, &err);
 *	uc_env_file(&env, "train.env", &faults);
 *	uc_auto(secrets) struct uc_secrets *secrets = NULL;
 *	uc_secrets_add(&secrets, "HF_TOKEN=~/.hf", &from, &err);
 *	envp = uc_secrets_vector(secrets, (const char *const *)env.item, &err);
 *
 * Order: --env and --env-file count in the order in which they are given; for one name
 * the later wins, and all of them win over configuration and over the caller's
 * environment. A secret has its name for itself: the same name given by --env as well
 * is the caller's mistake, which uc_secrets_find() shows.
 */
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the kernel takes for one variable: NAME=VALUE with its NUL (MAX_ARG_STRLEN). */
#define UC_ENV_BYTES_MAX 131072
/* Of one file. */
#define UC_ENV_FILE_MAX (256 << 10)
#define UC_ENV_VARS_MAX 4096

/*
 * Set one variable: "NAME=VALUE", or "NAME" for its value in `environment` (the caller's,
 * NULL-terminated). `env` holds each name once. UC_USAGE: a malformed name, too long;
 * UC_NOTFOUND: NAME alone and not set there.
 */
int uc_env_set(struct uc_strv *env, const char *assignment,
	       const char *const *environment, struct uc_error *err) UC_MUST_CHECK;

/*
 * Take all variables of a file. A line is empty, a comment (#), or
 *
 *	[export ]NAME=VALUE
 *
 * without blanks around "=". VALUE ends with the line; blanks after it, and a comment
 * (a blank and "#"), do not belong to it. Or it is quoted: 'everything as it is', or
 * "with \" \\ \$ \n \r \t". Quoted values end on their line and are the whole value.
 * Nothing is expanded or run: "$" and "`" are ordinary. Names are
 * [A-Za-z_][A-Za-z0-9_]*, each once a file; no NUL anywhere; bytes that are not UTF-8
 * stay as they are. Lines may end with \r\n, a byte order mark is skipped.
 *
 * -1 with every fault (at path:line:column) in `faults`; nothing is set then.
 */
int uc_env_file(struct uc_strv *env, const char *path,
		struct uc_errors *faults) UC_MUST_CHECK;
/* The same of a file's bytes; `path` is for messages. */
int uc_env_parse(struct uc_strv *env, const char *path, const char *bytes, size_t len,
		 struct uc_errors *faults) UC_MUST_CHECK;

/*
 * Values that nobody may see. They lie in pages of their own which are locked (where the
 * limit allows), left out of core dumps and wiped when freed. There is no way to get a
 * value but into the vector for execve(2), so that none can be printed by accident.
 *
 * The program's part: before the first secret prctl(PR_SET_DUMPABLE, 0), for the kernel
 * shows /proc/PID/environ and memory to other programs of the same user, and to a core
 * dump, otherwise. execve() sets it back: the environment of srun and of the task is
 * readable by the user and by root. (RLIMIT_CORE is not needed, and would reach the job.)
 */
struct uc_secrets;
void uc_secrets_free(struct uc_secrets *secrets);
UC_DEFINE_AUTO(secrets, struct uc_secrets *)

#define UC_SECRET_MAX (64 << 10)

/* What a secret is taken from. Borrowed. */
struct uc_secret_from {
	const char *cwd, *home;         /* absolute; for relative paths and ~ */
	const char *const *environment; /* the caller's */
};
/*
 * Add "NAME", the caller's variable, or "NAME=FILE", the content of a file without one
 * line end after it; *secrets is made when NULL. The file must be a regular one, not a
 * link, owned by the caller, at most mode 0600; each folder above it is owned by the
 * caller or root and writable by nobody else (or is root's with the sticky bit, as /tmp).
 * UC_NOTFOUND: not there, not set; UC_DENIED: its owner or mode, with what to type;
 * UC_USAGE: malformed, named twice, empty, too long, holds a NUL.
 */
int uc_secrets_add(struct uc_secrets **secrets, const char *text,
		   const struct uc_secret_from *from, struct uc_error *err) UC_MUST_CHECK;

/* How many; 0 for NULL. Their names, for receipts and --explain; NULL beyond the last. */
size_t uc_secrets_count(const struct uc_secrets *secrets);
const char *uc_secrets_name(const struct uc_secrets *secrets, size_t i);
/* Is there a secret of this name? `assignment` may be "NAME=value" as well. */
bool uc_secrets_find(const struct uc_secrets *secrets, const char *assignment);

/*
 * Add `text` so that it can be shown: an assignment to a secret's name becomes
 * "NAME=<secret>", and a secret's value of 6 bytes or more becomes "<secret>" wherever it
 * stands. Everything else is added byte for byte.
 */
void uc_secrets_mask(const struct uc_secrets *secrets, const char *text,
		     struct uc_buf *out);

/*
 * The vector for execve(2) or posix_spawn(3): `environment` with the secrets in it, in
 * place of variables of their names. All strings are borrowed, from `environment` and
 * from `secrets`; free() the vector. NULL when out of memory.
 */
const char **uc_secrets_vector(const struct uc_secrets *secrets,
			       const char *const *environment, struct uc_error *err);

#ifdef __cplusplus
}
#endif
#endif
