/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* "torch[extra] >=2.1,<3 ; python_version > '3.8'": PEP 508, and lists of it. */
#include "image/requirement.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "image/image.h"
#include "image/version.h"

void uc_requirements_free(struct uc_requirements *list)
{
	struct uc_requirement_list *own = (struct uc_requirement_list *)list;
	int kept = errno;

	if (!own)
		return;
	uc_strv_free(&own->pub.ignored);
	uc_arena_free(own->arena);
	free(own->row);
	free(own);
	errno = kept;
}

struct uc_requirement_list *uc_requirement_list(struct uc_requirements **list,
						struct uc_error *err)
{
	struct uc_requirement_list *own;

	if (*list)
		return (struct uc_requirement_list *)*list;
	own = calloc(1, sizeof(*own));
	if (own)
		own->arena = uc_arena_new();
	if (!own || !own->arena) {
		free(own);
		uc_fail(err, UC_FAILED, "out of memory");
		return NULL;
	}
	*list = &own->pub;
	return own;
}

int uc_requirement_append(struct uc_requirement_list *list,
			  const struct uc_requirement *row, struct uc_error *err)
{
	if (list->pub.count == UC_REQUIREMENTS_MAX)
		return uc_fail(err, UC_USAGE, "more than %d requirements",
			       UC_REQUIREMENTS_MAX);
	if (list->pub.count == list->cap) {
		size_t more = list->cap ? list->cap * 2 : 32;
		struct uc_requirement *bigger =
			realloc(list->row, more * sizeof(*bigger));

		if (!bigger)
			return uc_fail(err, UC_FAILED, "out of memory");
		list->row = bigger;
		list->cap = more;
		list->pub.row = bigger;
	}
	if (uc_arena_failed(list->arena))
		return uc_fail(err, UC_FAILED, "out of memory");
	list->row[list->pub.count++] = *row;
	return 0;
}

int uc_requirement_at(struct uc_error *err, struct uc_requirement_place place)
{
	return place.path ? uc_at(err, place.path, place.line, 0) : -1;
}

void uc_requirement_ignore(struct uc_requirement_list *list, const char *text,
			   struct uc_requirement_place place, const char *why)
{
	if (place.path)
		uc_strv_addf(&list->pub.ignored, "%s:%d: '%.200s' is ignored: %s",
			     place.path, place.line, text, why);
	else
		uc_strv_addf(&list->pub.ignored, "'%.200s' is ignored: %s", text, why);
}

static size_t name_length(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) ||
	       (text[len] && strchr("-_.", text[len])))
		len++;
	/* it begins and ends with a letter or digit */
	if (len == 0 || !isalnum((unsigned char)text[0]) ||
	    !isalnum((unsigned char)text[len - 1]) || len > UC_PACKAGE_NAME_MAX)
		return 0;
	return len;
}

static const char *skip_blanks(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* The part up to `end`, without blanks around it. */
static const char *keep_part(struct uc_arena *arena, const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	return uc_arena_strndup(arena, text, len);
}

static int check_specifiers(const char *specifiers, struct uc_error *err)
{
	struct uc_specifier one;
	int got;

	while ((got = uc_specifier_next(&specifiers, &one, err)) > 0)
		;
	return got;
}

struct parts {
	const char *name, *specifiers, *marker;
	size_t name_len, specifiers_len;
	bool extras, url;
};

static int malformed(const char *text, struct uc_error *err)
{
	uc_fail(err, UC_USAGE, "'%.120s' is no requirement", text);
	return uc_hint(err, "for example 'torch>=2.1' or 'numpy==1.26.*'");
}

static int cut(const char *text, struct parts *parts, struct uc_error *err)
{
	const char *at = skip_blanks(text), *end;

	parts->name = at;
	parts->name_len = name_length(at);
	if (parts->name_len == 0)
		return malformed(text, err);
	at = skip_blanks(at + parts->name_len);
	if (*at == '[') {
		end = strchr(at, ']');
		if (!end)
			return malformed(text, err);
		parts->extras = true;
		at = skip_blanks(end + 1);
	}
	if (*at == '@') {
		parts->url = true;
		end = strstr(at, " ;");
		parts->specifiers = "";
		parts->marker = end ? end + 2 : NULL;
		return 0;
	}
	end = strchr(at, ';');
	parts->marker = end ? end + 1 : NULL;
	parts->specifiers = at;
	parts->specifiers_len = end ? (size_t)(end - at) : strlen(at);
	if (*at != '(')
		return 0;
	end = memchr(at, ')', parts->specifiers_len);
	if (!end ||
	    strspn(end + 1, " \t") != parts->specifiers_len - (size_t)(end + 1 - at))
		return malformed(text, err);
	parts->specifiers = at + 1;
	parts->specifiers_len = (size_t)(end - at - 1);
	return 0;
}

int uc_requirement_take(struct uc_requirement_list *list, const char *text,
			struct uc_requirement_place place, struct uc_error *err)
{
	const struct uc_marker_facts nothing = { 0 };
	uc_auto(buf) struct uc_buf name = { 0 };
	struct parts parts = { 0 };
	struct uc_requirement row = { .path = uc_arena_strdup(list->arena, place.path),
				      .line = place.line };
	enum uc_truth truth;

	if (cut(text, &parts, err) < 0)
		return uc_requirement_at(err, place);
	uc_package_normalise(&name, parts.name, parts.name_len);
	row.name = uc_arena_strdup(list->arena, uc_buf_text(&name));
	row.text = keep_part(list->arena, text, strlen(text));
	row.specifiers = keep_part(list->arena, parts.specifiers, parts.specifiers_len);
	row.extras = parts.extras;
	if (parts.marker)
		row.marker = keep_part(list->arena, parts.marker, strlen(parts.marker));
	if (name.failed || uc_arena_failed(list->arena))
		return uc_fail(err, UC_FAILED, "out of memory");
	if (check_specifiers(row.specifiers, err) < 0) {
		uc_context(err, "'%.80s'", row.text);
		return uc_requirement_at(err, place);
	}
	if (row.marker && !uc_marker_evaluate(row.marker, &nothing, &truth)) {
		uc_fail(err, UC_USAGE, "'%.80s' is no marker that is known", row.marker);
		return uc_requirement_at(err, place);
	}
	if (parts.url)
		uc_requirement_ignore(list, row.text, place,
				      "any version counts, not that of the address");
	if (parts.extras)
		uc_requirement_ignore(list, row.text, place,
				      "what its extras need is not known");
	return uc_requirement_append(list, &row, err);
}

int uc_requirements_add(struct uc_requirements **list, const char *text,
			struct uc_error *err)
{
	struct uc_requirement_list *own = uc_requirement_list(list, err);
	const struct uc_requirement_place nowhere = { 0 };

	return own ? uc_requirement_take(own, text, nowhere, err) : -1;
}

/* conda's names that pip has others for. */
static const struct {
	const char *conda, *pip;
} aliases[] = {
	{ "pytorch", "torch" },           { "pytorch-gpu", "torch" },
	{ "pytorch-cpu", "torch" },       { "tensorflow-gpu", "tensorflow" },
	{ "py-opencv", "opencv-python" }, { "opencv", "opencv-python" },
	{ "py-xgboost", "xgboost" },      { "matplotlib-base", "matplotlib" },
	{ "pytables", "tables" },         { "python-graphviz", "graphviz" },
	{ "msgpack-python", "msgpack" },
};

static bool is_name(const struct uc_requirement *r, const char *name)
{
	if (uc_package_compare(r->name, name) == 0)
		return true;
	for (size_t i = 0; r->conda && i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(r->name, aliases[i].conda) == 0 &&
		    uc_package_compare(aliases[i].pip, name) == 0)
			return true;
	return false;
}

static bool fits(const struct uc_requirement *r, const char *version)
{
	bool met;

	if (!r->specifiers[0])
		return true;
	return version && uc_version_meets(version, r->specifiers, &met, NULL) == 0 &&
	       met;
}

/* "1:2.31-13+deb11u1" is 2.31 to who asks for a version. */
static void upstream(const struct uc_package *package, struct uc_buf *out)
{
	const char *version = package->version.bytes, *colon = strchr(version, ':');
	const char *dash;

	version = colon ? colon + 1 : version;
	dash = strrchr(version, '-');
	uc_buf_reset(out);
	uc_buf_addn(out, version, dash ? (size_t)(dash - version) : strlen(version));
}

static bool package_fits(const struct uc_requirement *r, const struct uc_package *package)
{
	uc_auto(buf) struct uc_buf version = { 0 };

	if (package->kind != UC_PACKAGE_DPKG || !package->version.bytes)
		return fits(r, package->version.bytes);
	upstream(package, &version);
	return fits(r, uc_buf_text(&version));
}

/* What the image is made for, rather than a package of that name. */
static bool meet_own(const struct uc_requirement *r, const struct uc_image *image,
		     struct uc_meeting *out)
{
	struct uc_raw own = { 0 };

	if (strcmp(r->name, "python") == 0)
		own = image->python;
	else if (strcmp(r->name, "cuda") == 0)
		own = image->cuda;
	if (uc_raw_empty(own))
		return false;
	out->version = own;
	out->met = fits(r, own.bytes) ? UC_MET_YES : UC_MET_OTHER;
	return true;
}

/* Is it for this image at all? */
static bool is_asked(const struct uc_requirement *r, const struct uc_image *image,
		     struct uc_meeting *out)
{
	const struct uc_marker_facts facts = { .python = image->python.bytes,
					       .machine = image->architecture.bytes };
	enum uc_truth truth = UC_TRUE;

	if (r->marker && !uc_marker_evaluate(r->marker, &facts, &truth))
		truth = UC_UNSURE;
	out->marker_ignored = truth == UC_UNSURE;
	return truth != UC_FALSE;
}

void uc_requirement_meet(const struct uc_requirement *r, const struct uc_image *image,
			 struct uc_meeting *out)
{
	*out = (struct uc_meeting){ 0 };
	if (!is_asked(r, image, out)) {
		out->met = UC_MET_NOT_ASKED;
		return;
	}
	if (meet_own(r, image, out))
		return;
	for (size_t i = 0; i < image->package_count && out->met != UC_MET_YES; i++) {
		const struct uc_package *package = &image->packages[i];
		bool fit;

		if (!is_name(r, package->name.bytes))
			continue;
		fit = package_fits(r, package);
		if (!fit && out->package)
			continue;
		out->package = package;
		out->version = package->version;
		out->met = fit ? UC_MET_YES : UC_MET_OTHER;
	}
}
