/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Versions of PEP 440: how they are written, and which is the later one. */
#include "image/version.h"

#include <ctype.h>
#include <string.h>

struct scan {
	const char *at, *end;
};

static bool is_separator(char c)
{
	return c == '-' || c == '_' || c == '.';
}

static bool take_char(struct scan *s, char c)
{
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static size_t count_digits(const struct scan *s)
{
	size_t len = 0;

	while (s->at + len < s->end && isdigit((unsigned char)s->at[len]))
		len++;
	return len;
}

static bool take_digits(struct scan *s, struct uc_digits *out)
{
	size_t len = count_digits(s);

	if (len == 0)
		return false;
	*out = (struct uc_digits){ s->at, len };
	s->at += len;
	while (out->len > 0 && *out->at == '0') {
		out->at++;
		out->len--;
	}
	return true;
}

static bool take_word(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->at) < len || strncasecmp(s->at, word, len) != 0)
		return false;
	s->at += len;
	return true;
}

static bool take_any(struct scan *s, const char *const *words, size_t *which)
{
	for (*which = 0; words[*which]; ++*which)
		if (take_word(s, words[*which]))
			return true;
	return false;
}

/* [-_.]? WORD [-_.]? DIGITS? -- nothing is taken when there is no such word */
static bool take_part(struct scan *s, const char *const *words, size_t *which,
		      struct uc_digits *number)
{
	struct scan before = *s;

	if (s->at < s->end && is_separator(*s->at))
		s->at++;
	if (!take_any(s, words, which)) {
		*s = before;
		return false;
	}
	/* a separator may stand there without a number: "1.0a.post1" */
	if (s->at < s->end && is_separator(*s->at))
		s->at++;
	*number = (struct uc_digits){ s->at, 0 };
	take_digits(s, number);
	return true;
}

static void take_epoch(struct scan *s, struct uc_pep440 *out)
{
	size_t len = count_digits(s);

	if (len == 0 || s->at + len == s->end || s->at[len] != '!')
		return;
	take_digits(s, &out->epoch);
	s->at++;
}

static bool take_release(struct scan *s, struct uc_pep440 *out)
{
	struct scan before;

	do {
		before = *s;
		before.at -= out->release_count > 0;
		if (out->release_count == UC_RELEASE_MAX)
			return false;
		if (!take_digits(s, &out->release[out->release_count])) {
			*s = before; /* the dot belongs to what follows */
			return out->release_count > 0;
		}
		out->release_count++;
	} while (take_char(s, '.'));
	return true;
}

static void take_pre(struct scan *s, struct uc_pep440 *out)
{
	/* longer words before those that they begin with */
	static const char *const words[] = { "alpha", "a", "beta", "b", "preview",
					     "pre",   "c", "rc",   NULL };
	static const char letters[] = "aabbrrrr";
	size_t which;

	if (take_part(s, words, &which, &out->pre_number))
		out->pre = letters[which];
}

static void take_post(struct scan *s, struct uc_pep440 *out)
{
	static const char *const words[] = { "post", "rev", "r", NULL };
	struct scan before = *s;
	size_t which;

	/* "1.0-1" */
	if (take_char(s, '-') && take_digits(s, &out->post_number)) {
		out->post = true;
		return;
	}
	*s = before;
	out->post = take_part(s, words, &which, &out->post_number);
}

static void take_dev(struct scan *s, struct uc_pep440 *out)
{
	static const char *const words[] = { "dev", NULL };
	size_t which;

	out->dev = take_part(s, words, &which, &out->dev_number);
}

static bool take_local(struct scan *s, struct uc_pep440 *out)
{
	if (!take_char(s, '+'))
		return true;
	for (;;) {
		const char *start = s->at;

		while (s->at < s->end && isalnum((unsigned char)*s->at))
			s->at++;
		if (s->at == start || out->local_count == UC_LOCAL_MAX)
			return false;
		out->local[out->local_count++] =
			(struct uc_digits){ start, (size_t)(s->at - start) };
		if (s->at == s->end || !is_separator(*s->at))
			return true;
		s->at++;
	}
}

bool uc_pep440_parse(const char *text, size_t len, struct uc_pep440 *out)
{
	struct scan s = { text, text + len };

	*out = (struct uc_pep440){ 0 };
	while (s.at < s.end && isspace((unsigned char)*s.at))
		s.at++;
	while (s.end > s.at && isspace((unsigned char)s.end[-1]))
		s.end--;
	if (!take_char(&s, 'v'))
		take_char(&s, 'V');
	take_epoch(&s, out);
	if (!take_release(&s, out))
		return false;
	take_pre(&s, out);
	take_post(&s, out);
	take_dev(&s, out);
	return take_local(&s, out) && s.at == s.end;
}

int uc_digits_compare(struct uc_digits a, struct uc_digits b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return a.len ? memcmp(a.at, b.at, a.len) : 0;
}

static int compare_release(const struct uc_pep440 *a, const struct uc_pep440 *b)
{
	const struct uc_digits none = { 0 };
	size_t most =
		a->release_count > b->release_count ? a->release_count : b->release_count;

	for (size_t i = 0; i < most; i++) {
		int order =
			uc_digits_compare(i < a->release_count ? a->release[i] : none,
					  i < b->release_count ? b->release[i] : none);

		if (order)
			return order;
	}
	return 0;
}

/* Where a version stands among its pre-releases: 1.0.dev1, 1.0a1, 1.0rc1, 1.0. */
static int pre_rank(const struct uc_pep440 *v)
{
	if (v->pre)
		return v->pre == 'a' ? 1 : v->pre == 'b' ? 2 : 3;
	return v->dev && !v->post ? 0 : 4;
}

static int compare_flag(bool a, bool b, struct uc_digits one, struct uc_digits other)
{
	if (a != b)
		return a ? 1 : -1;
	return a ? uc_digits_compare(one, other) : 0;
}

static bool is_number(struct uc_digits part)
{
	for (size_t i = 0; i < part.len; i++)
		if (!isdigit((unsigned char)part.at[i]))
			return false;
	return true;
}

static struct uc_digits strip_zeros(struct uc_digits part)
{
	while (part.len > 0 && *part.at == '0') {
		part.at++;
		part.len--;
	}
	return part;
}

/* Numbers come after letters. */
static int compare_local_part(struct uc_digits a, struct uc_digits b)
{
	bool one = is_number(a), other = is_number(b);
	size_t least = a.len < b.len ? a.len : b.len;
	int order;

	if (one != other)
		return one ? 1 : -1;
	if (one)
		return uc_digits_compare(strip_zeros(a), strip_zeros(b));
	order = strncasecmp(a.at, b.at, least);
	if (order)
		return order;
	return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

static int compare_local(const struct uc_pep440 *a, const struct uc_pep440 *b)
{
	for (size_t i = 0; i < a->local_count && i < b->local_count; i++) {
		int order = compare_local_part(a->local[i], b->local[i]);

		if (order)
			return order;
	}
	if (a->local_count == b->local_count)
		return 0;
	return a->local_count < b->local_count ? -1 : 1;
}

int uc_pep440_compare(const struct uc_pep440 *a, const struct uc_pep440 *b)
{
	int order = uc_digits_compare(a->epoch, b->epoch);

	if (!order)
		order = compare_release(a, b);
	if (!order)
		order = pre_rank(a) - pre_rank(b);
	if (!order && a->pre)
		order = uc_digits_compare(a->pre_number, b->pre_number);
	if (!order)
		order = compare_flag(a->post, b->post, a->post_number, b->post_number);
	if (!order) /* one that is developed comes before what it is going to be */
		order = a->dev == b->dev ? compare_flag(a->dev, b->dev, a->dev_number,
							b->dev_number)
					 : (a->dev ? -1 : 1);
	return order ? order : compare_local(a, b);
}

static void add_number(struct uc_buf *out, const char *before, struct uc_digits number)
{
	uc_buf_add(out, before);
	if (number.len)
		uc_buf_addn(out, number.at, number.len);
	else
		uc_buf_addc(out, '0');
}

void uc_pep440_text(const struct uc_pep440 *v, struct uc_buf *out)
{
	if (v->epoch.len) {
		add_number(out, "", v->epoch);
		uc_buf_addc(out, '!');
	}
	for (size_t i = 0; i < v->release_count; i++)
		add_number(out, i ? "." : "", v->release[i]);
	if (v->pre)
		add_number(out,
			   v->pre == 'a'   ? "a"
			   : v->pre == 'b' ? "b"
					   : "rc",
			   v->pre_number);
	if (v->post)
		add_number(out, ".post", v->post_number);
	if (v->dev)
		add_number(out, ".dev", v->dev_number);
	for (size_t i = 0; i < v->local_count; i++) {
		uc_buf_addc(out, i ? '.' : '+');
		if (is_number(v->local[i]))
			add_number(out, "", strip_zeros(v->local[i]));
		else
			uc_buf_addn(out, v->local[i].at, v->local[i].len);
	}
}

bool uc_version_is_valid(const char *text)
{
	struct uc_pep440 version;

	return uc_pep440_parse(text, strlen(text), &version);
}

int uc_version_compare(const char *a, const char *b, int *order)
{
	struct uc_pep440 one, other;

	if (!uc_pep440_parse(a, strlen(a), &one) ||
	    !uc_pep440_parse(b, strlen(b), &other))
		return -1;
	*order = uc_pep440_compare(&one, &other);
	return 0;
}
