/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_TEMPLATE_H
#define UCLUSTER_TEMPLATE_H
/*
 * Templates: folders of files with places for values, which become the beginning of a
 * project. template.yaml in such a folder says what it is for and which values it has:
 *
 *	summary: train a model
 *	keys:
 *	  gpus: {help: GPUs of the job, type: number, min: 0, max: 64, default: 1}
 *	  image: {help: container image, config: image, required: true}
 *
 * A place in a file names how the value is written there: @sh:NAME@ as one word of a
 * shell, outside of quotes; @yaml:NAME@, @json:NAME@ and @py:NAME@ as a value of YAML,
 * JSON or Python; @text:NAME@ as it is read, on one line, for comments and prose. A line
 * that begins with @if:NAME@ is left out when the value is empty, false or 0. No value
 * gets out of its place, whatever it is.
 *
 *	uc_auto(template) struct uc_template *t = NULL;
 *	uc_template_load(uc_buf_text(&folder), &t, &faults);
 *	uc_template_set(t, "gpus", "4", &err);
 *	uc_template_write(t, "proj", 0, &present, &err);
 */
#include <stdint.h>
#include <ucluster/config.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of one template. */
#define UC_TEMPLATE_FILES_MAX 256
#define UC_TEMPLATE_FILE_MAX  ((size_t)1 << 20)
#define UC_TEMPLATE_BYTES_MAX ((size_t)16 << 20)
#define UC_TEMPLATE_VALUE_MAX 1000

/* What values of a key may be; all are one line of UTF-8 without control characters. */
enum uc_template_type {
	UC_TEMPLATE_TEXT,
	UC_TEMPLATE_WORD,   /* letters, digits, "._+:,@%=/-", not "-" in front */
	UC_TEMPLATE_NUMBER, /* in min..max */
	UC_TEMPLATE_SIZE,   /* as "24G" */
	UC_TEMPLATE_TIME,   /* as "8h" */
	UC_TEMPLATE_PATH,   /* "~/" in front is the home directory, in a shell as well */
	UC_TEMPLATE_BOOL,   /* yes or no */
	UC_TEMPLATE_CHOICE, /* one of choices */
};

/* Who has said the value. */
enum uc_template_from {
	UC_TEMPLATE_DEFAULT,
	UC_TEMPLATE_CONFIG,
	UC_TEMPLATE_SET,
};

/* Strings are borrowed from the template. */
struct uc_template_key {
	const char *name, *help;
	enum uc_template_type type;
	bool required;              /* must not be empty */
	const char *const *choices; /* CHOICE: NULL-terminated */
	int64_t min, max;           /* NUMBER; both 0 = any */
	const char *config; /* key of the configuration that the default is taken from */
	const char *value;  /* never NULL */
	enum uc_template_from from;
};

struct uc_template;
/*
 * Find a template by its name in the first of `folders` (NULL-terminated) that has it:
 * the path of its folder. UC_NOTFOUND, with the nearest name; UC_USAGE: no name of a
 * template.
 */
int uc_template_find(const char *const *folders, const char *name, struct uc_buf *path,
		     struct uc_error *err) UC_MUST_CHECK;
/* The folders of all templates, sorted by name; of one name the first folder's counts. */
int uc_template_list(const char *const *folders, struct uc_strv *paths,
		     struct uc_error *err) UC_MUST_CHECK;

/*
 * Read a template with all its files. -1 with every fault, at path:line:column, in
 * `faults`: also places that name no key, or stand where their value would not be one.
 */
int uc_template_load(const char *folder, struct uc_template **out,
		     struct uc_errors *faults) UC_MUST_CHECK;
void uc_template_free(struct uc_template *t);
UC_DEFINE_AUTO(template, struct uc_template *)

/* Borrowed: the name of its folder, one line about it, its keys in their order. */
const char *uc_template_name(const struct uc_template *t);
const char *uc_template_summary(const struct uc_template *t);
const struct uc_template_key *uc_template_keys(const struct uc_template *t,
					       size_t *count);
/* "number", "text", ... */
const char *uc_template_type_name(enum uc_template_type type);

/* Set a value. UC_NOTFOUND: no such key, with the nearest; UC_USAGE: not such a value. */
int uc_template_set(struct uc_template *t, const char *name, const char *value,
		    struct uc_error *err) UC_MUST_CHECK;
/* Take defaults from configuration, for keys that say so, where the value is right. */
void uc_template_defaults(struct uc_template *t, const struct uc_config *config);

/* Relative path of file `index`, NULL at the end; README.md among them. */
const char *uc_template_file(const struct uc_template *t, size_t index);
/* Add the bytes that file `index` gets. */
int uc_template_render(const struct uc_template *t, size_t index, struct uc_buf *out,
		       struct uc_error *err) UC_MUST_CHECK;

enum uc_template_write {
	UC_TEMPLATE_REPLACE = 1, /* files that are there are replaced */
};
/* Which of its files are in `folder` already, by their relative paths; its README.md is
 * not counted, which gives way to another's. */
int uc_template_present(const struct uc_template *t, const char *folder,
			struct uc_strv *present, struct uc_error *err) UC_MUST_CHECK;
/*
 * Write all files into `folder`, made with its parents when it is not there: all of them
 * or none, whatever fails. UC_USAGE when a required value is missing, or a file is there
 * that is not to be replaced; a README.md that is there always stays. Links in the folder
 * are not followed. `written` has the relative paths then.
 */
int uc_template_write(const struct uc_template *t, const char *folder, unsigned flags,
		      struct uc_strv *written, struct uc_error *err) UC_MUST_CHECK;

/* How a value is written where. */
enum uc_template_context {
	UC_CONTEXT_SH,
	UC_CONTEXT_YAML,
	UC_CONTEXT_JSON,
	UC_CONTEXT_PY,
	UC_CONTEXT_TEXT,
};
/* Add `value` so that a reader of that language gets it back byte for byte (TEXT: what a
 * terminal may show). Any bytes but NUL; what is not UTF-8 only in SH. */
void uc_template_quote(struct uc_buf *out, enum uc_template_context context,
		       enum uc_template_type type, const char *value);

#ifdef __cplusplus
}
#endif
#endif
