/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The option parser over a table with every type. Input: a byte of switches, then words,
 * each ended by a NUL.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/opt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	WORDS_MAX = 32
};

struct args {
	bool flag, yes, other;
	int count, choice;
	int64_t number, small, duration;
	uint64_t size;
	const char *string, *text, *maybe;
	struct uc_strv list, picks, words;
};

static const char *const choices[] = { "red", "green", "blue", NULL };

#define AT(field) .offset = offsetof(struct args, field), .help = "a " #field
static const struct uc_opt options[] = {
	{ "flag", 'f', UC_OPT_FLAG, AT(flag) },
	{ "flagged", .type = UC_OPT_FLAG, AT(other) },
	{ "yes", 'y', UC_OPT_BOOL, .absent = "yes", AT(yes) },
	{ "count", 'c', UC_OPT_COUNT, AT(count) },
	{ "choice", 'C', UC_OPT_CHOICE, .choices = choices, AT(choice) },
	{ "number", 'n', UC_OPT_NUMBER, AT(number) },
	{ "small", 's', UC_OPT_NUMBER, .min = -3, .max = 7, AT(small) },
	{ "time", 't', UC_OPT_DURATION, .min = 1, .max = 86400, AT(duration) },
	{ "mem", 'm', UC_OPT_SIZE, .min = 1, .max = INT64_C(1) << 40, AT(size) },
	{ "string", 'S', UC_OPT_STRING, AT(string) },
	{ "text", 'T', UC_OPT_TEXT, AT(text) },
	{ "maybe", 'M', UC_OPT_STRING, .absent = "none", AT(maybe) },
	{ "list", 'l', UC_OPT_LIST, AT(list) },
	{ "picks", 'p', UC_OPT_LIST, .choices = choices, AT(picks) },
	{ "words", 'w', UC_OPT_WORDS, AT(words) },
	{ "secret", .type = UC_OPT_FLAG, .flags = UC_OPT_HIDDEN, AT(other) },
	{ 0 }
};

static size_t split(char *text, size_t size, char **argv)
{
	size_t count = 0;

	argv[count++] = text + size; /* a name of no letters */
	for (size_t at = 0; at < size && count < WORDS_MAX; at += strlen(text + at) + 1)
		argv[count++] = text + at;
	argv[count] = NULL;
	return count - 1;
}

static void check_values(const struct args *args)
{
	if (args->small < -3 || args->small > 7)
		abort();
	if (args->duration && (args->duration < 1 || args->duration > 86400))
		abort();
	if (args->size > UINT64_C(1) << 40)
		abort();
	if (args->choice < 0 || args->choice > 2)
		abort();
	if (args->string && !args->string[0])
		abort();
	for (size_t i = 0; i < args->list.count; i++)
		if (!args->list.item[i][0] || strchr(args->list.item[i], ','))
			abort();
}

/* One line that says something. */
static void check_error(const struct uc_error *err)
{
	if (err->code != UC_USAGE || !err->text[0] || strchr(err->text, '\n'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uc_cmd cmd = { .name = "fuzz", .summary = "parse", .options = options };
	char *argv[WORDS_MAX + 1], *text;
	struct uc_parsed parsed = { 0 };
	struct uc_error err = { 0 };
	struct args args = { 0 };
	size_t count;

	if (size < 1)
		return 0;
	cmd.in_order = data[0] & 1;
	cmd.operands = data[0] & 2 ? "WORD" : NULL;
	cmd.min_operands = data[0] & 4 && cmd.operands ? 1 : 0;
	cmd.shared = data[0] >> 3 & 7;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	count = split(text, size - 1, argv);
	if (uc_opt_parse(&cmd, argv, &args, &parsed, &err) < 0)
		check_error(&err);
	else if (parsed.operands.count > count)
		abort();
	check_values(&args);
	if (parsed.help) {
		uc_auto(buf) struct uc_buf out = { 0 };

		if (uc_opt_help(&cmd, parsed.help, data[0], &out, &err) < 0)
			check_error(&err);
	}
	uc_parsed_free(&parsed);
	uc_strv_free(&args.list);
	uc_strv_free(&args.picks);
	uc_strv_free(&args.words);
	free(text);
	return 0;
}
