/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_JSON_H
#define UC_COMMON_JSON_H
/*
 * JSON that is more than one table, written from front to back.
 *
 *	struct uc_json json = { .out = &text };
 *	uc_json_open(&json, NULL, '{');
 *	uc_json_text(&json, "name", job->name);
 *	uc_json_open(&json, "steps", '[');
 *	...
 *	uc_json_close(&json, ']');
 *	uc_json_close(&json, '}');
 *
 * A key is NULL for an item of an array. Keys are our own words and written as they are.
 */
#include <stdint.h>
#include <ucluster/text.h>

struct uc_value;

struct uc_json {
	struct uc_buf *out;
	bool more; /* a comma comes first */
};

/* '{' or '[', and their ends. */
void uc_json_open(struct uc_json *json, const char *key, char bracket);
void uc_json_close(struct uc_json *json, char bracket);

void uc_json_text(struct uc_json *json, const char *key, struct uc_raw text);
void uc_json_number(struct uc_json *json, const char *key, int64_t number);
void uc_json_bool(struct uc_json *json, const char *key, bool value);
void uc_json_null(struct uc_json *json, const char *key);
/* null where it is not known: UC_NONE64, time 0, duration UC_NOT_SET. */
void uc_json_amount(struct uc_json *json, const char *key, uint64_t amount);
void uc_json_time(struct uc_json *json, const char *key, int64_t when);
void uc_json_duration(struct uc_json *json, const char *key, int64_t seconds);
/* A share in thousandths as a number from 0 to 1; negative is null. */
void uc_json_share(struct uc_json *json, const char *key, int64_t thousandths);

/* A cell of a table (table.h), raw. */
void uc_json_value(struct uc_json *json, const char *key, const struct uc_value *value);
void uc_buf_json_value(struct uc_buf *out, const struct uc_value *value);

/*
 * A string with its quotation marks. JSON holds Unicode only: bytes that are not become
 * U+FFFD. What a terminal would obey or hide is written as its number, all else as it is.
 */
void uc_buf_json(struct uc_buf *out, const char *text);

#endif
