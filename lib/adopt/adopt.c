/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The commands of a script: which start jobs, which prepare them, which are left over. */
#include "adopt/adopt.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <ucluster/option.h>

#include "config/yaml.h"

void uc_adopted_free(struct uc_adopted *adopted)
{
	uc_buf_free(&adopted->yaml);
	uc_strv_free(&adopted->lines);
	uc_errors_free(&adopted->notes);
}

/* What is left out as too much is said; what memory is short for is not. */
static void add_note(struct uc_errors *notes, const struct uc_adoption *a,
		     const struct uc_error *note)
{
	uc_errors_add(notes, note);
	if (notes->dropped && notes->count < UC_ERRORS_MAX)
		uc_arena_fail(a->arena);
}

void uc_adopt_note(struct uc_errors *notes, const struct uc_adoption *a,
		   struct uc_spot at, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error note = { 0 };
	va_list ap;

	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	uc_fail(&note, UC_OK, "%s", uc_buf_text(&text));
	uc_at(&note, a->path, at.line, at.column);
	if (text.failed || note.code != UC_OK)
		uc_arena_fail(a->arena);
	add_note(notes, a, &note);
}

/* A command of one's own words, without quotes: "srun"; NULL for anything else. */
static const char *plain(const struct uc_word *word)
{
	return word && word->first && !word->first->next &&
			       word->first->kind == UC_PIECE_TEXT
		       ? word->first->text
		       : NULL;
}

static bool is_any(const char *word, const char *const *list)
{
	while (word && *list && strcmp(*list, word) != 0)
		list++;
	return word && *list;
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

/* NAME=... in front of a word: the length of the name. */
static size_t assigned(const struct uc_word *word)
{
	const struct uc_piece *p = word->first;
	size_t len = 0;

	if (!p || p->kind != UC_PIECE_TEXT || p->quoted ||
	    (!isalpha((unsigned char)p->text[0]) && p->text[0] != '_'))
		return 0;
	while (isalnum((unsigned char)p->text[len]) || p->text[len] == '_')
		len++;
	return p->text[len] == '=' ? len : 0;
}

static struct uc_variable *variable(struct uc_adoption *a, const char *name, size_t len)
{
	const char *copy = uc_arena_strndup(a->arena, name, len);
	struct uc_variable *v = copy ? uc_variable_find(a->variables, copy) : NULL;

	if (v || !copy || a->variable_count == UC_ADOPT_VARIABLES_MAX)
		return v;
	v = uc_arena_alloc(a->arena, sizeof(*v));
	if (!v)
		return NULL;
	v->name = copy;
	v->next = a->variables;
	a->variables = v;
	a->variable_count++;
	return v;
}

static size_t length_of(const struct uc_word *word)
{
	size_t len = 0;

	for (const struct uc_piece *p = word ? word->first : NULL; p; p = p->next)
		len += strlen(p->text);
	return len;
}

/* Set it from a word NAME=VALUE; in a loop or branch it is not known afterwards. */
static struct uc_variable *assign(struct uc_adoption *a, const struct uc_word *word)
{
	const size_t len = assigned(word);
	struct uc_variable *v = variable(a, word->first->text, len);
	struct uc_word value = { .at = word->at }, *made;
	struct uc_piece *first =
		uc_piece_new(a->arena, UC_PIECE_TEXT, false, word->first->text + len + 1,
			     strlen(word->first->text) - len - 1);

	if (!v || !first)
		return NULL;
	first->next = word->first->next;
	value.first = first;
	/* an assignment does not cut words: as if all were quoted */
	for (struct uc_piece *p = first; p; p = p->next)
		p->quoted = p->quoted || p->kind == UC_PIECE_VARIABLE;
	made = uc_word_expand(a->arena, a->variables, &value);
	v->value = made ? made->first : NULL;
	for (struct uc_piece *p = v->value; p; p = p->next)
		p->quoted = p->quoted && p->kind != UC_PIECE_TEXT;
	v->unsure = v->unsure || a->depth > 0 || a->cases > 0 ||
		    length_of(made) > UC_ADOPT_VALUE_MAX;
	v->known = !v->unsure;
	return v;
}

/* export [NAME[=VALUE]...] */
static void export(struct uc_adoption *a, const struct uc_word *words)
{
	for (; words; words = words->next) {
		struct uc_variable *v = NULL;

		if (assigned(words))
			v = assign(a, words);
		else if (plain(words) && plain(words)[0] != '-')
			v = variable(a, plain(words), strlen(plain(words)));
		if (v)
			v->exported = true;
	}
}

static struct uc_word *expand_all(struct uc_adoption *a, const struct uc_word *words)
{
	struct uc_word *first = NULL, **last = &first;
	size_t size = 0;

	for (; words; words = words->next) {
		/* where it becomes too much, variables stay as they are */
		const bool more = size < UC_ADOPT_COMMAND_MAX;

		*last = uc_word_expand(a->arena, more ? a->variables : NULL, words);
		for (; *last; last = &(*last)->next)
			size += length_of(*last);
	}
	return first;
}

/* What comes first, then what is stronger. */
static struct uc_asks both(struct uc_asks weak, struct uc_asks strong)
{
	if (!weak.first)
		return strong;
	if (strong.first) {
		weak.last->next = strong.first;
		weak.last = strong.last;
		weak.count += strong.count;
	}
	return weak;
}

/* sbatch takes a script from the working directory: "./" says so. */
static const struct uc_word *with_folder(struct uc_adoption *a,
					 const struct uc_word *word)
{
	struct uc_word *copy = uc_arena_alloc(a->arena, sizeof(*copy));
	const char *path = uc_arena_printf(a->arena, "./%s", plain(word));

	if (!copy || !path)
		return word;
	*copy = *word;
	copy->first = uc_piece_new(a->arena, UC_PIECE_TEXT, false, path, strlen(path));
	return copy;
}

static void start_job(struct uc_adoption *a, const struct uc_word *words, bool sbatch,
		      const struct uc_word *redirects)
{
	struct uc_adopt_job job = { .redirects = redirects };
	const unsigned scope =
		(sbatch ? UC_SCOPE_SBATCH : UC_SCOPE_SRUN) | UC_SCOPE_CONTAINER;
	struct uc_asks weak = { 0 };
	const struct uc_spot at = words->at;

	a->full = a->jobs == UC_ADOPT_JOBS_MAX;
	if (a->full) {
		uc_adopt_note(&a->out->notes, a, at,
			      "more than %d jobs: the rest is not read",
			      UC_ADOPT_JOBS_MAX);
		return;
	}
	words = expand_all(a, words->next);
	job.batch = sbatch || a->is_batch;
	job.command = uc_asks_read(a, scope, words, &job.asks);
	if (sbatch && plain(job.command) && !strchr(plain(job.command), '/'))
		job.command = with_folder(a, job.command);
	for (const struct uc_ask *ask = a->sbatch.first; ask && !sbatch;
	     ask = ask->next) {
		struct uc_ask *copy = uc_arena_alloc(a->arena, sizeof(*copy));

		if (!copy)
			return;
		*copy = *ask;
		copy->next = NULL;
		if (weak.last)
			weak.last->next = copy;
		else
			weak.first = copy;
		weak.last = copy;
	}
	job.asks = both(weak, job.asks);
	if (!job.command && !sbatch)
		uc_adopt_note(&a->out->notes, a, at, "srun has no command here");
	a->jobs++;
	uc_adopt_write(a, &job);
}

/* $(dirname "$0"): the line is typed there anyway. */
static bool is_script_folder(const struct uc_word *word)
{
	const struct uc_piece *p = word ? word->first : NULL;

	while (p && p->kind == UC_PIECE_TEXT && !p->text[0])
		p = p->next;
	return p && p->kind == UC_PIECE_SUBSTITUTE && p->name &&
	       strncmp(p->name, "dirname ", 8) == 0;
}

static void other_command(struct uc_adoption *a, const struct uc_word *words)
{
	static const char *const quiet[] = { "set",   "echo",  "printf",   ":",
					     "true",  "exit",  "wait",     "shopt",
					     "[",     "[[",    "test",     "return",
					     "local", "break", "continue", NULL };
	uc_auto(buf) struct uc_buf text = { 0 };
	const struct uc_piece *p;

	if (is_any(plain(words), quiet))
		return;
	for (p = words->first; p; p = p->next)
		uc_buf_add(&text, p->text);
	if (text.failed)
		uc_arena_fail(a->arena);
	if (is_any(plain(words),
		   (const char *const[]){ "module", "source", ".", "conda", "ml", NULL }))
		uc_adopt_note(&a->others, a, words->at,
			      "'%.60s' prepares this shell; it belongs into the script "
			      "that the job runs",
			      uc_buf_text(&text));
	else if (strcmp(uc_buf_text(&text), "cd") == 0 && is_script_folder(words->next))
		return;
	else if (strcmp(uc_buf_text(&text), "cd") == 0 && words->next)
		uc_adopt_note(&a->others, a, words->at,
			      "the line is to be typed in the folder that 'cd' goes to");
	else
		uc_adopt_note(&a->others, a, words->at, "'%.60s' is left to you",
			      uc_buf_text(&text));
}

static const char *const opens[] = { "if",   "for",    "while",    "until",
				     "case", "select", "function", NULL };
static const char *const closes[] = { "fi", "done", "esac", "}", NULL };
static const char *const skipped[] = { "then", "else", "elif",    "do",  "{", "!",
				       "time", "exec", "command", "env", NULL };

/* Keywords in front of a command; NULL when nothing is behind them. */
static const struct uc_word *keywords(struct uc_adoption *a, const struct uc_word *words)
{
	while (words) {
		const char *word =
			words->first && !words->first->quoted ? plain(words) : NULL;

		if (is_any(word, opens)) {
			uc_adopt_note(&a->others, a, words->at,
				      "'%s' is not followed; what is in it is read as if "
				      "it ran once",
				      word);
			a->depth++;
			a->cases += strcmp(word, "case") == 0;
			if (strcmp(word, "for") == 0 && words->next && plain(words->next))
				variable(a, plain(words->next),
					 strlen(plain(words->next)));
			if (strcmp(word, "if") != 0 && strcmp(word, "while") != 0 &&
			    strcmp(word, "until") != 0)
				return NULL;
		} else if (is_any(word, closes)) {
			a->depth -= a->depth > 0;
			a->cases -= a->cases > 0 && strcmp(word, "esac") == 0;
		} else if (!is_any(word, skipped)) {
			return words;
		}
		words = words->next;
	}
	return NULL;
}

static void run_command(struct uc_adoption *a, const struct uc_word *words,
			const struct uc_word *redirects)
{
	struct uc_variable *set[16];
	size_t count = 0;
	const char *name;

	words = keywords(a, words);
	for (; words && assigned(words); words = words->next) {
		struct uc_variable *v = assign(a, words);

		if (v && count < sizeof(set) / sizeof(set[0]))
			set[count++] = v;
	}
	if (!words)
		return;
	name = base_name(plain(words));
	if (!name && words->first && words->first->kind == UC_PIECE_VARIABLE) {
		words = expand_all(a, words); /* $SRUN ... */
		name = words ? base_name(plain(words)) : NULL;
	}
	if (!words)
		return;
	if (name && (strcmp(name, "srun") == 0 || strcmp(name, "sbatch") == 0)) {
		for (size_t i = 0; i < count; i++)
			set[i]->exported = true; /* X=1 srun ... */
		start_job(a, words, name[1] == 'b', redirects);
		for (size_t i = 0; i < count; i++)
			set[i]->exported = false;
	} else if (name &&
		   (strcmp(name, "export") == 0 || strcmp(name, "declare") == 0)) {
		export(a, words->next);
	} else {
		other_command(a, words);
	}
}

static void end_command(struct uc_adoption *a, const struct uc_lexer *lex, size_t jobs)
{
	if (a->jobs == jobs)
		return;
	if (strcmp(lex->operator, "|") == 0)
		uc_adopt_note(&a->out->notes, a, lex->at,
			      "what is behind '|' is left to you");
	else if (strcmp(lex->operator, "&") == 0)
		uc_adopt_note(&a->out->notes, a, lex->at,
			      "'&': usrun --batch returns at once, too");
}

/* In a case: words up to ")", "|" between them. */
static bool is_pattern(const struct uc_adoption *a, const struct uc_lexer *lex,
		       enum uc_token token)
{
	return a->cases > 0 && token == UC_TOKEN_OPERATOR &&
	       (strcmp(lex->operator, ")") == 0 || strcmp(lex->operator, "|") == 0);
}

/* NAME(): what is in it ends with "}". */
static bool is_function(struct uc_adoption *a, const struct uc_lexer *lex,
			enum uc_token token, const struct uc_word *words)
{
	if (token != UC_TOKEN_OPERATOR || strcmp(lex->operator, "(") != 0 ||
	    words->next || !plain(words) || is_any(plain(words), opens))
		return false;
	uc_adopt_note(&a->others, a, words->at,
		      "function '%.60s' is not followed; what is in it is read as if it "
		      "ran once",
		      plain(words));
	a->depth++;
	return true;
}

static void read_commands(struct uc_adoption *a, struct uc_lexer *lex)
{
	struct uc_word *words = NULL, **last = &words, *redirects = NULL,
		       **redirect = &redirects;
	enum uc_token token;

	do {
		const size_t jobs = a->jobs;
		bool heredoc = lex->heredoc != NULL;

		token = uc_lex(lex);
		if (token == UC_TOKEN_WORD && lex->word) {
			*last = lex->word;
			last = &lex->word->next;
			continue;
		}
		if (token == UC_TOKEN_REDIRECT && lex->word) {
			*redirect = lex->word;
			redirect = &lex->word->next;
			if (!heredoc && lex->heredoc)
				uc_adopt_note(&a->out->notes, a, lex->at,
					      "a here-document is left to you");
			continue;
		}
		if (words && !is_pattern(a, lex, token) &&
		    !is_function(a, lex, token, words))
			run_command(a, words, redirects);
		if (token == UC_TOKEN_OPERATOR)
			end_command(a, lex, jobs);
		words = redirects = NULL;
		last = &words;
		redirect = &redirects;
	} while (token != UC_TOKEN_END && !a->full && !uc_arena_failed(a->arena));
	if (lex->unclosed && !uc_arena_failed(a->arena))
		uc_adopt_note(&a->out->notes, a, lex->at,
			      "a quote or bracket is not closed");
}

/* A batch script without srun: it is the job itself. */
static void adopt_script(struct uc_adoption *a)
{
	uc_auto(buf) struct uc_buf name = { 0 };
	struct uc_adopt_job job = { .asks = a->sbatch, .batch = true };
	struct uc_word command = { .at = { 1, 1 } }, arguments = { .at = { 1, 1 } };

	if (!strchr(a->path, '/'))
		uc_buf_add(&name, "./");
	uc_buf_add(&name, a->path);
	if (name.failed)
		uc_arena_fail(a->arena);
	uc_word_add(&command, uc_piece_new(a->arena, UC_PIECE_TEXT, true,
					   uc_buf_text(&name), name.len));
	uc_word_add(&arguments,
		    uc_piece_new(a->arena, UC_PIECE_ARGUMENTS, true, "$@", 2));
	command.next = &arguments;
	job.command = &command;
	a->jobs++;
	a->variables = NULL; /* the script sets them itself */
	uc_adopt_write(a, &job);
}

static int adopt(struct uc_adoption *a, const char *bytes, size_t len,
		 struct uc_error *err)
{
	struct uc_lexer lex = {
		.arena = a->arena,
		.bytes = bytes,
		.end = bytes + len,
		.p = bytes,
		.counted = bytes,
		.line = 1,
	};

	uc_asks_sbatch(a, bytes, len);
	read_commands(a, &lex);
	for (size_t i = 0; i < a->others.count && a->jobs; i++)
		add_note(&a->out->notes, a, &a->others.item[i]);
	if (!a->jobs && a->is_batch)
		adopt_script(a);
	if (uc_arena_failed(a->arena) || a->out->yaml.failed || a->out->lines.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (a->jobs)
		return 0;
	uc_fail(err, UC_NOTFOUND, "no srun, sbatch or #SBATCH line in '%s'", a->path);
	return uc_hint(err, "scripts that start jobs can be adopted");
}

int uc_adopt(const char *path, const char *bytes, size_t len, struct uc_adopted *out,
	     struct uc_error *err)
{
	uc_auto(arena) struct uc_arena *arena = uc_arena_new();
	struct uc_adoption a = { .arena = arena, .path = path, .out = out };
	int rc;

	if (!arena)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (len > UC_ADOPT_BYTES_MAX)
		return uc_fail(err, UC_USAGE, "'%s': expected at most 256 KiB", path);
	if (memchr(bytes, '\0', len))
		return uc_fail(err, UC_USAGE, "'%s' is no text", path);
	bytes = uc_arena_strndup(arena, bytes, len); /* with a NUL behind */
	if (!bytes)
		return uc_fail(err, UC_FAILED, "out of memory");
	rc = adopt(&a, bytes, len, err);
	uc_errors_free(&a.others);
	return rc;
}
