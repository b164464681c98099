/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Where in a shell script a value may stand: outside of quotes, backquotes, ${...},
 * arithmetic, comments and here-documents. Not a shell: what it cannot follow it takes
 * for a place where none may stand.
 */
#include "template/template.h"

#include <ctype.h>
#include <string.h>

static char innermost(const struct uc_shell_place *place)
{
	return place->depth ? place->open[place->depth - 1] : '\0';
}

static void push(struct uc_shell_place *place, char what)
{
	if (place->depth == sizeof(place->open))
		place->lost = true;
	else
		place->open[place->depth++] = what;
}

/* Is this the line that ends the here-document? */
static bool ends_heredoc(const struct uc_shell_place *place, const char *line, size_t len)
{
	while (place->tabs && len > 0 && line[0] == '\t') {
		line++;
		len--;
	}
	return len == strlen(place->delimiter) &&
	       memcmp(line, place->delimiter, len) == 0;
}

static void end_line(struct uc_shell_place *place, const char *bytes, size_t at)
{
	if (place->heredoc &&
	    ends_heredoc(place, bytes + place->line, at - place->line)) {
		place->heredoc = false;
		place->delimiter[0] = '\0';
	} else if (place->delimiter[0]) {
		place->heredoc = true;
	}
	place->comment = false;
	place->line = at + 1;
}

/* "<<" was read: the delimiter behind it. Several on one line are too much. */
static size_t read_delimiter(struct uc_shell_place *place, const char *bytes, size_t at,
			     size_t to)
{
	size_t len = 0;

	place->tabs = at < to && bytes[at] == '-';
	at += place->tabs;
	while (at < to && (bytes[at] == ' ' || bytes[at] == '\t'))
		at++;
	if (place->delimiter[0])
		place->lost = true;
	for (; at < to && !strchr(" \t\n;&|<>()", bytes[at]); at++) {
		if (strchr("'\"\\", bytes[at]))
			continue;
		if (len + 1 == sizeof(place->delimiter))
			place->lost = true;
		else
			place->delimiter[len++] = bytes[at];
	}
	place->delimiter[len] = '\0';
	place->lost = place->lost || !len;
	return at - 1;
}

/* In double quotes, ${...} and backquotes: what opens and closes. */
static size_t step_quoted(struct uc_shell_place *place, const char *bytes, size_t at,
			  size_t to)
{
	const char inner = innermost(place), c = bytes[at];

	if (inner == '\'') {
		place->depth -= c == '\'';
		return at;
	}
	if (c == '\\')
		return at + 1;
	if ((inner == '"' && c == '"') || (inner == '{' && c == '}') ||
	    (inner == '`' && c == '`')) {
		place->depth--;
		return at;
	}
	if (c == '$' && at + 1 < to && strchr("({", bytes[at + 1])) {
		push(place, at + 2 < to && bytes[at + 1] == '(' && bytes[at + 2] == '('
				    ? '['
				    : bytes[at + 1]);
		return at + 1 + (innermost(place) == '[');
	}
	if (c == '`' || (c == '"' && inner != '"') || (c == '\'' && inner == '`'))
		push(place, c);
	return at;
}

/* Brackets outside of quotes; false: it is none. */
static bool step_bracket(struct uc_shell_place *place, char c, bool twice, size_t *at)
{
	if (c == '(') {
		push(place, twice ? '[' : '(');
		*at += twice;
	} else if (c == ')' && innermost(place) == '[' && twice) {
		place->depth--;
		++*at;
	} else if (c == ')' && innermost(place) == '(') {
		place->depth--;
	} else {
		return c == ')';
	}
	return true;
}

/* Outside of quotes, or in $(...), (...) and $((...)). */
static size_t step_plain(struct uc_shell_place *place, const char *bytes, size_t at,
			 size_t to)
{
	const char c = bytes[at], before = at ? bytes[at - 1] : '\n';
	const char next = at + 1 < to ? bytes[at + 1] : '\0';

	if (c == '\\')
		return at + 1;
	if (c == '$' && (next == '(' || next == '{'))
		return step_quoted(place, bytes, at, to);
	if (c == '$' && next == '\'')
		place->lost = true; /* $'...' has rules of its own */
	else if (c == '\'' || c == '"' || c == '`')
		push(place, c);
	else if (c == '#' && strchr(" \t\n;&|()", before))
		place->comment = true;
	else if (step_bracket(place, c, next == c, &at))
		return at;
	if (c != '<' || next != '<' || innermost(place) == '[')
		return at;
	if (at + 2 < to && bytes[at + 2] == '<')
		return at + 2;
	return read_delimiter(place, bytes, at + 2, to);
}

void uc_shell_step(struct uc_shell_place *place, const char *bytes, size_t from,
		   size_t to)
{
	for (size_t at = from; at < to; at++) {
		const char inner = innermost(place);

		if (bytes[at] == '\n')
			end_line(place, bytes, at);
		else if (place->comment || place->heredoc)
			continue;
		else if (inner == '\'' || inner == '"' || inner == '`' || inner == '{')
			at = step_quoted(place, bytes, at, to);
		else
			at = step_plain(place, bytes, at, to);
	}
}

bool uc_shell_takes_word(const struct uc_shell_place *place)
{
	const char inner = innermost(place);

	return !place->comment && !place->heredoc && !place->lost &&
	       (inner == '\0' || inner == '(');
}
