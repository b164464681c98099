/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Words with what is known of variables put in, and back as text for a shell. */
#include "adopt/adopt.h"

#include <string.h>

struct uc_variable *uc_variable_find(struct uc_variable *list, const char *name)
{
	while (list && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

static struct uc_word *new_word(struct uc_arena *arena, struct uc_spot at)
{
	struct uc_word *word = uc_arena_alloc(arena, sizeof(*word));

	if (word)
		word->at = at;
	return word;
}

/* Words being made: the last one may go on. */
struct maker {
	struct uc_arena *arena;
	struct uc_word *first, *last;
	bool ended;        /* a blank was seen: what comes next is a new word */
	struct uc_spot at; /* of the word that they are made of */
	size_t size;
};

static struct uc_word *current(struct maker *m)
{
	if (m->last && !m->ended)
		return m->last;
	if (!m->first) {
		m->first = m->last = new_word(m->arena, m->at);
	} else {
		m->last->next = new_word(m->arena, m->at);
		m->last = m->last->next ? m->last->next : m->last;
	}
	m->ended = false;
	return m->last;
}

static void put(struct maker *m, const struct uc_piece *piece, bool quoted,
		const char *text, size_t len)
{
	struct uc_word *word = current(m);
	struct uc_piece *copy =
		uc_piece_new(m->arena, piece->kind, quoted || piece->quoted, text, len);

	m->size += len + 1;
	if (!word || !copy)
		return;
	copy->name = piece->name;
	uc_word_add(word, copy);
}

/* Text of a variable that is not in quotes is cut at blanks. */
static void put_cut(struct maker *m, const struct uc_piece *piece)
{
	for (const char *p = piece->text; *p;) {
		const size_t blanks = strspn(p, " \t\n"),
			     len = strcspn(p + blanks, " \t\n");

		if (blanks)
			m->ended = m->first != NULL;
		p += blanks;
		if (len)
			put(m, piece, true, p, len);
		p += len;
	}
}

static void put_value(struct maker *m, const struct uc_piece *value, bool quoted)
{
	for (; value && m->size < UC_ADOPT_WORD_MAX; value = value->next) {
		if (quoted || value->kind != UC_PIECE_TEXT)
			put(m, value, quoted, value->text, strlen(value->text));
		else
			put_cut(m, value);
	}
}

struct uc_word *uc_word_expand(struct uc_arena *arena, struct uc_variable *list,
			       const struct uc_word *word)
{
	struct maker m = { .arena = arena, .at = word->at };

	for (const struct uc_piece *p = word->first; p; p = p->next) {
		const struct uc_variable *v =
			p->kind == UC_PIECE_VARIABLE && p->name && list
				? uc_variable_find(list, p->name)
				: NULL;

		if (v && v->known && m.size < UC_ADOPT_WORD_MAX)
			put_value(&m, v->value, p->quoted);
		else
			put(&m, p, false, p->text, strlen(p->text));
	}
	return m.first;
}

const char *uc_word_text(struct uc_arena *arena, const struct uc_piece *first)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	for (; first; first = first->next) {
		if (first->kind != UC_PIECE_TEXT)
			return NULL;
		uc_buf_add(&text, first->text);
	}
	if (text.failed)
		uc_arena_fail(arena);
	return uc_arena_strdup(arena, uc_buf_text(&text));
}

bool uc_piece_is_here(const struct uc_piece *piece)
{
	return piece->name &&
	       ((piece->kind == UC_PIECE_VARIABLE && strcmp(piece->name, "PWD") == 0) ||
		(piece->kind == UC_PIECE_SUBSTITUTE &&
		 (strcmp(piece->name, "pwd") == 0 ||
		  strcmp(piece->name, "pwd -P") == 0)));
}

/* Who writes these without quotes does not mean several words. */
static bool is_one(const struct uc_piece *piece)
{
	static const char *const names[] = { "HOME", "USER", "LOGNAME", "PWD" };

	if (piece->quoted || piece->kind == UC_PIECE_TEXT || uc_piece_is_here(piece))
		return true;
	for (size_t i = 0; piece->name && i < sizeof(names) / sizeof(names[0]); i++)
		if (piece->kind == UC_PIECE_VARIABLE &&
		    strcmp(piece->name, names[i]) == 0)
			return true;
	return false;
}

/* Goes on with a letter or digit, which would become part of a name? */
static bool goes_on(const struct uc_piece *next)
{
	const char c = next && next->kind == UC_PIECE_TEXT ? next->text[0] : '\0';

	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* Text between double quotes; what is no plain character leaves them for a moment. */
static void write_text(struct uc_buf *out, const char *text)
{
	while (*text) {
		uc_auto(buf) struct uc_buf part = { 0 };
		size_t len = 0;

		while (text[len] && (unsigned char)text[len] >= 0x20 && text[len] != 0x7f)
			len++;
		for (size_t i = 0; i < len; i++)
			uc_buf_addf(&part, strchr("\"\\$`", text[i]) ? "\\%c" : "%c",
				    text[i]);
		uc_buf_add(out, uc_buf_text(&part));
		out->failed = out->failed || part.failed;
		text += len;
		if (*text)
			uc_buf_addf(out, "\"$'\\%03o'\"", (unsigned char)*text++);
	}
}

/* Between double quotes. */
static void write_inside(struct uc_buf *out, const struct uc_piece *piece)
{
	if (piece->kind == UC_PIECE_TEXT)
		write_text(out, piece->text);
	else if (uc_piece_is_here(piece))
		uc_buf_add(out, goes_on(piece->next) ? "${PWD}" : "$PWD");
	else if (piece->kind == UC_PIECE_VARIABLE && piece->name)
		uc_buf_addf(out, goes_on(piece->next) ? "${%s}" : "$%s", piece->name);
	else
		uc_buf_add(out, piece->text);
}

static void write_parts(struct uc_buf *out, const struct uc_piece *piece)
{
	for (; piece; piece = piece->next) {
		if (piece->kind == UC_PIECE_TEXT) {
			if (piece->text[0])
				uc_buf_quote(out, piece->text, UC_QUOTE_VISIBLE);
		} else if (is_one(piece)) {
			uc_buf_addc(out, '"');
			write_inside(out, piece);
			uc_buf_addc(out, '"');
		} else {
			uc_buf_add(out, piece->text);
		}
	}
}

void uc_word_write(struct uc_buf *out, const struct uc_piece *first, bool one)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	bool known = true;

	if (first && !first->next && first->kind == UC_PIECE_ARGUMENTS) {
		uc_buf_add(out, "\"$@\"");
		return;
	}
	for (const struct uc_piece *p = first; p; p = p->next) {
		known = known && p->kind == UC_PIECE_TEXT;
		one = one && p->kind != UC_PIECE_ARGUMENTS;
		if (p->kind == UC_PIECE_TEXT)
			uc_buf_add(&text, p->text);
	}
	out->failed = out->failed || text.failed;
	if (known) {
		uc_buf_quote(out, uc_buf_text(&text), UC_QUOTE_VISIBLE);
		return;
	}
	for (const struct uc_piece *p = first; p && !one; p = p->next) {
		if (!is_one(p) || p->kind == UC_PIECE_ARGUMENTS) {
			write_parts(out, first);
			return;
		}
	}
	uc_buf_addc(out, '"');
	for (const struct uc_piece *p = first; p; p = p->next)
		write_inside(out, p);
	uc_buf_addc(out, '"');
}
