/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* "~=2.1, !=2.1.3": what is asked of a version, as PEP 440 and pip have it. */
#include "image/version.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Longer ones before those that they begin with. */
static const char *const operators[] = { "===", "==", "~=", "!=", "<=",
					 ">=",  "<",  ">",  NULL };

static size_t skip_blanks(const char *text)
{
	size_t len = 0;

	while (isspace((unsigned char)text[len]))
		len++;
	return len;
}

static bool is_equality(const struct uc_specifier *s)
{
	return strcmp(s->op, "==") == 0 || strcmp(s->op, "!=") == 0;
}

/* What PEP 440 allows behind an operator. */
static bool is_allowed(struct uc_specifier *s)
{
	struct uc_pep440 version;

	if (strcmp(s->op, "===") == 0) {
		for (size_t i = 0; i < s->len; i++)
			if (isspace((unsigned char)s->version[i]))
				return false;
		return s->len > 0;
	}
	if (s->len > 2 && memcmp(s->version + s->len - 2, ".*", 2) == 0) {
		s->prefix = true;
		s->len -= 2;
	}
	if (!uc_pep440_parse(s->version, s->len, &version))
		return false;
	if (s->prefix)
		return is_equality(s) && !version.pre && !version.post && !version.dev &&
		       !version.local_count;
	if (version.local_count && !is_equality(s))
		return false;
	return strcmp(s->op, "~=") != 0 || version.release_count > 1;
}

int uc_specifier_next(const char **text, struct uc_specifier *out, struct uc_error *err)
{
	const char *at = *text + skip_blanks(*text);
	const char *start;
	size_t i;

	*out = (struct uc_specifier){ 0 };
	while (*at == ',')
		at += 1 + skip_blanks(at + 1);
	if (!*at)
		return 0;
	start = at;
	for (i = 0; operators[i]; i++)
		if (strncmp(at, operators[i], strlen(operators[i])) == 0)
			break;
	if (!operators[i])
		return uc_fail(err, UC_USAGE,
			       "'%s': expected one of == != < <= > >= ~= ===", at);
	snprintf(out->op, sizeof(out->op), "%s", operators[i]);
	at += strlen(operators[i]);
	at += skip_blanks(at);
	out->version = at;
	out->len = strcspn(at, ",");
	*text = at + out->len;
	while (out->len > 0 && isspace((unsigned char)at[out->len - 1]))
		out->len--;
	if (!is_allowed(out))
		return uc_fail(err, UC_USAGE,
			       "'%.*s' is no version that can be asked for",
			       (int)(strcspn(start, ",") < 80 ? strcspn(start, ",") : 80),
			       start);
	return 1;
}

/* Does a release begin with the numbers of another? Missing ones are 0. */
static bool has_prefix(const struct uc_pep440 *version, const struct uc_pep440 *prefix,
		       size_t count)
{
	const struct uc_digits none = { 0 };

	if (uc_digits_compare(version->epoch, prefix->epoch) != 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (uc_digits_compare(i < version->release_count ? version->release[i]
								 : none,
				      prefix->release[i]) != 0)
			return false;
	return true;
}

/* The same numbers, whatever comes behind them? */
static bool same_base(const struct uc_pep440 *a, const struct uc_pep440 *b)
{
	struct uc_pep440 one = *a, other = *b;

	one.pre = other.pre = 0;
	one.post = other.post = one.dev = other.dev = false;
	one.local_count = other.local_count = 0;
	return uc_pep440_compare(&one, &other) == 0;
}

static bool is_pre(const struct uc_pep440 *v)
{
	return v->pre || v->dev;
}

static bool is_less(const struct uc_pep440 *version, const struct uc_pep440 *wanted)
{
	return uc_pep440_compare(version, wanted) < 0 &&
	       !(!is_pre(wanted) && is_pre(version) && same_base(version, wanted));
}

static bool is_greater(const struct uc_pep440 *version, const struct uc_pep440 *wanted)
{
	if (uc_pep440_compare(version, wanted) <= 0)
		return false;
	if (!wanted->post && version->post && same_base(version, wanted))
		return false;
	return !(version->local_count && same_base(version, wanted));
}

/* A text, not a version; but the installed one is written as versions are. */
static bool is_exactly(const struct uc_specifier *s, const char *text)
{
	uc_auto(buf) struct uc_buf normal = { 0 };
	struct uc_pep440 version;

	if (uc_pep440_parse(text, strlen(text), &version)) {
		uc_pep440_text(&version, &normal);
		text = uc_buf_text(&normal);
	}
	return strlen(text) == s->len && strncasecmp(text, s->version, s->len) == 0;
}

bool uc_specifier_met(const struct uc_specifier *s, const char *text)
{
	struct uc_pep440 version, public, wanted;
	bool equal;

	if (strcmp(s->op, "===") == 0)
		return is_exactly(s, text);
	if (!uc_pep440_parse(text, strlen(text), &version) ||
	    !uc_pep440_parse(s->version, s->len, &wanted))
		return false;
	public = version;
	public.local_count = 0;
	if (is_equality(s)) {
		if (s->prefix)
			equal = has_prefix(&version, &wanted, wanted.release_count);
		else
			equal = uc_pep440_compare(wanted.local_count ? &version : &public,
						  &wanted) == 0;
		return equal == (s->op[0] == '=');
	}
	if (strcmp(s->op, "~=") == 0)
		return uc_pep440_compare(&public, &wanted) >= 0 &&
		       has_prefix(&version, &wanted, wanted.release_count - 1);
	if (strcmp(s->op, "<=") == 0)
		return uc_pep440_compare(&public, &wanted) <= 0;
	if (strcmp(s->op, ">=") == 0)
		return uc_pep440_compare(&public, &wanted) >= 0;
	return s->op[0] == '<' ? is_less(&version, &wanted)
			       : is_greater(&version, &wanted);
}

int uc_version_meets(const char *version, const char *specifiers, bool *out,
		     struct uc_error *err)
{
	struct uc_specifier one;
	int got;

	*out = true;
	while ((got = uc_specifier_next(&specifiers, &one, err)) > 0)
		if (!uc_specifier_met(&one, version))
			*out = false;
	return got;
}
