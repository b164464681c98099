/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * An import, on the machine where it is done. The image is made under a temporary name
 * beside its place, and is put there when all of it has been read once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <ucluster/units.h>
#include <unistd.h>
#include "uimage/import.h"

#define SAID_MAX    16384
#define PROGRESS_MS 5000

struct work {
	struct import *im;
	struct import_lock lock;
	struct import_places places;
	struct uc_buf part; /* the image's temporary name */
	struct uc_buf said; /* the last of what enroot wrote */
	struct uc_buf digest, version;
	struct uc_enroot_line line;
	enum uc_enroot_part doing;
	bool quiet; /* a question, no import */
	uint64_t cache_before, shown;
	int64_t show_at;
};

/* --- what enroot says --- */

static void keep_line(struct work *w, const char *line)
{
	if (w->said.len > 2 * SAID_MAX) {
		memmove(w->said.data, w->said.data + w->said.len - SAID_MAX, SAID_MAX);
		w->said.len = SAID_MAX;
		w->said.data[SAID_MAX] = '\0';
	}
	uc_buf_addf(&w->said, "%s\n", line);
}

static void say_raw(const struct work *w, int level, const char *text)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	uc_buf_safe(&safe, uc_raw(text), w->im->run->safe);
	uc_run_say(w->im->run, level, "enroot: %s", uc_buf_text(&safe));
}

static void take_line(void *arg, const char *line)
{
	struct work *w = arg;

	keep_line(w, line);
	uc_enroot_line_read(line, &w->line);
	switch (w->line.kind) {
	case UC_ENROOT_STEP:
		if (w->line.part != UC_ENROOT_OTHER) {
			w->doing = w->line.part;
			w->shown = 0;
			w->show_at = uc_monotonic_ms() + PROGRESS_MS;
		}
		uc_run_say(w->im->run, w->quiet ? 2 : 0, "%s",
			   uc_buf_text(&w->line.text));
		break;
	case UC_ENROOT_WARNING:
	case UC_ENROOT_ERROR:
		say_raw(w, 0, line);
		break;
	case UC_ENROOT_DETAIL:
		say_raw(w, 2, line);
	}
}

static void take_version(void *arg, const char *line)
{
	struct work *w = arg;

	if (w->version.len == 0 && line[0] >= '0' && line[0] <= '9')
		uc_buf_safen(&w->version, line, strnlen(line, 40), 0);
}

static void take_digest(void *arg, const char *line)
{
	struct work *w = arg;

	if (strncmp(line, "sha256:", 7) == 0 &&
	    strspn(line + 7, "0123456789abcdef") == 64 && !line[71]) {
		uc_buf_reset(&w->digest);
		uc_buf_add(&w->digest, line);
		return;
	}
	take_line(arg, line);
}

/* --- progress --- */

static uint64_t cache_size(const struct work *w)
{
	return w->places.cache.len > 0
		       ? tree_size(AT_FDCWD, uc_buf_text(&w->places.cache))
		       : 0;
}

static void show_progress(void *arg)
{
	struct work *w = arg;
	uc_auto(buf) struct uc_buf text = { 0 };
	uint64_t bytes = 0;
	struct stat st;

	if (uc_monotonic_ms() < w->show_at)
		return;
	w->show_at = uc_monotonic_ms() + PROGRESS_MS;
	if (w->doing == UC_ENROOT_DOWNLOAD)
		bytes = cache_size(w) - w->cache_before;
	else if (w->doing == UC_ENROOT_PACK && stat(uc_buf_text(&w->part), &st) == 0)
		bytes = (uint64_t)st.st_size;
	if (bytes <= w->shown || bytes > INT64_MAX)
		return;
	w->shown = bytes;
	uc_size_words(&text, bytes);
	uc_run_say(w->im->run, 0, "%s %s so far",
		   w->doing == UC_ENROOT_PACK ? "packed" : "downloaded",
		   uc_buf_text(&text));
}

/* --- the steps --- */

void import_sweep(const struct import *im)
{
	uc_auto(buf) struct uc_buf prefix = { 0 };
	DIR *folder = opendir(uc_buf_text(&im->folder));
	const struct dirent *entry;

	uc_buf_addf(&prefix, ".%s" IMPORT_PART, uc_buf_text(&im->name));
	while (folder && !prefix.failed && (entry = readdir(folder)))
		if (strncmp(entry->d_name, prefix.data, prefix.len) == 0)
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
}

static int name_part(struct work *w, struct uc_error *err)
{
	uint32_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return uc_fail_errno(err, UC_FAILED, errno, "getrandom");
	uc_buf_addf(&w->part, "%s/.%s" IMPORT_PART "%08" PRIx32,
		    uc_buf_text(&w->im->folder), uc_buf_text(&w->im->name), number);
	return w->part.failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static int run(struct work *w, const char *const *words,
	       void (*line)(void *arg, const char *line), int *status,
	       struct uc_error *err)
{
	uc_auto(strv) struct uc_strv copy = { 0 };
	struct enroot_run what = { .run = w->im->run,
				   .places = &w->places,
				   .line = line,
				   .tick = line == take_line ? show_progress : NULL,
				   .arg = w,
				   .signal = &w->im->signal };

	uc_strv_add_all(&copy, words);
	if (copy.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	what.words = copy.item;
	return enroot_run(&what, status, err);
}

static int ask_version(struct work *w, struct uc_error *err)
{
	static const char *const words[] = { "enroot", "version", NULL };
	int status;

	return run(w, words, take_version, &status, err);
}

/* Since 4.1; it finds out early what is wrong with the name or the login, too. */
static int ask_digest(struct work *w, struct uc_error *err)
{
	const char *arch = w->im->args.arch;
	const char *words[] = { "enroot", "digest", "--", w->im->from.uri,
				NULL,     NULL,     NULL };
	int status;

	if (!w->im->from.registry)
		return 0;
	if (arch) {
		words[2] = "--arch";
		words[3] = arch;
		words[4] = "--";
		words[5] = w->im->from.uri;
	}
	w->quiet = true;
	if (run(w, words, take_digest, &status, err) < 0)
		return -1;
	w->quiet = false;
	if (status && (strstr(uc_buf_text(&w->said), "[ERROR]") ||
		       strstr(uc_buf_text(&w->said), "curl: (")))
		return uc_enroot_failure(uc_buf_text(&w->said), status, &w->im->from,
					 err);
	uc_buf_reset(&w->said);
	return 0;
}

static int import(struct work *w, struct uc_error *err)
{
	const char *words[] = { "enroot", "import", "--output", uc_buf_text(&w->part),
				"--",     NULL,     NULL,       NULL,
				NULL };
	size_t n = 4;
	int status;

	if (w->im->args.arch) {
		words[n++] = "--arch";
		words[n++] = w->im->args.arch;
	}
	words[n++] = "--";
	words[n] = w->im->from.uri;
	w->cache_before = cache_size(w);
	if (run(w, words, take_line, &status, err) < 0)
		return -1;
	if (status)
		return uc_enroot_failure(uc_buf_text(&w->said), status, &w->im->from,
					 err);
	return 0;
}

static int do_it(struct work *w, struct uc_error *err)
{
	struct import_origin origin;

	import_sweep(w->im);
	if (import_places_make(w->im, &w->places, err) < 0)
		return -1;
	import_lock_note(w->im->run, &w->lock, uc_buf_text(&w->places.temp));
	if (name_part(w, err) < 0 || ask_version(w, err) < 0 || ask_digest(w, err) < 0 ||
	    import(w, err) < 0)
		return -1;
	origin = (struct import_origin){
		.digest = w->digest.len > 0 ? uc_buf_text(&w->digest) : NULL,
		.enroot = w->version.len > 0 ? uc_buf_text(&w->version) : NULL,
	};
	return import_finish(w->im, uc_buf_text(&w->part), &origin, err);
}

/* A signal while enroot does not run must not leave anything either. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int import_here(struct import *im, struct uc_error *err)
{
	struct work w = { .im = im, .places.lock = -1 };
	int rc;

	block_signals();
	rc = import_lock_take(im->run, &im->folder, &im->name, &w.lock, err);
	if (rc == 0) {
		/* somebody else may have been quicker */
		rc = import_may_write(im, err);
		if (rc == 0)
			rc = do_it(&w, err);
		import_places_drop(&w.places);
		if (rc < 0)
			import_sweep(im);
		import_lock_drop(&w.lock);
	}
	uc_buf_free(&w.part);
	uc_buf_free(&w.said);
	uc_buf_free(&w.digest);
	uc_buf_free(&w.version);
	uc_buf_free(&w.line.text);
	return rc;
}
