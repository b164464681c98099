/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/units.h>

#include <string.h>
#include <strings.h>

#define KIB          UINT64_C(1024)
#define MIB          (KIB * KIB)
#define FRACTION_MAX 1000 /* three decimals */

static const char letters[] = "KMGTPE";

/* Bytes of one unit: "", "B", "K", "KB", "KiB", ...; 0 when it is none. */
static uint64_t unit_of(const char *text)
{
	const char *found;
	uint64_t unit = KIB;

	if (*text == '\0')
		return MIB;
	if (strcasecmp(text, "B") == 0)
		return 1;
	found = memchr(letters, *text & ~0x20, sizeof(letters) - 1);
	if (!found)
		return 0;
	text++;
	if (*text && strcasecmp(text, "B") != 0 && strcasecmp(text, "iB") != 0)
		return 0;
	for (const char *l = letters; l < found; l++)
		unit *= KIB;
	return unit;
}

/* "12" or "12.5" at *text; the fraction in thousandths. */
static bool take_number(const char **text, uint64_t *whole, unsigned *thousandths)
{
	const char *start = *text;
	unsigned weight = FRACTION_MAX / 10;

	*thousandths = 0;
	for (*whole = 0; **text >= '0' && **text <= '9'; ++*text)
		if (__builtin_mul_overflow(*whole, 10, whole) ||
		    __builtin_add_overflow(*whole, (uint64_t)(**text - '0'), whole))
			return false;
	if (*text == start)
		return false;
	if (**text != '.')
		return true;
	for (++*text, start = *text; **text >= '0' && **text <= '9';
	     ++*text, weight /= 10)
		*thousandths += (unsigned)(**text - '0') * weight;
	return *text > start && *text - start <= 3;
}

int uc_size_parse(const char *text, uint64_t *bytes, struct uc_error *err)
{
	const char *rest = text;
	unsigned thousandths;
	uint64_t whole, unit, value;

	if (!take_number(&rest, &whole, &thousandths) ||
	    !(unit = unit_of(rest + strspn(rest, " "))))
		return uc_fail(
			err, UC_USAGE,
			"'%s' is no size: expected 16G, 24GB, 500M or 4096 (mebibytes)",
			text);
	if (__builtin_mul_overflow(whole, unit, &value) ||
	    __builtin_add_overflow(value,
				   unit / FRACTION_MAX * thousandths +
					   unit % FRACTION_MAX * thousandths /
						   FRACTION_MAX,
				   &value))
		return uc_fail(err, UC_USAGE, "size '%s' is too large", text);
	*bytes = value;
	return 0;
}

void uc_size_format(struct uc_buf *buf, uint64_t bytes)
{
	uint64_t units = bytes / MIB + (bytes % MIB != 0);
	const char *letter = strchr(letters, 'M');

	while (units >= KIB && units % KIB == 0 && *letter != 'T') {
		units /= KIB;
		letter++;
	}
	uc_buf_addf(buf, "%llu%c", (unsigned long long)units, *letter);
}

void uc_size_words(struct uc_buf *buf, uint64_t bytes)
{
	double value = (double)bytes;
	size_t unit = 0, before = buf->len;

	if (bytes < KIB) {
		uc_buf_addf(buf, "%lluB", (unsigned long long)bytes);
		return;
	}
	for (value /= 1024; value >= 999.5 && letters[unit + 1]; unit++)
		value /= 1024;
	if (value == (double)(int)value) {
		uc_buf_addi(buf, (int)value);
		uc_buf_addc(buf, letters[unit]);
		return;
	}
	uc_buf_addf(buf, "%.*f", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
	/* 1.50 -> 1.5, 2.00 -> 2; what was in the buffer before is not ours */
	if (!buf->failed && memchr(buf->data + before, '.', buf->len - before))
		while (buf->data[buf->len - 1] == '0' || buf->data[buf->len - 1] == '.')
			if (buf->data[--buf->len] == '.')
				break;
	uc_buf_addc(buf, letters[unit]);
}
