/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of `uimage list`. Keys are for ever; add, never rename. */
#include <pwd.h>
#include <ucluster/units.h>
#include "uimage/list.h"
#include "uimage/uimage.h"

static const struct uc_image_file *file_of(const void *row)
{
	return ((const struct list_row *)row)->file;
}

static const struct uc_image *image_of(const void *row)
{
	return ((const struct list_row *)row)->image;
}

static void put(struct uc_value *out, enum uc_value_type type, uint64_t number)
{
	out->type = type;
	out->number = number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

#define FILE_TEXT(member)                                                                \
	static void get_##member(const void *row, const void *context,                   \
				 struct uc_value *out)                                   \
	{                                                                                \
		(void)context;                                                           \
		uc_value_put_raw(out, file_of(row)->member);                             \
	}
FILE_TEXT(name)
FILE_TEXT(path)
FILE_TEXT(list)

#define IMAGE_TEXT(member)                                                               \
	static void get_##member(const void *row, const void *context,                   \
				 struct uc_value *out)                                   \
	{                                                                                \
		(void)context;                                                           \
		if (image_of(row))                                                       \
			uc_value_put_raw(out, image_of(row)->member);                    \
	}
IMAGE_TEXT(os)
IMAGE_TEXT(architecture)
IMAGE_TEXT(python)
IMAGE_TEXT(cuda)
IMAGE_TEXT(compressor)

#define IMAGE_NUMBER(member, type)                                                       \
	static void get_##member(const void *row, const void *context,                   \
				 struct uc_value *out)                                   \
	{                                                                                \
		(void)context;                                                           \
		if (image_of(row))                                                       \
			put(out, type, (uint64_t)image_of(row)->member);                 \
	}
IMAGE_NUMBER(files, UC_VALUE_NUMBER)
IMAGE_NUMBER(bytes, UC_VALUE_SIZE)
IMAGE_NUMBER(made, UC_VALUE_TIME)
IMAGE_NUMBER(package_count, UC_VALUE_NUMBER)

static void get_size(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put(out, UC_VALUE_SIZE, file_of(row)->size);
}

static void get_changed(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TIME;
	out->number = file_of(row)->mtime;
}

/* Days, and hours or minutes of what is younger. */
static void get_age(const void *row, const void *data, struct uc_value *out)
{
	const struct list_context *context = data;
	int64_t age = context->now - file_of(row)->mtime;

	age = age < 0 ? 0 : age;
	out->type = UC_VALUE_SECONDS;
	out->number = age;
	if (age >= 2 * 86400)
		uc_buf_addf(&out->shown, "%lldd", (long long)(age / 86400));
	else if (age >= 2 * 3600)
		uc_buf_addf(&out->shown, "%lldh", (long long)(age / 3600));
	else
		uc_buf_addf(&out->shown, "%lldm", (long long)(age / 60));
}

static void get_owner(const void *row, const void *context, struct uc_value *out)
{
	const struct passwd *who = getpwuid(file_of(row)->uid);

	(void)context;
	if (who)
		uc_buf_add(&out->scratch, who->pw_name);
	else
		uc_buf_addf(&out->scratch, "%u", file_of(row)->uid);
	uc_value_put_raw(out, uc_raw(uc_buf_text(&out->scratch)));
}

/* What is written beside an image is known when it cannot be read, too. */
static void get_origin(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	uc_value_put_raw(out,
			 image_of(row) ? image_of(row)->origin : file_of(row)->origin);
}

static void get_frameworks(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	if (!image_of(row))
		return;
	uimage_frameworks(&out->scratch, image_of(row));
	uc_value_put_raw(out, uc_raw(uc_buf_text(&out->scratch)));
}

static void get_jobs(const void *row, const void *data, struct uc_value *out)
{
	const struct list_context *context = data;
	uint64_t jobs = ((const struct list_row *)row)->jobs;

	if (!context->jobs_known)
		return;
	put(out, UC_VALUE_NUMBER, jobs);
	out->blank = jobs == 0;
	out->role = UC_ROLE_GOOD;
}

static void get_hidden(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put(out, UC_VALUE_BOOL, file_of(row)->hidden);
}

static void get_state(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->role = image_of(row) ? UC_ROLE_GOOD : UC_ROLE_BAD;
	uc_value_put_raw(out, uc_raw(image_of(row) ? "ok" : "unreadable"));
}

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
#define CUT   UC_COLUMN_CUT
#define SPARE UC_COLUMN_SPARE
#define ANY   UC_COLUMN_ANY
// clang-format off
const struct uc_column list_columns[] = {
	{ "NAME", "name", SHOWN | CUT, 16, "what usrun --image takes", get_name },
	{ "SIZE", "size", SHOWN | RIGHT, 0, "size of the file", get_size },
	{ "AGE", "age", SHOWN | RIGHT, 0, "since it was changed", get_age },
	{ "PYTHON", "python", SHOWN, 0, "version of the Python with most packages",
	  get_python },
	{ "CUDA", "cuda", SHOWN | SPARE, 0, "version of CUDA", get_cuda },
	{ "FRAMEWORKS", "frameworks", SHOWN | CUT, 10, "PyTorch, TensorFlow, JAX, ...",
	  get_frameworks },
	{ "ORIGIN", "origin", SHOWN | CUT | SPARE | ANY, 10, "where it came from", get_origin },
	{ "JOBS", "jobs", SHOWN | RIGHT | SPARE | ANY, 0, "your jobs that run in it now",
	  get_jobs },
	{ "PATH", "path", CUT, 16, "the file", get_path },
	{ "SYSTEM", "os", CUT, 10, "its distribution", get_os },
	{ "ARCH", "architecture", 0, 0, "what machines it is for", get_architecture },
	{ "PACKAGES", "packages", RIGHT, 0, "number of packages", get_package_count },
	{ "FILES", "files", RIGHT, 0, "number of files in it", get_files },
	{ "UNPACKED", "unpacked", RIGHT, 0, "size of these files", get_bytes },
	{ "COMPRESSOR", "compressor", 0, 0, "how it is packed", get_compressor },
	{ "PACKED", "packed", 0, 0, "when it was packed", get_made },
	{ "CHANGED", "changed", 0, 0, "when the file was last changed", get_changed },
	{ "OWNER", "owner", CUT, 8, "whose file it is", get_owner },
	{ "LIST", "list", CUT, 16, "list of packages beside it", get_list },
	{ "HIDDEN", "hidden", 0, 0, "whether a folder before it has one of that name",
	  get_hidden },
	{ "STATE", "state", 0, 0, "'ok' or 'unreadable'", get_state },
	{ 0 }
};
// clang-format on

bool list_needs_image(const struct uc_selection *shown)
{
	static void (*const of_file[])(const void *, const void *, struct uc_value *) = {
		get_name,  get_size, get_age,    get_path, get_changed,
		get_owner, get_list, get_hidden, get_jobs,
	};

	for (size_t i = 0; i < shown->count; i++) {
		size_t k = 0;

		while (k < sizeof(of_file) / sizeof(of_file[0]) &&
		       of_file[k] != shown->column[i]->get)
			k++;
		if (k == sizeof(of_file) / sizeof(of_file[0]))
			return true;
	}
	return false;
}

bool list_needs_jobs(const struct uc_selection *shown)
{
	for (size_t i = 0; i < shown->count; i++)
		if (shown->column[i]->get == get_jobs)
			return true;
	return false;
}
