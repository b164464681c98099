/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_REQUIREMENT_H
#define UCLUSTER_REQUIREMENT_H
/*
 * What is asked of an image's packages, as pip understands it: versions and operators of
 * PEP 440, requirements and markers of PEP 508, names of PEP 503.
 *
 *	uc_auto(requirements) struct uc_requirements *wanted = NULL;
 *	uc_requirements_add(&wanted, "torch>=2.1", &err);
 *	uc_requirements_read(&wanted, "environment.yml", &err);
 *	uc_requirement_meet(&wanted->row[0], image, &met);
 */
#include <ucluster/image.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Is `text` a version as PEP 440 has it? */
bool uc_version_is_valid(const char *text);
/* Order two versions as PEP 440 has it: *order < 0, 0, > 0. -1: one is none. */
int uc_version_compare(const char *a, const char *b, int *order) UC_MUST_CHECK;
/*
 * Does a version meet all of "OPERATOR VERSION, ..."? Pre-releases may, as with what pip
 * finds installed. "" is met by all. UC_USAGE: that is no specifier; a version that is
 * none meets "===" only.
 */
int uc_version_meets(const char *version, const char *specifiers, bool *out,
		     struct uc_error *err) UC_MUST_CHECK;

struct uc_requirement {
	const char *text;       /* as written; foreign bytes, control bytes left out */
	const char *name;       /* normalised */
	const char *specifiers; /* ">=2.1,<3"; "" = any */
	const char *marker;     /* "python_version < '3.9'", or NULL */
	bool extras;            /* "[extra]" was there: what it needs is not known */
	bool conda;             /* a name of conda's, which may differ from pip's */
	const char *path;       /* of the file it is from, or NULL */
	int line;               /* there; or 0 */
};
/* Owns its strings. */
struct uc_requirements {
	const struct uc_requirement *row;
	size_t count;
	struct uc_strv ignored; /* what was passed over, a line for people each */
};
void uc_requirements_free(struct uc_requirements *list);
UC_DEFINE_AUTO(requirements, struct uc_requirements *)

/* Add one, "torch>=2.1". *list is made when it is NULL. UC_USAGE: malformed. */
int uc_requirements_add(struct uc_requirements **list, const char *text,
			struct uc_error *err) UC_MUST_CHECK;
/*
 * Add those of a file: pip's format, and that of conda where the name ends in .yml or
 * .yaml. Files that it names with -r are read, too. What asks for something else than a
 * package is ignored and named. UC_NOTFOUND, UC_DENIED, UC_USAGE with the place.
 */
int uc_requirements_read(struct uc_requirements **list, const char *path,
			 struct uc_error *err) UC_MUST_CHECK;
/* The same of bytes; `path` is for messages, and files that are named are ignored. */
int uc_requirements_parse(struct uc_requirements **list, const char *path,
			  const char *bytes, size_t len,
			  struct uc_error *err) UC_MUST_CHECK;

/* How an image meets a requirement. */
enum uc_met {
	UC_MET_NO,    /* no such package */
	UC_MET_OTHER, /* it is there in a version that does not fit */
	UC_MET_YES,
	UC_MET_NOT_ASKED, /* its marker says that it is not for this image */
};
struct uc_meeting {
	enum uc_met met;
	const struct uc_package *package; /* that fits, or else one that is there */
	struct uc_raw version;            /* of it, of Python or CUDA; NULL: not known */
	bool marker_ignored;              /* what the marker asks for is not known */
};
/*
 * "python" and "cuda" are the image's, whatever package they came in. Borrows from
 * `image`.
 */
void uc_requirement_meet(const struct uc_requirement *requirement,
			 const struct uc_image *image, struct uc_meeting *out);

#ifdef __cplusplus
}
#endif
#endif
