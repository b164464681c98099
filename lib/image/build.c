/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* An image's description, put together piece by piece. */
#include "image/image.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = { "pip", "conda", "dpkg", "listed" };

const char *uc_package_kind_name(enum uc_package_kind kind)
{
	return kind < UC_PACKAGE_KINDS ? kind_names[kind] : "?";
}

struct uc_image_build *uc_image_build_new(void)
{
	struct uc_image_build *build = calloc(1, sizeof(*build));

	if (build)
		build->arena = uc_arena_new();
	if (build && build->arena)
		return build;
	free(build);
	return NULL;
}

void uc_image_free(struct uc_image *image)
{
	struct uc_image_build *build = (struct uc_image_build *)image;
	int kept = errno;

	if (!build)
		return;
	uc_image_free(build->list ? &build->list->pub : NULL);
	uc_arena_free(build->arena);
	free(build->package);
	free(build->environment);
	free(build->folder);
	free(build);
	errno = kept;
}

/* Room for one more; false: no memory. */
static bool grow(struct uc_image_build *build, void **array, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 256;
	void *bigger = build->failed ? NULL : realloc(*array, more * size);

	if (!bigger) {
		build->failed = true;
		return false;
	}
	*array = bigger;
	*cap = more;
	return true;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || strchr("-_.+:~@/", c);
}

/* A name begins with a letter, digit or '_' (conda's), and has no blanks in it. */
static bool is_name(const char *name)
{
	size_t len = 0;

	if (!isalnum((unsigned char)name[0]) && name[0] != '_')
		return false;
	while (name[len] && is_name_char(name[len]))
		len++;
	return name[len] == '\0' && len <= UC_PACKAGE_NAME_MAX;
}

static bool is_version(const char *version)
{
	size_t len = 0;

	while (version[len] > ' ' && version[len] < 0x7f)
		len++;
	return version[len] == '\0' && len > 0 && len <= UC_PACKAGE_NAME_MAX;
}

bool uc_image_add_package(struct uc_image_build *build, enum uc_package_kind kind,
			  const char *name, const char *version)
{
	struct uc_package *package;
	size_t count = build->pub.package_count;

	if (!is_name(name) || count == UC_IMAGE_PACKAGES_MAX)
		return false;
	if (count == build->package_cap &&
	    !grow(build, (void **)&build->package, &build->package_cap, sizeof(*package)))
		return false;
	package = &build->package[build->pub.package_count++];
	*package = (struct uc_package){
		.kind = kind,
		.name = uc_raw(uc_arena_strdup(build->arena, name)),
		.version = uc_raw(version && is_version(version)
					  ? uc_arena_strdup(build->arena, version)
					  : NULL),
	};
	return true;
}

void uc_image_add_variable(struct uc_image_build *build, const char *text)
{
	if (build->pub.environment_count == build->environment_cap &&
	    !grow(build, (void **)&build->environment, &build->environment_cap,
		  sizeof(*build->environment)))
		return;
	build->environment[build->pub.environment_count++] =
		uc_raw(uc_arena_strdup(build->arena, text));
}

void uc_image_add_folder(struct uc_image_build *build, const char *path, uint64_t bytes,
			 uint64_t files)
{
	if (build->pub.folder_count == build->folder_cap &&
	    !grow(build, (void **)&build->folder, &build->folder_cap,
		  sizeof(*build->folder)))
		return;
	build->folder[build->pub.folder_count++] = (struct uc_image_folder){
		.path = uc_raw(uc_arena_strdup(build->arena, path)),
		.bytes = bytes,
		.files = files,
	};
}

static bool is_separator(char c)
{
	return c == '-' || c == '_' || c == '.';
}

void uc_package_normalise(struct uc_buf *out, const char *name, size_t len)
{
	uc_buf_reset(out);
	for (size_t i = 0; i < len; i++)
		if (!is_separator(name[i]))
			uc_buf_addc(out, (char)tolower((unsigned char)name[i]));
		else if (i == 0 || !is_separator(name[i - 1]))
			uc_buf_addc(out, '-');
}

int uc_package_compare(const char *a, const char *b)
{
	for (;;) {
		int one = tolower((unsigned char)*a), other = tolower((unsigned char)*b);

		if (is_separator(*a))
			one = '-';
		if (is_separator(*b))
			other = '-';
		if (one != other)
			return one < other ? -1 : 1;
		if (one == 0)
			return 0;
		a++;
		b++;
		while (one == '-' && is_separator(*a))
			a++;
		while (one == '-' && is_separator(*b))
			b++;
	}
}

static int by_kind_and_name(const void *a, const void *b)
{
	const struct uc_package *one = a, *other = b;
	int order;

	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	order = uc_package_compare(one->name.bytes, other->name.bytes);
	if (order)
		return order;
	/* the same twice: one that has a version comes first */
	if (!one->version.bytes || !other->version.bytes)
		return !one->version.bytes - !other->version.bytes;
	return strcmp(one->version.bytes, other->version.bytes);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct uc_image_folder *)a)->path.bytes,
		      ((const struct uc_image_folder *)b)->path.bytes);
}

/* The same name and version again says nothing new. */
static size_t drop_twins(struct uc_package *package, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct uc_package *last = kept ? &package[kept - 1] : NULL;

		if (last && last->kind == package[i].kind &&
		    uc_package_compare(last->name.bytes, package[i].name.bytes) == 0 &&
		    (!package[i].version.bytes ||
		     (last->version.bytes &&
		      strcmp(last->version.bytes, package[i].version.bytes) == 0)))
			continue;
		package[kept++] = package[i];
	}
	return kept;
}

static const char *variable(const struct uc_image_build *build, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < build->pub.environment_count; i++) {
		const char *text = build->environment[i].bytes;

		if (strncmp(text, name, len) == 0 && text[len] == '=' && text[len + 1])
			return text + len + 1;
	}
	return NULL;
}

/* "3.10.12-1~22.04" is 3.10.12 to Python's users. */
static struct uc_raw upstream(struct uc_image_build *build, const char *version)
{
	return uc_raw(uc_arena_strndup(build->arena, version,
				       strspn(version, "0123456789."
						       "abcr")));
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/*
 * The folder of Python's packages says "3.10" only; what Python says of itself says
 * more.
 */
static void find_python(struct uc_image_build *build)
{
	struct uc_image *image = &build->pub;
	const char *minor = image->python.bytes;
	const char *told = variable(build, "PYTHON_VERSION");
	uc_auto(buf) struct uc_buf name = { 0 };
	const struct uc_package *package = uc_image_find(image, "python");

	/* dpkg's is the system's, which may be another */
	if (package && package->kind != UC_PACKAGE_DPKG && package->version.bytes &&
	    (!minor || begins(package->version.bytes, minor))) {
		image->python = package->version;
	} else if (told && (!minor || begins(told, minor))) {
		image->python = uc_raw(told);
	} else {
		uc_buf_addf(&name, "python%s", minor ? minor : "3");
		build->failed = build->failed || name.failed;
		package = uc_image_find(image, uc_buf_text(&name));
		if (package && package->version.bytes &&
		    (!minor || begins(package->version.bytes, minor)))
			image->python = upstream(build, package->version.bytes);
	}
}

int uc_image_finish(struct uc_image_build *build, struct uc_image **out,
		    struct uc_error *err)
{
	struct uc_image *image = &build->pub;
	const char *cuda;

	if (build->failed || uc_arena_failed(build->arena)) {
		uc_image_free(image);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	if (image->package_count) {
		qsort(build->package, image->package_count, sizeof(*build->package),
		      by_kind_and_name);
		image->package_count = drop_twins(build->package, image->package_count);
	}
	if (image->folder_count)
		qsort(build->folder, image->folder_count, sizeof(*build->folder),
		      by_path);
	image->packages = build->package;
	image->environment = build->environment;
	image->folders = build->folder;
	find_python(build);
	cuda = variable(build, "CUDA_VERSION");
	if (cuda)
		image->cuda = uc_raw(cuda);
	if (build->failed || uc_arena_failed(build->arena)) {
		uc_image_free(image);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	*out = image;
	return 0;
}

const struct uc_package *uc_image_find(const struct uc_image *image, const char *name)
{
	for (size_t i = 0; i < image->package_count; i++)
		if (uc_package_compare(image->packages[i].name.bytes, name) == 0)
			return &image->packages[i];
	return NULL;
}
