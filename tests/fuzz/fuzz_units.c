/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Durations and sizes: what is read is in bounds and comes back from Slurm's form as it
 * was (a size rounded up to mebibytes), from the form for people as near as that is; and
 * any number can be written, also after other text. The input is the text, and its first
 * bytes are a number.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>

#define MINUTE  60
#define HOUR    (60 * MINUTE)
#define DAY     (24 * HOUR)
#define LONGEST (INT64_C(36525) * DAY) /* 100 years */
#define MIB     (UINT64_C(1) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* The same text comes after other text. */
static void check_added(const struct uc_buf *alone, const struct uc_buf *after)
{
	check(!alone->failed && !after->failed && alone->len > 0);
	check(after->len == 3 + alone->len && memcmp(after->data, "7.0", 3) == 0);
	check(strcmp(after->data + 3, alone->data) == 0);
}

static void check_fault(const struct uc_error *err)
{
	check(err->code == UC_USAGE && err->text[0]);
	check(!strpbrk(err->text, "\n\r\033"));
}

static void write_duration(int64_t seconds)
{
	uc_auto(buf) struct uc_buf slurm = { 0 }, words = { 0 };
	uc_auto(buf) struct uc_buf slurm_after = { 0 }, words_after = { 0 };
	bool known =
		seconds == UC_DURATION_INFINITE || (seconds >= 0 && seconds <= LONGEST);
	struct uc_error err = { 0 };
	int64_t again = -1, lost;

	uc_duration_format(&slurm, seconds);
	uc_duration_words(&words, seconds);
	uc_buf_add(&slurm_after, "7.0");
	uc_duration_format(&slurm_after, seconds);
	uc_buf_add(&words_after, "7.0");
	uc_duration_words(&words_after, seconds);
	check_added(&slurm, &slurm_after);
	check_added(&words, &words_after);
	if (!known)
		return;
	check(uc_duration_parse(uc_buf_text(&slurm), &again, &err) == 0);
	check(again == seconds);
	check(uc_duration_parse(uc_buf_text(&words), &again, &err) == 0);
	lost = seconds - again;
	check(lost >= 0 && lost < (seconds >= DAY ? HOUR : seconds >= HOUR ? MINUTE : 1));
}

static void write_size(uint64_t bytes)
{
	uc_auto(buf) struct uc_buf slurm = { 0 }, words = { 0 };
	uc_auto(buf) struct uc_buf slurm_after = { 0 }, words_after = { 0 };
	struct uc_error err = { 0 };
	uint64_t again = 0, off;

	uc_size_format(&slurm, bytes);
	uc_size_words(&words, bytes);
	uc_buf_add(&slurm_after, "7.0");
	uc_size_format(&slurm_after, bytes);
	uc_buf_add(&words_after, "7.0");
	uc_size_words(&words_after, bytes);
	check_added(&slurm, &slurm_after);
	check_added(&words, &words_after);
	if (bytes > UINT64_MAX / 100 * 99)
		return; /* rounded up it is more than there is */
	check(uc_size_parse(uc_buf_text(&slurm), &again, &err) == 0);
	check(again >= bytes && again - bytes < MIB);
	check(uc_size_parse(uc_buf_text(&words), &again, &err) == 0);
	off = again > bytes ? again - bytes : bytes - again;
	check(off <= bytes / 100);
}

/* A plain number counts minutes, and mebibytes. */
static void check_number(const char *text, const int64_t *seconds, const uint64_t *bytes)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t number;

	if (digits == 0 || digits > 12 || text[digits])
		return;
	number = strtoull(text, NULL, 10);
	check(number <= LONGEST / MINUTE ? seconds && *seconds == (int64_t)number * MINUTE
					 : !seconds);
	check(bytes && *bytes == number * MIB);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uc_error time_fault = { 0 }, size_fault = { 0 };
	char *text = malloc(size + 1);
	bool is_time, is_size;
	int64_t seconds = -7;
	uint64_t bytes = 4711, number = 0;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	is_time = uc_duration_parse(text, &seconds, &time_fault) == 0;
	if (is_time) {
		check(seconds == UC_DURATION_INFINITE ||
		      (seconds >= 0 && seconds <= LONGEST));
		write_duration(seconds);
	} else {
		check_fault(&time_fault);
		check(seconds == -7);
	}
	is_size = uc_size_parse(text, &bytes, &size_fault) == 0;
	if (is_size) {
		write_size(bytes);
	} else {
		check_fault(&size_fault);
		check(bytes == 4711);
	}
	check_number(text, is_time ? &seconds : NULL, is_size ? &bytes : NULL);
	if (size)
		memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
	write_duration((int64_t)number);
	write_duration((int64_t)(number % (LONGEST + 1)));
	write_size(number);
	write_size(number >> (number % 64));
	free(text);
	return 0;
}
