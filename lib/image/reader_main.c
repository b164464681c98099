/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * image-reader read|check PATH SECONDS. Whatever is in the image, it can make this
 * process use neither more time nor more memory than is given here, nor write a byte
 * anywhere but to stdout.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "image/reader.h"
#include "image/record.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHADOWED 1 /* the sanitizer maps terabytes */
#else
#define SHADOWED 0
#endif
#define MEMORY_MAX ((rlim_t)1 << 30)

static bool limit(int what, rlim_t to)
{
	const struct rlimit limits = { to, to };

	return setrlimit(what, &limits) == 0;
}

static bool confine(rlim_t seconds)
{
	/* who has asked may be gone (Ctrl-C): then nobody wants to know */
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && limit(RLIMIT_CORE, 0) &&
	       limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NOFILE, 8) &&
	       (seconds == 0 || limit(RLIMIT_CPU, seconds)) &&
	       (SHADOWED || limit(RLIMIT_AS, MEMORY_MAX));
}

static int put_all(const void *bytes, size_t len)
{
	const char *from = bytes;

	while (len > 0) {
		ssize_t put = write(STDOUT_FILENO, from, len);

		if (put <= 0)
			return UC_FAILED;
		from += put;
		len -= (size_t)put;
	}
	return UC_OK;
}

static void add_number(struct uc_strv *fields, uint64_t number)
{
	uc_strv_addf(fields, "%" PRIu64, number);
}

static void add_line(struct reader *r, const char *word, const struct uc_strv *fields)
{
	if (fields->failed)
		r->out.failed = true;
	else
		uc_image_record_add(&r->out, word, (const char *const *)fields->item);
}

static void add_folders(struct reader *r)
{
	for (size_t i = 0; i < r->folder_count; i++) {
		uc_auto(strv) struct uc_strv fields = { 0 };

		add_number(&fields, r->folder[i].bytes);
		add_number(&fields, r->folder[i].files);
		uc_strv_add(&fields, r->folder[i].path);
		add_line(r, "folder", &fields);
	}
}

static void add_pythons(struct reader *r)
{
	for (size_t i = 0; i < r->python_count; i++) {
		uc_auto(strv) struct uc_strv fields = { 0 };

		uc_strv_add(&fields, r->python[i].version);
		add_number(&fields, r->python[i].count);
		add_line(r, "python", &fields);
	}
}

static void add_end(struct reader *r)
{
	uc_auto(strv) struct uc_strv made = { 0 }, fields = { 0 };

	add_number(&made, r->super.modification_time);
	add_line(r, "made", &made);
	add_number(&fields, r->files);
	add_number(&fields, r->bytes);
	add_number(&fields, r->file.bytes_read);
	add_line(r, "end", &fields);
}

static int say(struct reader *r, const char *fault)
{
	const char *compressor = reader_compressor_name(r);

	if (!fault && !r->out.failed) {
		add_folders(r);
		add_pythons(r);
		if (compressor)
			uc_image_record_add_text(&r->out, "compressor", compressor);
		add_end(r);
	}
	if (!fault && !r->out.failed)
		return put_all(r->out.data, r->out.len);
	uc_buf_free(&r->out);
	uc_image_record_add_text(&r->out, "fault", fault ? fault : reader_fault(-1));
	if (!r->out.failed)
		put_all(r->out.data, r->out.len);
	return UC_FAILED;
}

static int say_checked(struct reader *r, const char *fault)
{
	struct uc_image_checked checked = { .magic = UC_CHECKED_MAGIC };
	uint64_t seen = 0;

	for (uint64_t i = 0; i < r->seen.count; i++)
		seen += r->seen.byte && (r->seen.byte[i / 8] >> i % 8 & 1);
	if (fault && r->faults == 0)
		reader_damaged(r, "", fault);
	else if (!fault && r->faults == 0 && seen != r->super.inode_count)
		reader_damaged(r, "", "not all files that it says it has are found");
	checked.files = r->files;
	checked.folders = r->folders;
	checked.links = r->links;
	checked.bytes = r->bytes;
	checked.faults = r->faults;
	memcpy(checked.first, r->first, sizeof(checked.first));
	return put_all(&checked, sizeof(checked));
}

int main(int argc, char **argv)
{
	static struct reader r; /* large */
	const char *fault;
	int status;

	if (argc != 4)
		return UC_USAGE;
	r.file.fd = -1;
	r.check = strcmp(argv[1], "check") == 0;
	if (!confine(strtoul(argv[3], NULL, 10)))
		return UC_FAILED;
	fault = reader_open(&r, argv[2]);
	if (!fault)
		fault = reader_walk(&r);
	status = r.check ? say_checked(&r, fault) : say(&r, fault);
	reader_close(&r);
	return status;
}
