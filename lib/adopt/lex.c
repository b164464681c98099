/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The words of a shell script, without running any of it. */
#include "adopt/adopt.h"

#include <ctype.h>
#include <string.h>

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

struct uc_piece *uc_piece_new(struct uc_arena *arena, enum uc_piece_kind kind,
			      bool quoted, const char *text, size_t len)
{
	struct uc_piece *piece = uc_arena_alloc(arena, sizeof(*piece));

	if (!piece)
		return NULL;
	piece->kind = kind;
	piece->quoted = quoted;
	piece->text = uc_arena_strndup(arena, text, len);
	return piece->text ? piece : NULL;
}

void uc_word_add(struct uc_word *word, struct uc_piece *piece)
{
	if (!piece)
		return;
	if (word->last)
		word->last->next = piece;
	else
		word->first = piece;
	word->last = piece;
}

static char look(const struct uc_lexer *lex, size_t ahead)
{
	return (size_t)(lex->end - lex->p) > ahead ? lex->p[ahead] : '\0';
}

static void advance(struct uc_lexer *lex)
{
	if (*lex->p == '\n') {
		lex->line++;
		lex->counted = lex->p + 1;
		lex->columns = 0;
	}
	lex->p++;
}

static struct uc_spot spot(struct uc_lexer *lex)
{
	for (; lex->counted < lex->p; lex->counted++)
		lex->columns += (*lex->counted & 0xc0) != 0x80;
	return (struct uc_spot){ lex->line, lex->columns + 1 };
}

static void skip_to_line_end(struct uc_lexer *lex)
{
	while (lex->p < lex->end && *lex->p != '\n')
		lex->p++;
}

/* Blanks, and lines that go on. */
static void skip_blanks(struct uc_lexer *lex)
{
	for (;;) {
		if (look(lex, 0) == '\\' && look(lex, 1) == '\n') {
			advance(lex);
			advance(lex);
		} else if (look(lex, 0) == '\\' && look(lex, 1) == '\r' &&
			   look(lex, 2) == '\n') {
			lex->p += 2;
			advance(lex);
		} else if (look(lex, 0) == ' ' || look(lex, 0) == '\t' ||
			   look(lex, 0) == '\r') {
			lex->p++;
		} else {
			return;
		}
	}
}

static void skip_heredoc(struct uc_lexer *lex)
{
	while (lex->p < lex->end) {
		const char *start = lex->p;
		size_t len;

		skip_to_line_end(lex);
		len = (size_t)(lex->p - start);
		if (lex->p < lex->end)
			advance(lex);
		while (lex->heredoc_tabs && len > 0 && *start == '\t') {
			start++;
			len--;
		}
		if (len == strlen(lex->heredoc) && memcmp(start, lex->heredoc, len) == 0)
			break;
	}
	lex->heredoc = NULL;
}

/* From an opening bracket behind its matching one; quotes inside are respected. */
static void skip_brackets(struct uc_lexer *lex, char open, char close)
{
	size_t depth = 0;
	char quote = '\0';

	for (; lex->p < lex->end; advance(lex)) {
		const char c = *lex->p;

		if (c == '\\' && quote != '\'' && lex->p + 1 < lex->end) {
			advance(lex);
		} else if (quote) {
			quote = c == quote ? '\0' : quote;
		} else if (c == '\'' || c == '"') {
			quote = c;
		} else if (c == open) {
			depth++;
		} else if (c == close && --depth == 0) {
			advance(lex);
			return;
		}
	}
	lex->unclosed = true;
}

static void skip_backquotes(struct uc_lexer *lex)
{
	for (advance(lex); lex->p < lex->end && *lex->p != '`'; advance(lex))
		if (*lex->p == '\\' && lex->p + 1 < lex->end)
			advance(lex);
	if (lex->p < lex->end)
		advance(lex);
	else
		lex->unclosed = true;
}

static const char *trimmed(struct uc_lexer *lex, const char *start, const char *end)
{
	while (start < end && isspace((unsigned char)*start))
		start++;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	return uc_arena_strndup(lex->arena, start, (size_t)(end - start));
}

static void add_piece(struct uc_lexer *lex, enum uc_piece_kind kind, bool quoted,
		      const char *start, const char *name)
{
	struct uc_piece *piece =
		uc_piece_new(lex->arena, kind, quoted, start, (size_t)(lex->p - start));

	if (piece)
		piece->name = name;
	uc_word_add(lex->word, piece);
}

static void add_text(struct uc_lexer *lex, bool quoted, const char *text, size_t len)
{
	uc_word_add(lex->word,
		    uc_piece_new(lex->arena, UC_PIECE_TEXT, quoted, text, len));
}

/* At "$" or "`". A "$" that begins nothing is text. */
static void read_expansion(struct uc_lexer *lex, bool quoted)
{
	const char *start = lex->p;
	const char next = look(lex, 1);

	if (*start == '`') {
		skip_backquotes(lex);
		add_piece(lex, UC_PIECE_SUBSTITUTE, quoted, start,
			  trimmed(lex, start + 1, lex->p - (lex->unclosed ? 0 : 1)));
	} else if (next == '(') {
		lex->p++;
		skip_brackets(lex, '(', ')');
		add_piece(lex, UC_PIECE_SUBSTITUTE, quoted, start,
			  trimmed(lex, start + 2, lex->p - (lex->unclosed ? 0 : 1)));
	} else if (next == '{') {
		size_t len;
		const char *name = NULL;

		lex->p++;
		skip_brackets(lex, '{', '}');
		len = (size_t)(lex->p - start);
		if (len > 3 && memchr(NAME_CHARS, start[2], strlen(NAME_CHARS)) &&
		    strspn(start + 2, NAME_CHARS) == len - 3)
			name = uc_arena_strndup(lex->arena, start + 2, len - 3);
		add_piece(lex, UC_PIECE_VARIABLE, quoted, start, name);
	} else if (next == '@' || next == '*') {
		lex->p += 2;
		add_piece(lex, UC_PIECE_ARGUMENTS, quoted, start, NULL);
	} else if (isalpha((unsigned char)next) || next == '_') {
		lex->p++;
		while (isalnum((unsigned char)look(lex, 0)) || look(lex, 0) == '_')
			lex->p++;
		add_piece(lex, UC_PIECE_VARIABLE, quoted, start,
			  uc_arena_strndup(lex->arena, start + 1,
					   (size_t)(lex->p - start) - 1));
	} else if (next && strchr("0123456789#?$!-", next)) {
		lex->p += 2;
		add_piece(lex, UC_PIECE_VARIABLE, quoted, start, NULL);
	} else {
		lex->p++;
		add_text(lex, true, "$", 1);
	}
}

static void read_double(struct uc_lexer *lex)
{
	advance(lex);
	add_text(lex, true, "", 0);
	while (lex->p < lex->end && *lex->p != '"') {
		const char *start = lex->p;

		if (*start == '$' || *start == '`') {
			read_expansion(lex, true);
		} else if (*start == '\\' && look(lex, 1) == '\n') {
			advance(lex);
			advance(lex);
		} else if (*start == '\\' && look(lex, 1) &&
			   strchr("$`\"\\", look(lex, 1))) {
			add_text(lex, true, start + 1, 1);
			lex->p += 2;
		} else {
			do
				advance(lex);
			while (lex->p < lex->end && !strchr("\"$`\\", *lex->p));
			add_text(lex, true, start, (size_t)(lex->p - start));
		}
	}
	if (lex->p < lex->end)
		advance(lex);
	else
		lex->unclosed = true;
}

static void read_single(struct uc_lexer *lex)
{
	const char *start = lex->p + 1;

	for (advance(lex); lex->p < lex->end && *lex->p != '\''; advance(lex))
		;
	add_text(lex, true, start, (size_t)(lex->p - start));
	if (lex->p < lex->end)
		advance(lex);
	else
		lex->unclosed = true;
}

/* A number of at most `most` digits; *p goes behind it. */
static int read_code(const char **p, const char *end, int base, int most)
{
	static const char digits[] = "0123456789abcdef";
	int code = 0;

	for (; most > 0 && *p < end; most--, ++*p) {
		const char *digit =
			memchr(digits, tolower((unsigned char)**p), (size_t)base);

		if (!digit)
			break;
		code = code * base + (int)(digit - digits);
	}
	return code & 0xff;
}

/* What stands behind a backslash in $'...'; *p goes behind it. A NUL is none. */
static char read_escape(const char **p, const char *end)
{
	static const char letters[] = "abefnrtv", codes[] = "\a\b\033\f\n\r\t\v";
	const char c = *(*p)++;
	const char *letter = strchr(letters, c);
	int code;

	if (c && letter)
		return codes[letter - letters];
	if (c == 'x')
		code = read_code(p, end, 16, 2);
	else if (c >= '0' && c <= '7')
		code = (--*p, read_code(p, end, 8, 3));
	else
		return c;
	return code ? (char)code : '?';
}

/* At $'...'. */
static void read_ansi(struct uc_lexer *lex)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	lex->p += 2;
	while (lex->p < lex->end && *lex->p != '\'') {
		const char *next = lex->p + 1;

		if (*lex->p == '\\' && next < lex->end)
			uc_buf_addc(&text, read_escape(&next, lex->end));
		else
			uc_buf_addc(&text, *lex->p);
		while (lex->p < next)
			advance(lex);
	}
	if (text.failed)
		uc_arena_fail(lex->arena);
	add_text(lex, true, uc_buf_text(&text), text.len);
	if (lex->p < lex->end)
		advance(lex);
	else
		lex->unclosed = true;
}

static bool ends_word(char c)
{
	return !c || strchr(" \t\r\n;&|()<>", c);
}

static void read_word(struct uc_lexer *lex)
{
	lex->word = uc_arena_alloc(lex->arena, sizeof(*lex->word));
	if (!lex->word) {
		lex->p = lex->end;
		return;
	}
	lex->word->at = lex->at;
	while (lex->p < lex->end && !ends_word(*lex->p)) {
		const char *start = lex->p;

		if (*start == '\'') {
			read_single(lex);
		} else if (*start == '"') {
			read_double(lex);
		} else if (*start == '$' && look(lex, 1) == '\'') {
			read_ansi(lex);
		} else if (*start == '$' || *start == '`') {
			read_expansion(lex, false);
		} else if (*start == '\\' && look(lex, 1) == '\n') {
			advance(lex);
			advance(lex);
		} else if (*start == '\\' && lex->p + 1 < lex->end) {
			add_text(lex, true, start + 1, 1);
			lex->p += 2;
		} else {
			do
				lex->p++;
			while (lex->p < lex->end && !ends_word(*lex->p) &&
			       !strchr("'\"$`\\", *lex->p));
			add_text(lex, false, start, (size_t)(lex->p - start));
		}
	}
}

/* At "<" or ">", behind digits: with the word that it is about. */
static void read_redirect(struct uc_lexer *lex, const char *start)
{
	struct uc_word *word;
	struct uc_piece *operator;
	bool heredoc;

	while (look(lex, 0) && strchr("<>&|", look(lex, 0)) && lex->p - start < 8)
		lex->p++;
	heredoc = lex->p - start == 2 && memcmp(start, "<<", 2) == 0;
	lex->heredoc_tabs = heredoc && look(lex, 0) == '-';
	lex->p += lex->heredoc_tabs;
	operator= uc_piece_new(lex->arena, UC_PIECE_VARIABLE, false, start,
			       (size_t)(lex->p - start));
	skip_blanks(lex);
	read_word(lex);
	word = lex->word;
	if (!word || !operator)
		return;
	if (heredoc)
		lex->heredoc = uc_word_text(lex->arena, word->first);
	operator->next = word->first;
	word->first = operator;
	word->last = word->last ? word->last : operator;
}

enum uc_token uc_lex(struct uc_lexer *lex)
{
	const char *start;

	skip_blanks(lex);
	if (look(lex, 0) == '#')
		skip_to_line_end(lex);
	lex->at = spot(lex);
	start = lex->p;
	if (lex->p >= lex->end)
		return UC_TOKEN_END;
	if (*start == '\n') {
		advance(lex);
		if (lex->heredoc)
			skip_heredoc(lex);
		return UC_TOKEN_NEWLINE;
	}
	while (isdigit((unsigned char)look(lex, 0)))
		lex->p++;
	if (look(lex, 0) == '&' && look(lex, 1) == '>' && lex->p == start)
		lex->p++;
	if (look(lex, 0) == '<' || look(lex, 0) == '>') {
		read_redirect(lex, start);
		return UC_TOKEN_REDIRECT;
	}
	lex->p = start;
	if (!strchr(";&|()", *start)) {
		read_word(lex);
		return UC_TOKEN_WORD;
	}
	lex->p++;
	if (*start != '(' && *start != ')' && look(lex, 0) == *start)
		lex->p++;
	memcpy(lex->operator, start, (size_t)(lex->p - start));
	lex->operator[lex->p - start] = '\0';
	return UC_TOKEN_OPERATOR;
}
