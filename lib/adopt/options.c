/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Options of srun and sbatch, on their command lines and in #SBATCH lines. */
#include "adopt/adopt.h"

#include <ctype.h>
#include <string.h>
#include <ucluster/option.h>

static void add_ask(struct uc_adoption *a, struct uc_asks *list, const char *name,
		    struct uc_piece *value, struct uc_spot at)
{
	struct uc_ask *ask;

	if (list->count++ == UC_ADOPT_ASKS_MAX)
		uc_adopt_note(&a->out->notes, a, at,
			      "more than %d options: the rest is left out",
			      UC_ADOPT_ASKS_MAX);
	if (list->count > UC_ADOPT_ASKS_MAX)
		return;
	ask = uc_arena_alloc(a->arena, sizeof(*ask));
	if (!ask)
		return;
	ask->name = name;
	ask->value = value;
	ask->at = at;
	if (list->last)
		list->last->next = ask;
	else
		list->first = ask;
	list->last = ask;
}

/* Handed on as it is written. */
static void add_whole(struct uc_adoption *a, struct uc_asks *list,
		      const struct uc_word *word)
{
	struct uc_word *copy = uc_arena_alloc(a->arena, sizeof(*copy));

	if (!copy)
		return;
	*copy = *word;
	copy->next = NULL;
	add_ask(a, list, NULL, NULL, word->at);
	if (list->last && list->count <= UC_ADOPT_ASKS_MAX)
		list->last->whole = copy;
}

/* The rest of a word, from byte `skip` of its first piece on. */
static struct uc_piece *rest(struct uc_adoption *a, const struct uc_word *word,
			     size_t skip)
{
	struct uc_piece *piece =
		uc_piece_new(a->arena, UC_PIECE_TEXT, word->first->quoted,
			     word->first->text + skip, strlen(word->first->text) - skip);

	if (piece)
		piece->next = word->first->next;
	return piece;
}

/* All text at the beginning of a word as its first piece: -"p" is -p. */
static const struct uc_word *joined(struct uc_adoption *a, const struct uc_word *word)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_word *copy = uc_arena_alloc(a->arena, sizeof(*copy));
	const struct uc_piece *p = word->first;

	for (; p && p->kind == UC_PIECE_TEXT; p = p->next)
		uc_buf_add(&text, p->text);
	if (text.failed)
		uc_arena_fail(a->arena);
	if (!copy)
		return word;
	*copy = *word;
	copy->first = uc_piece_new(a->arena, UC_PIECE_TEXT, false, uc_buf_text(&text),
				   strlen(uc_buf_text(&text)));
	if (!copy->first)
		return word;
	copy->first->next = (struct uc_piece *)p;
	return copy;
}

static const struct uc_word *read_long(struct uc_adoption *a, unsigned scope,
				       const struct uc_word *word, struct uc_asks *out)
{
	const char *text = word->first->text + 2;
	const size_t len = strcspn(text, "=");
	const struct uc_slurm_option *option;
	size_t candidates = 0;

	option = uc_slurm_option_find(text, len, scope, &candidates);
	if (!option || candidates > 1) {
		uc_adopt_note(&a->out->notes, a, word->at,
			      "option '--%.*s' is not known; it is handed on as it is",
			      (int)(len > 100 ? 100 : len), text);
		add_whole(a, out, word);
		return word->next;
	}
	if (text[len] == '=') {
		add_ask(a, out, option->same ? option->same : option->name,
			rest(a, word, len + 3), word->at);
	} else if (option->arity == UC_ARITY_REQUIRED && word->next) {
		add_ask(a, out, option->same ? option->same : option->name,
			word->next->first, word->at);
		return word->next->next;
	} else {
		add_ask(a, out, option->same ? option->same : option->name, NULL,
			word->at);
	}
	return word->next;
}

static const struct uc_word *read_letters(struct uc_adoption *a, unsigned scope,
					  const struct uc_word *word, struct uc_asks *out)
{
	const char *text = word->first->text;

	for (size_t i = 1; text[i]; i++) {
		const struct uc_slurm_option *option =
			uc_slurm_option_letter(text[i], scope);
		const char *name;

		if (!option) {
			uc_adopt_note(&a->out->notes, a, word->at,
				      "option '-%c' is not known; it is left out",
				      text[i]);
			continue;
		}
		name = option->same ? option->same : option->name;
		if (option->arity == UC_ARITY_NONE) {
			add_ask(a, out, name, NULL, word->at);
		} else if (text[i + 1] || word->first->next) {
			add_ask(a, out, name, rest(a, word, i + 1), word->at);
			return word->next;
		} else if (option->arity == UC_ARITY_REQUIRED && word->next) {
			add_ask(a, out, name, word->next->first, word->at);
			return word->next->next;
		} else {
			add_ask(a, out, name, NULL, word->at);
		}
	}
	return word->next;
}

const struct uc_word *uc_asks_read(struct uc_adoption *a, unsigned scope,
				   const struct uc_word *words, struct uc_asks *out)
{
	while (words && words->first) {
		const struct uc_word *word;

		if (words->first->kind == UC_PIECE_ARGUMENTS)
			return words; /* options and command come from the caller */
		if (words->first->kind != UC_PIECE_TEXT) {
			if (words->first->quoted || !words->next)
				return words;
			uc_adopt_note(&a->out->notes, a, words->at,
				      "what '%s' holds is not known; taken for options",
				      words->first->text);
			add_whole(a, out, words);
			words = words->next;
			continue;
		}
		word = joined(a, words);
		if (word->first->text[0] != '-' || !word->first->text[1])
			return words;
		if (strcmp(word->first->text, "--") == 0 && !word->first->next)
			return words->next;
		words = word->first->text[1] == '-' ? read_long(a, scope, word, out)
						    : read_letters(a, scope, word, out);
	}
	return words && words->first ? words : NULL;
}

/* One word as sbatch cuts a #SBATCH line: quotes group, "#" ends it. */
static const char *sbatch_word(struct uc_adoption *a, const char *at, const char *end,
			       struct uc_word **word, struct uc_spot spot)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	const char *start;
	char quote = '\0';
	bool any = false;

	*word = NULL;
	while (at < end && isspace((unsigned char)*at))
		at++;
	start = at;
	for (; at < end && (quote || !isspace((unsigned char)*at)); at++) {
		if (*at == '#' && !quote)
			break;
		any = true;
		if (*at == '\\' && at + 1 < end)
			uc_buf_addc(&text, *++at);
		else if (quote && *at == quote)
			quote = '\0';
		else if (!quote && (*at == '"' || *at == '\''))
			quote = *at;
		else
			uc_buf_addc(&text, *at);
	}
	if (!any)
		return end;
	if (text.failed)
		uc_arena_fail(a->arena);
	*word = uc_arena_alloc(a->arena, sizeof(**word));
	if (!*word)
		return end;
	(*word)->at = (struct uc_spot){ spot.line, spot.column + (int)(at - start) };
	(*word)->at.column = spot.column;
	uc_word_add(*word, uc_piece_new(a->arena, UC_PIECE_TEXT, true, uc_buf_text(&text),
					text.len));
	return at;
}

void uc_asks_sbatch(struct uc_adoption *a, const char *bytes, size_t len)
{
	const char *end = bytes + len;
	struct uc_word *first = NULL, **last = &first;

	for (int line = 1; bytes < end; line++) {
		const char *stop = memchr(bytes, '\n', (size_t)(end - bytes)), *at;

		stop = stop ? stop : end;
		if (stop - bytes > 7 && memcmp(bytes, "#SBATCH", 7) == 0) {
			for (at = bytes + 7; at < stop;) {
				struct uc_spot spot = { line, (int)(at - bytes) + 2 };

				at = sbatch_word(a, at, stop, last, spot);
				if (*last)
					last = &(*last)->next;
			}
			a->is_batch = true;
		} else if (bytes[0] != '#' &&
			   strspn(bytes, " \t\r") < (size_t)(stop - bytes)) {
			break;
		}
		bytes = stop + 1;
	}
	if (uc_asks_read(a, UC_SCOPE_SBATCH | UC_SCOPE_CONTAINER, first, &a->sbatch))
		uc_adopt_note(&a->out->notes, a, first->at,
			      "in #SBATCH lines only options count");
}
