/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ctype.h>
#include <string.h>
#include <ucluster/gres.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool uc_span_is(struct uc_span span, const char *text)
{
	return span.len == strlen(text) && !memcmp(span.at, text, span.len);
}

static bool starts_with(struct uc_span span, const char *text)
{
	return span.len >= strlen(text) && !memcmp(span.at, text, strlen(text));
}

static struct uc_span span_after(struct uc_span span, size_t skip)
{
	return (struct uc_span){ span.at + skip, span.len - skip };
}

static struct uc_span span_before(struct uc_span span, const char *end)
{
	return (struct uc_span){ span.at, (size_t)(end - span.at) };
}

/* The next piece up to a comma or semicolon outside parentheses; commas inside belong to
 * index lists. An unclosed parenthesis reaches to the end. */
static struct uc_span next_piece(const char **rest)
{
	struct uc_span piece = { *rest, 0 };
	const char *p = *rest;
	int depth = 0;

	for (; *p; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && depth > 0)
			depth--;
		else if ((*p == ',' || *p == ';') && !depth)
			break;
	}
	piece.len = (size_t)(p - *rest);
	*rest = *p ? p + 1 : p;
	while (piece.len && isspace((unsigned char)piece.at[0]))
		piece = span_after(piece, 1);
	while (piece.len && isspace((unsigned char)piece.at[piece.len - 1]))
		piece.len--;
	return piece;
}

/* Digits with an optional unit, all of the span. */
static bool read_count(struct uc_span text, uint64_t *count)
{
	static const char units[] = "KMGTP";
	uint64_t n = 0;
	size_t i = 0;
	const char *unit;

	for (; i < text.len && is_digit(text.at[i]); i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(text.at[i] - '0'), &n))
			return false;
	if (!i)
		return false;
	/* "62.50G": what is behind the point does not matter for counting. */
	if (i < text.len && text.at[i] == '.')
		for (i++; i < text.len && is_digit(text.at[i]);)
			i++;
	if (i == text.len) {
		*count = n;
		return true;
	}
	unit = strchr(units, toupper((unsigned char)text.at[i]));
	if (!unit || i + 1 != text.len)
		return false;
	for (const char *u = units; u <= unit; u++)
		if (__builtin_mul_overflow(n, 1024, &n))
			return false;
	*count = n;
	return true;
}

/* Cut "(IDX:0-2)(S:0-1)" off; keep the indices. */
static bool take_notes(struct uc_span *piece, struct uc_span *indices)
{
	const char *open = memchr(piece->at, '(', piece->len);
	struct uc_span notes;

	if (!open)
		return true;
	notes = span_after(*piece, (size_t)(open - piece->at));
	*piece = span_before(*piece, open);
	while (notes.len) {
		const char *close = memchr(notes.at, ')', notes.len);
		struct uc_span note;

		if (!close || notes.at[0] != '(')
			return false;
		note = span_before(span_after(notes, 1), close);
		notes = span_after(notes, (size_t)(close - notes.at) + 1);
		if (!starts_with(note, "IDX:"))
			continue;
		note = span_after(note, 4);
		if (!uc_span_is(note, "N/A"))
			*indices = note;
	}
	return true;
}

static void drop_suffix(struct uc_span *span, const char *suffix)
{
	size_t len = strlen(suffix);

	if (span->len < len || memcmp(span->at + span->len - len, suffix, len))
		return;
	span->len -= len;
	if (span->len && span->at[span->len - 1] == ':')
		span->len--;
}

/*
 * NAME, NAME:COUNT, NAME:TYPE, NAME:TYPE:COUNT, any of them with "=COUNT" for ":COUNT".
 * What follows the last separator is a count when it reads as one, else a type ("gpu:1g"
 * is no slice of 1G: MIG profiles have a dot).
 */
static bool read_item(struct uc_span piece, struct uc_gres *item)
{
	const char *equals = memrchr(piece.at, '=', piece.len);
	const char *colon;
	bool counted = false;

	if (equals) {
		struct uc_span count = span_after(piece, (size_t)(equals - piece.at) + 1);

		if (!read_count(count, &item->count))
			return false;
		piece = span_before(piece, equals);
		item->is_total = counted = true;
	}
	colon = memrchr(piece.at, ':', piece.len);
	if (colon && !counted &&
	    read_count(span_after(piece, (size_t)(colon - piece.at) + 1), &item->count)) {
		piece = span_before(piece, colon);
		counted = true;
	}
	if (!counted)
		item->count = 1;
	colon = memchr(piece.at, ':', piece.len);
	item->name = colon ? span_before(piece, colon) : piece;
	if (colon)
		item->type = span_after(piece, (size_t)(colon - piece.at) + 1);
	drop_suffix(&item->type, "no_consume"); /* slurm.conf's mark, in no count */
	return item->name.len > 0 && !memchr(item->name.at, '=', item->name.len);
}

static bool is_plain_tres(struct uc_span name)
{
	static const char *const plain[] = { "cpu",     "mem",  "node",  "energy",
					     "billing", "vmem", "pages", NULL };

	for (size_t i = 0; plain[i]; i++)
		if (uc_span_is(name, plain[i]))
			return true;
	return memchr(name.at, '/', name.len) != NULL;
}

bool uc_gres_next(struct uc_gres_walk *walk, struct uc_gres *item)
{
	while (walk->rest && *walk->rest) {
		struct uc_span piece = next_piece(&walk->rest);
		bool prefixed;

		if (!piece.len || uc_span_is(piece, "(null)") || uc_span_is(piece, "N/A"))
			continue;
		*item = (struct uc_gres){ 0 };
		prefixed = starts_with(piece, "gres:") || starts_with(piece, "gres/");
		if (prefixed)
			piece = span_after(piece, 5);
		if (!take_notes(&piece, &item->indices) || !piece.len ||
		    !read_item(piece, item)) {
			walk->skipped++;
			continue;
		}
		item->is_gres = prefixed || !is_plain_tres(item->name);
		return true;
	}
	return false;
}

static bool read_index(struct uc_span *text, unsigned *index)
{
	unsigned n = 0;
	size_t i = 0;

	for (; i < text->len && is_digit(text->at[i]); i++) {
		n = n * 10 + (unsigned)(text->at[i] - '0');
		if (n >= UC_INDEX_MAX)
			return false;
	}
	*text = span_after(*text, i);
	*index = n;
	return i > 0;
}

int uc_index_set_add(struct uc_index_set *set, struct uc_span text)
{
	while (text.len) {
		unsigned first, last;

		if (!read_index(&text, &first))
			return -1;
		last = first;
		if (text.len && text.at[0] == '-') {
			text = span_after(text, 1);
			if (!read_index(&text, &last) || last < first)
				return -1;
		}
		for (unsigned i = first; i <= last; i++)
			set->bits[i / 64] |= (uint64_t)1 << (i % 64);
		if (!text.len)
			return 0;
		if (text.at[0] != ',' || text.len == 1)
			return -1;
		text = span_after(text, 1);
	}
	return 0;
}

size_t uc_index_set_count(const struct uc_index_set *set)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof(set->bits) / sizeof(set->bits[0]); i++)
		count += (size_t)__builtin_popcountll(set->bits[i]);
	return count;
}

bool uc_index_set_has(const struct uc_index_set *set, unsigned index)
{
	return index < UC_INDEX_MAX &&
	       (set->bits[index / 64] & (uint64_t)1 << (index % 64)) != 0;
}

void uc_buf_index_set(struct uc_buf *buf, const struct uc_index_set *set)
{
	bool first = true;

	for (unsigned i = 0; i < UC_INDEX_MAX; i++) {
		unsigned last = i;

		if (!uc_index_set_has(set, i))
			continue;
		while (uc_index_set_has(set, last + 1))
			last++;
		uc_buf_addf(buf, first ? "%u" : ",%u", i);
		if (last > i)
			uc_buf_addf(buf, "-%u", last);
		first = false;
		i = last;
	}
}
