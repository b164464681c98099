/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_TEXT_H
#define UCLUSTER_TEXT_H
/*
 * Text: what came from elsewhere (Slurm, files, the network) is hostile until it passed
 * the sanitiser. It has its own type, so that `printf("%s", job->name)` does not compile
 * without a warning; say `.bytes` where the raw bytes are really meant.
 *
 *	uc_auto(buf) struct uc_buf line = { 0 };
 *	uc_buf_safe(&line, job->name, 0);
 *	puts(uc_buf_text(&line));
 */
#include <stddef.h>
#include <stdint.h>
#include <ucluster/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Foreign bytes, NUL-terminated, any encoding; NULL = not known. */
struct uc_raw {
	const char *bytes;
};
static inline struct uc_raw uc_raw(const char *bytes)
{
	struct uc_raw raw = { bytes };

	return raw;
}
static inline bool uc_raw_empty(struct uc_raw raw)
{
	return !raw.bytes || !raw.bytes[0];
}

/*
 * A growing string. Zero-initialise. Failure to allocate is sticky: build the whole, then
 * check `failed` once; a failed buffer keeps what it had and ignores further additions.
 */
struct uc_buf {
	char *data; /* NUL-terminated once something was added; may hold NULs itself */
	size_t len, cap;
	bool failed;
};
void uc_buf_free(struct uc_buf *buf);
void uc_buf_reset(struct uc_buf *buf); /* empty it, keep the memory */
void uc_buf_add(struct uc_buf *buf, const char *text);
void uc_buf_addn(struct uc_buf *buf, const void *bytes, size_t len);
void uc_buf_addc(struct uc_buf *buf, char c);
void uc_buf_addi(struct uc_buf *buf, int64_t number); /* in decimal */
void uc_buf_addf(struct uc_buf *buf, const char *fmt, ...) UC_PRINTF(2, 3);
void uc_buf_addv(struct uc_buf *buf, const char *fmt, va_list ap) UC_PRINTF(2, 0);
/* The text, never NULL; borrowed until the next change of the buffer. */
const char *uc_buf_text(const struct uc_buf *buf);
/* Hand the text over (free() it); NULL when the buffer failed. It is empty then. */
char *uc_buf_take(struct uc_buf *buf);
UC_DEFINE_AUTO_VALUE(buf, struct uc_buf)

/* How the sanitiser works; 0 = for a UTF-8 terminal. */
enum uc_safe_flags {
	UC_SAFE_ASCII = 1, /* LC_CTYPE is not UTF-8: everything beyond ASCII is escaped */
	UC_SAFE_NEWLINE = 2, /* keep '\n' and '\t' (text of several lines) */
	UC_SAFE_COLOUR = 4,  /* keep well-formed SGR sequences (ESC [ digits ; m) */
	UC_SAFE_RETURN = 8,  /* keep '\r' (progress bars) */
};
/*
 * Add `raw` so that it can be shown: printable UTF-8 passes; control bytes and C1 become
 * "\x1b", bidi controls, line separators and zero-width characters "\u202e", invalid
 * bytes U+FFFD; at most two combining marks a cell. NULL adds nothing.
 */
void uc_buf_safe(struct uc_buf *buf, struct uc_raw raw, unsigned flags);
void uc_buf_safen(struct uc_buf *buf, const char *bytes, size_t len, unsigned flags);

/*
 * How many bytes at the end may be the beginning of a character or colour sequence whose
 * rest is yet to come: hold them back when text arrives in pieces. At most 32.
 */
size_t uc_text_unfinished(const char *bytes, size_t len);

/* Columns that safe UTF-8 text takes on a terminal (wcwidth of a UTF-8 locale). */
size_t uc_text_width(const char *safe);
/* Bytes of `safe` that fit into `columns`; never splits a character. */
size_t uc_text_clip(const char *safe, size_t columns);

/* How a shell word is written. */
enum uc_quote_style {
	UC_QUOTE_EXACT,   /* POSIX sh, byte for byte: for files and pipes */
	UC_QUOTE_VISIBLE, /* for terminals: control and invalid bytes as $'\x1b' */
};
/* Add `word` quoted for a shell; plain where no quoting is needed, '' when empty. */
void uc_buf_quote(struct uc_buf *buf, const char *word, enum uc_quote_style style);
/* Add all words of a NULL-terminated vector, separated by blanks. */
void uc_buf_quote_argv(struct uc_buf *buf, const char *const *argv,
		       enum uc_quote_style style);

/*
 * The candidate nearest to `word` for a "did you mean", or NULL when none is near (edit
 * distance above a third of the length). `candidates` ends with NULL.
 */
const char *uc_text_nearest(const char *word, const char *const *candidates);

/* A NULL-terminated vector of strings that owns its memory. Zero-initialise. */
struct uc_strv {
	char **item; /* NULL while empty; else NULL-terminated */
	size_t count, cap;
	bool failed; /* sticky, as in uc_buf */
};
void uc_strv_free(struct uc_strv *v);
void uc_strv_add(struct uc_strv *v, const char *text);
void uc_strv_addn(struct uc_strv *v, const char *bytes, size_t len);
void uc_strv_addf(struct uc_strv *v, const char *fmt, ...) UC_PRINTF(2, 3);
void uc_strv_add_all(struct uc_strv *v, const char *const *items);
/* Index of `text`, or -1. */
long uc_strv_find(const struct uc_strv *v, const char *text);
UC_DEFINE_AUTO_VALUE(strv, struct uc_strv)

#ifdef __cplusplus
}
#endif
#endif
