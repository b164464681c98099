/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* `uimage show` for people, and in JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucluster/units.h>
#include "common/json.h"
#include "uimage/show.h"

enum {
	FOLDERS_SHOWN = 12,
};

struct text {
	const struct uc_run *run;
	struct uc_buf out;
};

static void add(struct text *t, const char *what, struct uc_raw value)
{
	if (uc_raw_empty(value))
		return;
	uc_buf_addf(&t->out, "%-12s", what);
	uc_buf_safe(&t->out, value, t->run->safe);
	uc_buf_addc(&t->out, '\n');
}

static void add_buf(struct text *t, const char *what, const struct uc_buf *value)
{
	t->out.failed = t->out.failed || value->failed;
	add(t, what, uc_raw(uc_buf_text(value)));
}

static void add_size(struct text *t, const struct uc_image_file *file,
		     const struct uc_image *image)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	uc_size_words(&line, file->size);
	uc_buf_add(&line, "; unpacked ");
	uc_size_words(&line, image->bytes);
	uc_buf_addf(&line, " in %" PRIu64 " files", image->files);
	add_buf(t, "Size", &line);
}

static void add_packed(struct text *t, const struct uc_image *image)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	time_t made = (time_t)image->made;
	char when[32] = "";
	struct tm tm;

	if (image->made && localtime_r(&made, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	uc_buf_add(&line, when);
	if (line.len && image->compressor.bytes)
		uc_buf_add(&line, ", ");
	if (image->compressor.bytes)
		uc_buf_addf(&line, "with %s", image->compressor.bytes);
	add_buf(t, "Packed", &line);
}

static void add_system(struct text *t, const struct uc_image *image)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	if (image->os.bytes)
		uc_buf_add(&line, image->os.bytes);
	if (image->architecture.bytes)
		uc_buf_addf(&line, "%s%s", line.len ? ", " : "",
			    image->architecture.bytes);
	add_buf(t, "System", &line);
}

static void add_packages(struct text *t, const struct uc_image_file *file,
			 const struct uc_image *image)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	size_t count[UC_PACKAGE_KINDS] = { 0 };

	for (size_t i = 0; i < image->package_count; i++)
		count[image->packages[i].kind]++;
	for (int kind = 0; kind < UC_PACKAGE_KINDS; kind++)
		if (count[kind])
			uc_buf_addf(&line, "%s%zu %s", line.len ? ", " : "", count[kind],
				    uc_package_kind_name((enum uc_package_kind)kind));
	if (line.len == 0)
		uc_buf_add(&line, "none found");
	if (image->listed)
		uc_buf_addf(&line, "; from %s", file->list.bytes);
	add_buf(t, "Packages", &line);
}

static void add_environment(struct text *t, const struct uc_image *image)
{
	if (image->environment_count == 0)
		return;
	uc_buf_add(&t->out, "Environment\n");
	for (size_t i = 0; i < image->environment_count; i++) {
		uc_buf_add(&t->out, "  ");
		uc_buf_safe(&t->out, image->environment[i], t->run->safe);
		uc_buf_addc(&t->out, '\n');
	}
}

static int by_bytes(const void *a, const void *b)
{
	const struct uc_image_folder *one = *(const struct uc_image_folder *const *)a;
	const struct uc_image_folder *other = *(const struct uc_image_folder *const *)b;

	if (one->bytes != other->bytes)
		return one->bytes > other->bytes ? -1 : 1;
	return strcmp(one->path.bytes, other->path.bytes);
}

static void add_folders(struct text *t, const struct uc_image *image)
{
	const struct uc_image_folder **row =
		calloc(image->folder_count + 1, sizeof(*row));

	if (!row) {
		t->out.failed = true;
		return;
	}
	for (size_t i = 0; i < image->folder_count; i++)
		row[i] = &image->folders[i];
	if (image->folder_count)
		qsort(row, image->folder_count, sizeof(*row), by_bytes);
	uc_buf_add(&t->out, "Folders\n");
	for (size_t i = 0; i < image->folder_count && i < FOLDERS_SHOWN; i++) {
		uc_auto(buf) struct uc_buf size = { 0 };

		uc_size_words(&size, row[i]->bytes);
		t->out.failed = t->out.failed || size.failed;
		uc_buf_addf(&t->out, "%8s %8" PRIu64 " files  ", uc_buf_text(&size),
			    row[i]->files);
		uc_buf_safe(&t->out, row[i]->path, t->run->safe);
		uc_buf_addc(&t->out, '\n');
	}
	free(row);
}

int show_text(const struct uc_run *run, const struct uc_image_file *file,
	      const struct uc_image *image, struct uc_error *err)
{
	struct text t = { .run = run };
	bool whole;
	uc_auto(buf) struct uc_buf frameworks = { 0 };

	uimage_frameworks(&frameworks, image);
	add(&t, "Name", file->name);
	add(&t, "Path", file->path);
	add_size(&t, file, image);
	add_packed(&t, image);
	add(&t, "Origin", image->origin);
	add_system(&t, image);
	add(&t, "Python", image->python);
	add(&t, "CUDA", image->cuda);
	add_buf(&t, "Frameworks", &frameworks);
	add(&t, "Directory", image->workdir);
	add(&t, "Entrypoint", image->entrypoint);
	add(&t, "Command", image->command);
	add_packages(&t, file, image);
	add_environment(&t, image);
	add_folders(&t, image);
	whole = !t.out.failed;
	if (whole)
		fputs(uc_buf_text(&t.out), stdout);
	uc_buf_free(&t.out);
	return whole ? 0 : uc_fail(err, UC_FAILED, "out of memory");
}

static void json_text(struct uc_json *json, const char *key, struct uc_raw text)
{
	if (uc_raw_empty(text))
		uc_json_null(json, key);
	else
		uc_json_text(json, key, text);
}

static void json_packages(struct uc_json *json, const struct uc_image *image)
{
	uc_json_open(json, "packages", '[');
	for (size_t i = 0; i < image->package_count; i++) {
		const struct uc_package *package = &image->packages[i];

		uc_json_open(json, NULL, '{');
		json_text(json, "name", package->name);
		json_text(json, "version", package->version);
		json_text(json, "kind", uc_raw(uc_package_kind_name(package->kind)));
		uc_json_close(json, '}');
	}
	uc_json_close(json, ']');
}

static void json_folders(struct uc_json *json, const struct uc_image *image)
{
	uc_json_open(json, "folders", '[');
	for (size_t i = 0; i < image->folder_count; i++) {
		uc_json_open(json, NULL, '{');
		json_text(json, "path", image->folders[i].path);
		uc_json_amount(json, "bytes", image->folders[i].bytes);
		uc_json_amount(json, "files", image->folders[i].files);
		uc_json_close(json, '}');
	}
	uc_json_close(json, ']');
}

void show_json(const struct uc_image_file *file, const struct uc_image *image)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_json json = { .out = &text };

	uc_json_open(&json, NULL, '{');
	uc_json_number(&json, "version", 1);
	json_text(&json, "name", file->name);
	json_text(&json, "path", file->path);
	uc_json_amount(&json, "size", file->size);
	uc_json_time(&json, "changed", file->mtime);
	uc_json_time(&json, "packed", image->made);
	json_text(&json, "compressor", image->compressor);
	uc_json_amount(&json, "files", image->files);
	uc_json_amount(&json, "unpacked", image->bytes);
	uc_json_amount(&json, "bytes_read", image->bytes_read);
	json_text(&json, "origin", image->origin);
	json_text(&json, "os", image->os);
	json_text(&json, "architecture", image->architecture);
	json_text(&json, "python", image->python);
	json_text(&json, "cuda", image->cuda);
	json_text(&json, "workdir", image->workdir);
	json_text(&json, "entrypoint", image->entrypoint);
	json_text(&json, "command", image->command);
	json_text(&json, "list", image->listed ? file->list : uc_raw(NULL));
	uc_json_open(&json, "environment", '[');
	for (size_t i = 0; i < image->environment_count; i++)
		uc_json_text(&json, NULL, image->environment[i]);
	uc_json_close(&json, ']');
	json_packages(&json, image);
	json_folders(&json, image);
	uc_json_close(&json, '}');
	puts(uc_buf_text(&text));
}
