/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_TABLE_H
#define UC_COMMON_TABLE_H
/*
 * One constant table per listing says what its columns are: heading, JSON key, help, and
 * a function that gets the typed value from a row. On a terminal it is aligned, coloured
 * and shortened to fit; in a pipe plain and uncut; JSON has the raw values.
 *
 *	static const struct uc_column columns[] = {
 *		{ "USER", "user", UC_COLUMN_CUT, 8, "whose it is", get_user },
 *		{ 0 }
 *	};
 *	struct uc_selection shown;
 *	if (uc_listing_select(run, columns, &args.listing, &shown) < 0)
 *		return run->status;
 *	struct uc_table table = { .name = "jobs", .rows = jobs->row,
 *				  .count = jobs->count, .row_size = sizeof(*jobs->row) };
 *	return uc_table_print(run, &table, &shown, &args.listing);
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucluster/text.h>
#include "common/opt.h"
#include "common/run.h"

enum uc_value_type {
	UC_VALUE_NONE, /* "-", null */
	UC_VALUE_TEXT, /* foreign bytes; unset is NONE */
	UC_VALUE_NUMBER,
	UC_VALUE_SIZE,    /* bytes */
	UC_VALUE_SECONDS, /* "1-02:03:04"; unlimited is null in JSON */
	UC_VALUE_TIME,    /* seconds since 1970, 0 is NONE; local time for people */
	UC_VALUE_BOOL,
	UC_VALUE_SHARE, /* thousandths: "12.5%", 0.125 in JSON */
};
/* Meaning of a cell, for colour. */
enum uc_role {
	UC_ROLE_PLAIN,
	UC_ROLE_GOOD,
	UC_ROLE_WAIT,
	UC_ROLE_BAD,
	UC_ROLE_FAINT
};

struct uc_value {
	enum uc_value_type type;
	enum uc_role role;
	struct uc_raw text;
	int64_t number;
	struct uc_buf scratch; /* empty; for a getter that puts text together */
	bool blank;            /* people see nothing, whatever the raw value */
	/* What people see in place of the raw value, when a getter adds to it. */
	struct uc_buf shown; /* foreign bytes are fine */
};
void uc_value_free(struct uc_value *value);
UC_DEFINE_AUTO_VALUE(value, struct uc_value)
/* For a getter: a text, nothing when it is empty. */
void uc_value_put_raw(struct uc_value *out, struct uc_raw text);

enum uc_column_flags {
	UC_COLUMN_DEFAULT = 1, /* shown without --format */
	UC_COLUMN_RIGHT = 2,
	UC_COLUMN_CUT = 4, /* may be shortened to fit a terminal */
	UC_COLUMN_SPARE =
		8,          /* left out, the last first, where a terminal is too narrow */
	UC_COLUMN_ANY = 16, /* left out on a terminal when no row has a value */
};
struct uc_column {
	const char *heading; /* NULL ends the table */
	const char *key;     /* in JSON and --format; lower snake case, never renamed */
	unsigned flags;
	int width; /* a CUT column is not made narrower than this */
	const char *help;
	void (*get)(const void *row, const void *context, struct uc_value *out);
};

struct uc_table {
	const char *name; /* the array's key in JSON */
	const void *rows;
	size_t count, row_size;
	const void *context; /* for the getters */
	int64_t now;         /* of the source */
};

/* The options that all listings share; UC_LISTING_OPTIONS puts them into a table. */
struct uc_listing {
	bool json, noheader, parsable, list_columns;
	const char *format;
	const char *usual; /* as format, when none is given; NULL: the DEFAULT columns */
};
// clang-format off
#define UC_LISTING_OPTIONS(args_type, member)                                                  \
	{ "format", 'o', UC_OPT_STRING, .metavar = "COLUMNS", .group = "Output",         \
	  .offset = offsetof(args_type, member.format),                                        \
	  .help = "these columns; with + in front: these too",                           \
	  .doc = "Show these columns, separated by commas, or,\nwith\n.Sq +\n"           \
		 "in front, add them to the usual ones.\nSee\n.Sx COLUMNS ." },          \
	{ "json", .type = UC_OPT_FLAG, .offset = offsetof(args_type, member.json),             \
	  .help = "JSON with raw values",                                                \
	  .doc = "Print one JSON object: a\n.Dq version ,\n.Dq now ,\nand an array of "  \
		 "objects.\nValues are raw: bytes, seconds, seconds since 1970,\n"       \
		 "null where there is none.\nWithout\n.Fl -format\nall columns "         \
		 "are there." },                                                         \
	{ "noheader", 'h', UC_OPT_FLAG, .offset = offsetof(args_type, member.noheader),        \
	  .help = "no line of headings" },                                               \
	{ "parsable2", .type = UC_OPT_FLAG, .offset = offsetof(args_type, member.parsable),    \
	  .help = "fields separated by '|'",                                             \
	  .doc = "Separate fields by\n.Sq \\*(Ba ;\none inside a field is written\n"     \
		 ".Ql \\ex7c ." },                                                       \
	{ "list-columns", .type = UC_OPT_FLAG,                                           \
	  .offset = offsetof(args_type, member.list_columns), .help = "say what columns there are" }
// clang-format on

#define UC_SELECTION_MAX 128
struct uc_selection {
	const struct uc_column *column[UC_SELECTION_MAX];
	size_t count;
};

/*
 * Check --format, or do --list-columns. -1: the command is over with run->status, which
 * is 0 after --list-columns.
 */
int uc_listing_select(struct uc_run *run, const struct uc_column *columns,
		      const struct uc_listing *listing,
		      struct uc_selection *out) UC_MUST_CHECK;

/* Print all rows; returns the exit status. Nothing but JSON is printed without rows. */
int uc_table_print(struct uc_run *run, const struct uc_table *table,
		   const struct uc_selection *shown, const struct uc_listing *listing);

/* The forms of it (table.c, table_tty.c, table_json.c). */
int uc_table_plain(const struct uc_run *run, const struct uc_table *table,
		   const struct uc_selection *shown, const struct uc_listing *listing,
		   struct uc_error *err) UC_MUST_CHECK;
int uc_table_tty(const struct uc_run *run, const struct uc_table *table,
		 const struct uc_selection *wanted, const struct uc_listing *listing,
		 struct uc_error *err) UC_MUST_CHECK;
/* "NAME": [...], for an object with more in it. */
int uc_table_json_array(const struct uc_table *table, const struct uc_selection *shown,
			struct uc_error *err) UC_MUST_CHECK;
int uc_table_json(const struct uc_table *table, const struct uc_selection *shown,
		  struct uc_error *err) UC_MUST_CHECK;

/* Get one cell; its text is borrowed from the row or from *out. Zero-initialise *out. */
void uc_value_get(const struct uc_table *table, size_t row,
		  const struct uc_column *column, struct uc_value *out);
/* Add a cell as people see it; nothing for NONE. */
void uc_value_text(struct uc_buf *out, const struct uc_value *value, unsigned safe);
/* The SGR parameter of a role, NULL for none. */
const char *uc_role_sgr(enum uc_role role);

#endif
