/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * git in somebody's folder. A repository's own configuration can name commands that even
 * "git status" runs: a file system monitor, hooks, clean filters, transports for objects
 * that are fetched late. All are switched off; whose repositories are read at all is
 * git's own decision (safe.directory, git >= 2.35.2).
 */
#include "base/repository.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/program.h"

#define CONFIG_MAX (1 << 20)

void uc_repository_free(struct uc_repository *repo)
{
	uc_buf_free(&repo->top);
	uc_buf_free(&repo->program);
	uc_strv_free(&repo->words);
	uc_strv_free(&repo->environment);
}

/* Variables of git would point it elsewhere; everything else it may need (HOME, PATH). */
static void make_environment(struct uc_strv *out, const char *const *environment)
{
	static const char *const own[] = {
		"LC_ALL=C",
		"GIT_OPTIONAL_LOCKS=0", /* never write the index */
		"GIT_TERMINAL_PROMPT=0",
		"GIT_ALLOW_PROTOCOL=none", /* no transport, not even for promised objects
					    */
		"GIT_NO_LAZY_FETCH=1",
		"GIT_PAGER=cat",
	};

	for (; environment && *environment; environment++)
		if (strncmp(*environment, "GIT_", 4) != 0 &&
		    strncmp(*environment, "LC_ALL=", 7) != 0)
			uc_strv_add(out, *environment);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		uc_strv_add(out, own[i]);
}

/* The nearest folder upwards that holds a .git. */
static bool find_top(struct uc_buf *top, const char *dir)
{
	uc_auto(buf) struct uc_buf probe = { 0 };
	size_t len = strlen(dir);
	struct stat st;

	for (;; len--) {
		while (len > 0 && dir[len] != '/' && dir[len] != '\0')
			len--;
		uc_buf_reset(&probe);
		uc_buf_addn(&probe, dir, len);
		uc_buf_add(&probe, "/.git");
		if (lstat(uc_buf_text(&probe), &st) == 0 && !S_ISLNK(st.st_mode)) {
			uc_buf_addn(top, dir, len);
			if (len == 0)
				uc_buf_addc(top, '/');
			return true;
		}
		if (len == 0)
			return false;
	}
}

static void make_words(struct uc_repository *repo)
{
	static const char *const words[] = {
		"git", "--no-pager",
		"-c",  "core.fsmonitor=false",
		"-c",  "core.hooksPath=/dev/null",
		"-c",  "core.sshCommand=false",
		"-c",  "protocol.allow=never",
		"-c",  "submodule.recurse=false",
		"-C",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		uc_strv_add(&repo->words, words[i]);
	uc_strv_add(&repo->words, uc_buf_text(&repo->top));
}

int uc_repository_run(const struct uc_repository *repo, const char *const *args,
		      const struct uc_git_bounds *bounds, struct uc_buf *out,
		      struct uc_error *err)
{
	uc_auto(strv) struct uc_strv argv = { 0 };
	struct uc_program git = { .path = uc_buf_text(&repo->program),
				  .environment =
					  (const char *const *)repo->environment.item,
				  .deadline = bounds->deadline,
				  .bytes = bounds->bytes };
	int status = 0, failure;
	enum uc_code how;

	uc_strv_add_all(&argv, (const char *const *)repo->words.item);
	uc_strv_add_all(&argv, args);
	if (argv.failed || repo->words.failed || repo->environment.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	git.words = argv.item;
	how = uc_program_run(&git, out, &status, &failure);
	if (failure)
		return uc_fail_errno(err, UC_FAILED, failure, "'%s'", git.path);
	if (how == UC_UNREACHABLE)
		return uc_fail(err, how, "git %s took too long in '%s'", args[0],
			       uc_buf_text(&repo->top));
	if (how == UC_INVALID)
		return uc_fail(err, how, "git %s says more than %zu bytes", args[0],
			       bounds->bytes);
	if (how == UC_OK && status == 0)
		return 0;
	uc_fail(err, UC_FAILED, "git %s refuses '%s'", args[0], uc_buf_text(&repo->top));
	return uc_hint(err, "git -C '%s' status tells why", uc_buf_text(&repo->top));
}

/* The filter that "filter.NAME.clean" or ".process" belongs to is made empty. */
static int disarm_filter(struct uc_strv *words, const char *key, struct uc_error *err)
{
	static const char *const parts[] = { "clean", "smudge", "process" };
	const char *dot = strrchr(key, '.');

	if (strncmp(key, "filter.", 7) != 0 || dot < key + 7)
		return 0;
	/* "-c NAME=VALUE" ends NAME at the first "=" */
	if (strchr(key, '='))
		return uc_fail(err, UC_DENIED,
			       "the repository configures a filter with '=' in its name");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uc_strv_add(words, "-c");
		uc_strv_addf(words, "%.*s.%s=", (int)(dot - key), key, parts[i]);
	}
	uc_strv_add(words, "-c");
	uc_strv_addf(words, "%.*s.required=false", (int)(dot - key), key);
	return 0;
}

/*
 * Filters that the repository itself configures do not run; those of the user and of the
 * system (git-lfs) do.
 */
static int disarm(struct uc_repository *repo, int64_t deadline, struct uc_error *err)
{
	static const char *const list[] = { "config", "--show-scope", "--name-only",
					    "-z",     "--list",       NULL };
	const struct uc_git_bounds bounds = { deadline, CONFIG_MAX };
	uc_auto(buf) struct uc_buf text = { 0 };
	uc_auto(strv) struct uc_strv more = { 0 };
	const char *p, *end;

	if (uc_repository_run(repo, list, &bounds, &text, err) < 0)
		return -1;
	p = uc_buf_text(&text);
	end = p + text.len;
	while (p < end) {
		const char *key = p + strlen(p) + 1;
		bool own = strcmp(p, "local") == 0 || strcmp(p, "worktree") == 0;

		if (key >= end)
			break;
		if (own && disarm_filter(&more, key, err) < 0)
			return -1;
		p = key + strlen(key) + 1;
	}
	uc_strv_add_all(&repo->words, (const char *const *)more.item);
	repo->words.failed = repo->words.failed || more.failed;
	return 0;
}

int uc_repository_find(struct uc_repository *repo, const char *dir,
		       const char *const *environment, int64_t deadline,
		       struct uc_error *err)
{
	if (!find_top(&repo->top, dir) ||
	    !uc_program_find(&repo->program, "git", uc_env_value(environment, "PATH")))
		return 0;
	make_words(repo);
	make_environment(&repo->environment, environment);
	if (repo->top.failed || repo->program.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return disarm(repo, deadline, err) < 0 ? -1 : 1;
}
