/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_IMAGE_RECORD_H
#define UC_IMAGE_RECORD_H
/*
 * What the reading program says of an image, and what is kept of it: lines of a word and
 * its fields, separated by tabs; control bytes and '%' in a field as %XX. The last line
 * is "end".
 */
#include "image/image.h"

#define UC_RECORD_MAX ((size_t)32 << 20) /* bytes of one record */

/* Add a line; `fields` ends with NULL. */
void uc_image_record_add(struct uc_buf *out, const char *word, const char *const *fields);
void uc_image_record_add_pair(struct uc_buf *out, const char *word, const char *one,
			      const char *other);
void uc_image_record_add_text(struct uc_buf *out, const char *word, const char *text);
/* A field of its own, %XX and all. */
void uc_image_record_add_field(struct uc_buf *out, const char *text, size_t len);

/*
 * Take a whole record. UC_INVALID: it is none, or cut off; a record that says "fault"
 * makes that the error's text.
 */
int uc_image_record_parse(const char *bytes, size_t len, struct uc_image **out,
			  struct uc_error *err) UC_MUST_CHECK;

/* What "image-reader check" writes, in one piece. */
#define UC_CHECKED_MAGIC 0x75636931u /* changes with the struct */
struct uc_image_checked {
	uint32_t magic;
	uint64_t files, folders, links, bytes, faults;
	char first[160];
};

#endif
