/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A template that was read: its keys and their values. */
#include "template/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>

#include "base/utf8.h"

static const char *const types[] = {
	[UC_TEMPLATE_TEXT] = "text",     [UC_TEMPLATE_WORD] = "word",
	[UC_TEMPLATE_NUMBER] = "number", [UC_TEMPLATE_SIZE] = "size",
	[UC_TEMPLATE_TIME] = "time",     [UC_TEMPLATE_PATH] = "path",
	[UC_TEMPLATE_BOOL] = "bool",     [UC_TEMPLATE_CHOICE] = "choice",
};

const char *uc_template_type_name(enum uc_template_type type)
{
	return types[type];
}

void uc_template_free(struct uc_template *t)
{
	if (!t)
		return;
	uc_arena_free(t->arena);
	free(t);
}

const char *uc_template_name(const struct uc_template *t)
{
	return t->name;
}

const char *uc_template_summary(const struct uc_template *t)
{
	return t->summary;
}

const struct uc_template_key *uc_template_keys(const struct uc_template *t, size_t *count)
{
	*count = t->key_count;
	return t->keys;
}

const char *uc_template_file(const struct uc_template *t, size_t index)
{
	return index < t->file_count ? t->files[index].path : NULL;
}

bool uc_template_is_name(const char *name, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-";

	return len > 0 && len <= 64 && name[0] != '-' && strspn(name, plain) >= len;
}

struct uc_template_key *uc_template_key_find(const struct uc_template *t,
					     const char *name, size_t len)
{
	for (size_t i = 0; i < t->key_count; i++)
		if (strlen(t->keys[i].name) == len &&
		    memcmp(t->keys[i].name, name, len) == 0)
			return &t->keys[i];
	return NULL;
}

static int check_line(const char *value, struct uc_error *err)
{
	const size_t len = strlen(value);
	uint32_t c;

	if (len > UC_TEMPLATE_VALUE_MAX)
		return uc_fail(err, UC_USAGE, "expected at most %d bytes, not %zu",
			       UC_TEMPLATE_VALUE_MAX, len);
	for (size_t i = 0, n; i < len; i += n) {
		n = uc_utf8_decode(value + i, len - i, &c);
		if (!n)
			return uc_fail(err, UC_USAGE, "expected UTF-8");
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
			return uc_fail(err, UC_USAGE,
				       "expected one line without control characters");
	}
	return 0;
}

static int check_number(const struct uc_template_key *key, const char *value,
			struct uc_error *err)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (*end || errno || strspn(value, "0123456789-") != strlen(value))
		return uc_fail(err, UC_USAGE, "'%s': expected a number", value);
	if ((key->min || key->max) && (number < key->min || number > key->max))
		return uc_fail(err, UC_USAGE, "'%s': expected %lld to %lld", value,
			       (long long)key->min, (long long)key->max);
	return 0;
}

static int check_choice(const char *value, const char *const *choices,
			struct uc_error *err)
{
	uc_auto(buf) struct uc_buf all = { 0 };

	for (size_t i = 0; choices[i]; i++) {
		if (strcmp(choices[i], value) == 0)
			return 0;
		uc_buf_addf(&all, "%s%s", i ? ", " : "", choices[i]);
	}
	return uc_fail(err, UC_USAGE, "'%s': expected one of %s", value,
		       uc_buf_text(&all));
}

static int check_word(const char *value, struct uc_error *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._+:,@%=/-";

	if (value[0] == '-' || value[strspn(value, plain)])
		return uc_fail(err, UC_USAGE,
			       "'%s': expected letters, digits and \"._+:,@%%=/-\"",
			       value);
	return 0;
}

int uc_template_check(const struct uc_template_key *key, const char *value,
		      struct uc_error *err)
{
	static const char *const yes_no[] = { "yes", "no", NULL };
	uint64_t size;
	int64_t seconds;

	if (check_line(value, err) < 0)
		return -1;
	if (!value[0])
		return 0; /* required ones are looked at when all are set */
	switch (key->type) {
	case UC_TEMPLATE_NUMBER:
		return check_number(key, value, err);
	case UC_TEMPLATE_SIZE:
		return uc_size_parse(value, &size, err);
	case UC_TEMPLATE_TIME:
		return uc_duration_parse(value, &seconds, err);
	case UC_TEMPLATE_BOOL:
		return check_choice(value, yes_no, err);
	case UC_TEMPLATE_CHOICE:
		return check_choice(value, key->choices, err);
	case UC_TEMPLATE_WORD:
		return check_word(value, err);
	case UC_TEMPLATE_PATH:
		if (value[0] == '-')
			return uc_fail(err, UC_USAGE,
				       "'%s': a path that begins with '-' is written "
				       "'./%s'",
				       value, value);
		return 0;
	case UC_TEMPLATE_TEXT:
		break;
	}
	return 0;
}

static int no_such_key(const struct uc_template *t, const char *name,
		       struct uc_error *err)
{
	const char *names[UC_TEMPLATE_KEYS_MAX + 1] = { NULL };
	const char *near;

	for (size_t i = 0; i < t->key_count; i++)
		names[i] = t->keys[i].name;
	uc_fail(err, UC_NOTFOUND, "template '%s' has no key '%s'", t->name, name);
	near = uc_text_nearest(name, names);
	return near ? uc_hint(err, "did you mean '%s'?", near)
		    : uc_hint(err, "ucluster init %s --list-keys", t->name);
}

static int keep_value(struct uc_template *t, struct uc_template_key *key,
		      const char *value, enum uc_template_from from, struct uc_error *err)
{
	const char *copy;

	if (uc_template_check(key, value, err) < 0)
		return uc_context(err, "%s", key->name);
	copy = uc_arena_strdup(t->arena, value);
	if (!copy)
		return uc_fail(err, UC_FAILED, "out of memory");
	key->value = copy;
	key->from = from;
	return 0;
}

int uc_template_set(struct uc_template *t, const char *name, const char *value,
		    struct uc_error *err)
{
	struct uc_template_key *key = uc_template_key_find(t, name, strlen(name));

	return key ? keep_value(t, key, value, UC_TEMPLATE_SET, err)
		   : no_such_key(t, name, err);
}

void uc_template_defaults(struct uc_template *t, const struct uc_config *config)
{
	for (size_t i = 0; i < t->key_count; i++) {
		struct uc_template_key *key = &t->keys[i];
		const struct uc_setting *set =
			key->config ? uc_config_get(config, key->config) : NULL;

		if (set && set->text[0] && key->from != UC_TEMPLATE_SET &&
		    keep_value(t, key, set->text, UC_TEMPLATE_CONFIG, NULL) < 0)
			continue; /* not of the template's kind: its own default stays */
	}
}

int uc_template_render(const struct uc_template *t, size_t index, struct uc_buf *out,
		       struct uc_error *err)
{
	uc_holes_fill(t, &t->files[index], out);
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}
