/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_IMAGE_VERSION_H
#define UC_IMAGE_VERSION_H
/* Versions of PEP 440, and what is asked of them. */
#include <ucluster/requirement.h>

enum {
	UC_RELEASE_MAX = 32, /* numbers of a release; more is no version */
	UC_LOCAL_MAX = 16,
};

/* Digits without zeros in front, of any length; or letters of a local version. */
struct uc_digits {
	const char *at;
	size_t len; /* 0 is the number 0 */
};

/* Borrows from the text it was read from. */
struct uc_pep440 {
	struct uc_digits epoch;
	struct uc_digits release[UC_RELEASE_MAX];
	size_t release_count;
	char pre; /* 'a', 'b', 'r' (rc), or 0 */
	bool post, dev;
	struct uc_digits pre_number, post_number, dev_number;
	struct uc_digits local[UC_LOCAL_MAX]; /* letters and digits, as written */
	size_t local_count;
};
/* Blanks around it are fine. */
bool uc_pep440_parse(const char *text, size_t len, struct uc_pep440 *out);
int uc_pep440_compare(const struct uc_pep440 *a, const struct uc_pep440 *b);
/* As PEP 440 writes it; letters of the local version as they are. */
void uc_pep440_text(const struct uc_pep440 *version, struct uc_buf *out);
int uc_digits_compare(struct uc_digits a, struct uc_digits b);

/* One "OPERATOR VERSION" of a list. */
struct uc_specifier {
	char op[4];
	const char *version; /* borrowed, without ".*" */
	size_t len;
	bool prefix; /* ".*" was there */
};
/*
 * Take the next of a list separated by commas and move *text on; 1: taken, 0: the end,
 * -1: malformed.
 */
int uc_specifier_next(const char **text, struct uc_specifier *out,
		      struct uc_error *err) UC_MUST_CHECK;
/* `version` need not be one. */
bool uc_specifier_met(const struct uc_specifier *specifier, const char *version);

enum uc_truth {
	UC_FALSE,
	UC_TRUE,
	UC_UNSURE
};
/* What markers ask for; NULL: not known. */
struct uc_marker_facts {
	const char *python;  /* "3.10.12", or "3.10" */
	const char *machine; /* "x86_64" */
};
/* false: malformed */
bool uc_marker_evaluate(const char *marker, const struct uc_marker_facts *facts,
			enum uc_truth *out);

#endif
