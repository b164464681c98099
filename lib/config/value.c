/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Texts to typed values: one scalar, one item of a list, one entry of a map. */
#include "config/schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ucluster/units.h>

#define SHOWN_MAX 60

int uc_shown(const char *text)
{
	size_t len = strnlen(text, SHOWN_MAX + 1);

	if (len <= SHOWN_MAX)
		return (int)len;
	len = SHOWN_MAX;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return (int)len;
}

int uc_type_fail(const struct uc_key *key, const char *found, struct uc_error *err)
{
	static const char *const wanted[] = {
		[UC_TYPE_STRING] = "a text",
		[UC_TYPE_NUMBER] = "a whole number",
		[UC_TYPE_BOOL] = "true or false",
		[UC_TYPE_DURATION] = "a time",
		[UC_TYPE_SIZE] = "a size",
		[UC_TYPE_LIST] = "a list of texts",
		[UC_TYPE_MAP] = "a map of names to texts",
	};

	return uc_fail(err, UC_USAGE, "'%s' must be %s, such as '%s', not %s", key->name,
		       wanted[key->type], key->example, found);
}

static int type_fail_text(const struct uc_key *key, const char *text,
			  struct uc_error *err)
{
	char found[SHOWN_MAX + 3];

	snprintf(found, sizeof(found), "'%.*s'", UC_SHOWN(text));
	return uc_type_fail(key, found, err);
}

/* Line ends and other control bytes have no place in a value that becomes an argument. */
static int check_one_line(const struct uc_key *key, const char *text,
			  struct uc_error *err)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return uc_fail(err, UC_USAGE,
				       "'%s' must be one line without control characters",
				       key->name);
	return 0;
}

/* [TYPE:]N[,...], as srun's --gpus. */
static int check_gpus(const struct uc_key *key, const char *text, struct uc_error *err)
{
	const char *p = text;

	for (;;) {
		const char *digits = p + strcspn(p, ":,");
		size_t n;

		if (*digits == ':' && digits > p)
			digits++;
		else
			digits = p;
		if (memchr(p, ' ', (size_t)(digits - p)))
			break;
		n = strspn(digits, "0123456789");
		if (n < 1 || n > 6)
			break;
		p = digits + n;
		if (*p == '\0')
			return 0;
		if (*p++ != ',')
			break;
	}
	uc_fail(err, UC_USAGE, "'%s' must be a number or TYPE:number, not '%.*s'",
		key->name, UC_SHOWN(text));
	return uc_hint(err, "write '2' or 'a100:2'");
}

/* Names of Slurm's: no blanks, no option by accident. */
static int check_names(const struct uc_key *key, const char *text, struct uc_error *err)
{
	if (text[0] == '-' || strpbrk(text, " \"'\\"))
		return uc_fail(
			err, UC_USAGE,
			"'%s' must be a name without blanks and quotes, not '%.*s'",
			key->name, UC_SHOWN(text));
	return 0;
}

static int check_image(const struct uc_key *key, const char *text, struct uc_error *err)
{
	if (text[0] != '-')
		return 0;
	return uc_fail(err, UC_USAGE,
		       "'%s' must be a path, a name or a reference, not '%.*s'",
		       key->name, UC_SHOWN(text));
}

static int check_absolute(const struct uc_key *key, const char *text,
			  struct uc_error *err)
{
	if (text[0] == '/')
		return 0;
	return uc_fail(err, UC_USAGE, "'%s' must be an absolute path, not '%.*s'",
		       key->name, UC_SHOWN(text));
}

static int check_folder(const struct uc_key *key, const char *text, struct uc_error *err)
{
	if (text[0] == '/' || strcmp(text, "~") == 0 || strncmp(text, "~/", 2) == 0)
		return 0;
	return uc_fail(
		err, UC_USAGE,
		"each of '%s' must be an absolute path or start with '~/', not '%.*s'",
		key->name, UC_SHOWN(text));
}

/* SRC[:DST[:FLAG[+FLAG...]]]; neither pyxis nor enroot can have ',' or ':' in a path. */
static int check_mount(const struct uc_key *key, const char *text, struct uc_error *err)
{
	const char *dst = strchr(text, ':');
	const char *flags = dst ? strchr(dst + 1, ':') : NULL;

	if (strchr(text, ',')) {
		uc_fail(err, UC_USAGE, "a mount cannot have a ',', as in '%.*s'",
			UC_SHOWN(text));
		return uc_hint(err, "write one mount an item");
	}
	if (text[0] == '\0' || text[0] == ':' || (dst && dst[1] != '/') ||
	    (flags && (flags[1] == '\0' || strchr(flags + 1, ':')))) {
		uc_fail(err, UC_USAGE,
			"each of '%s' must be SRC[:DST[:FLAGS]] with an absolute DST, "
			"not '%.*s'",
			key->name, UC_SHOWN(text));
		return uc_hint(err, "write '/data:/data:ro'");
	}
	return 0;
}

/* [USER@]HOST[:PORT] or [USER@][ADDRESS][:PORT]: one word of ssh's that is no option. */
static int check_host(const struct uc_key *key, const char *text, struct uc_error *err)
{
	if (text[0] != '-' &&
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789._-@:[]%+") == strlen(text))
		return 0;
	return uc_fail(err, UC_USAGE, "'%s' must be [USER@]HOST[:PORT], not '%.*s'",
		       key->name, UC_SHOWN(text));
}

/* Below the home directory or absolute; whose home another "~" means only a shell knows.
 */
static int check_far_folder(const struct uc_key *key, const char *text,
			    struct uc_error *err)
{
	if (text[0] != '~' || text[1] == '\0' || text[1] == '/')
		return 0;
	return uc_fail(err, UC_USAGE,
		       "'%s' must be an absolute path, or one below the home directory, "
		       "not '%.*s'",
		       key->name, UC_SHOWN(text));
}

/* Checks beyond the type, by key. */
static const struct {
	const char *key;
	int (*check)(const struct uc_key *key, const char *text, struct uc_error *err);
} checks[] = {
	{ "account", check_names },
	{ "gpus", check_gpus },
	{ "image", check_image },
	{ "image_dirs", check_folder },
	{ "mounts", check_mount },
	{ "partition", check_names },
	{ "qos", check_names },
	{ "slurm.conf", check_absolute },
	{ "sync.dir", check_far_folder },
	{ "sync.host", check_host },
	{ "template_dirs", check_folder },
};

int uc_item_check(const struct uc_key *key, const char *text, struct uc_error *err)
{
	if (check_one_line(key, text, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (strcmp(checks[i].key, key->name) == 0)
			return checks[i].check(key, text, err);
	return 0;
}

int uc_entry_check(const struct uc_key *key, const char *name, const char *text,
		   struct uc_error *err)
{
	size_t len = strlen(name);

	if (len == 0 || isdigit((unsigned char)name[0]) ||
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789_") != len)
		return uc_fail(
			err, UC_USAGE,
			"a name in '%s' must be letters, digits and '_', not '%.*s'",
			key->name, UC_SHOWN(name));
	for (const char *p = text; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
			return uc_fail(err, UC_USAGE,
				       "the value of '%.*s' holds a control character",
				       UC_SHOWN(name));
	return 0;
}

char uc_list_separator(const struct uc_key *key)
{
	return strcmp(key->name, "image_dirs") == 0 ||
			       strcmp(key->name, "template_dirs") == 0
		       ? ':'
		       : ',';
}

static int check_choice(const struct uc_key *key, const char *text, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf all = { 0 };
	const char *near;

	for (size_t i = 0; key->choices[i]; i++) {
		if (strcmp(key->choices[i], text) == 0)
			return 0;
		uc_buf_addf(&all, "%s%s",
			    i == 0                ? ""
			    : key->choices[i + 1] ? ", "
						  : " or ",
			    key->choices[i]);
	}
	uc_fail(err, UC_USAGE, "'%s' must be %s, not '%.*s'", key->name,
		uc_buf_text(&all), UC_SHOWN(text));
	near = uc_text_nearest(text, key->choices);
	return near ? uc_hint(err, "did you mean '%s'?", near) : -1;
}

/* The limits in the key's own unit. */
static void add_limit(struct uc_buf *buf, const struct uc_key *key, int64_t limit)
{
	if (key->type == UC_TYPE_DURATION)
		uc_duration_words(buf, limit);
	else if (key->type == UC_TYPE_SIZE)
		uc_size_words(buf, (uint64_t)limit);
	else
		uc_buf_addf(buf, "%lld", (long long)limit);
}

static int check_range(const struct uc_key *key, int64_t value, const char *text,
		       struct uc_error *err)
{
	uc_auto(buf) struct uc_buf range = { 0 };

	if ((key->min == 0 && key->max == 0) || (value >= key->min && value <= key->max))
		return 0;
	if (key->min == 0) {
		uc_buf_add(&range, "at most ");
	} else {
		add_limit(&range, key, key->min);
		uc_buf_add(&range, " to ");
	}
	add_limit(&range, key, key->max);
	return uc_fail(err, UC_USAGE, "'%s' must be %s, not '%.*s'", key->name,
		       uc_buf_text(&range), UC_SHOWN(text));
}

static int parse_number(const struct uc_key *key, const char *text,
			struct uc_setting *out, struct uc_error *err)
{
	const char *digits = text + (text[0] == '-');
	long long n;
	char *end;

	if (!isdigit((unsigned char)digits[0]))
		return type_fail_text(key, text, err);
	errno = 0;
	n = strtoll(text, &end, 10);
	if (*end)
		return type_fail_text(key, text, err);
	out->number = n; /* beyond 64 bits: LLONG_MAX, which no range has */
	return check_range(key, n, text, err);
}

static int parse_bool(const struct uc_key *key, const char *text, struct uc_setting *out,
		      struct uc_error *err)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(words[i], text) == 0) {
			out->number = i & 1;
			return 0;
		}
	}
	return type_fail_text(key, text, err);
}

static int parse_size(const struct uc_key *key, const char *text, struct uc_setting *out,
		      struct uc_error *err)
{
	uint64_t n;

	if (uc_size_parse(text, &n, NULL) < 0)
		return type_fail_text(key, text, err);
	out->size = n;
	return check_range(key, n > INT64_MAX ? INT64_MAX : (int64_t)n, text, err);
}

int uc_value_parse(const struct uc_key *key, const char *text, struct uc_setting *out,
		   struct uc_error *err)
{
	out->text = text;
	if (text[0] == '\0')
		return 0;
	switch (key->type) {
	case UC_TYPE_NUMBER:
		return parse_number(key, text, out, err);
	case UC_TYPE_BOOL:
		return parse_bool(key, text, out, err);
	case UC_TYPE_SIZE:
		return parse_size(key, text, out, err);
	case UC_TYPE_DURATION:
		if (uc_duration_parse(text, &out->number, NULL) < 0)
			return type_fail_text(key, text, err);
		return check_range(key, out->number, text, err);
	default:
		if (uc_item_check(key, text, err) < 0)
			return -1;
		return key->choices ? check_choice(key, text, err) : 0;
	}
}
