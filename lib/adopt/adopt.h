/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_ADOPT_ADOPT_H
#define UC_ADOPT_ADOPT_H
#include <ucluster/adopt.h>
#include "base/arena.h"

/* What is beyond these is no script that a person wrote. */
enum {
	UC_ADOPT_WORD_MAX = 65536,      /* bytes of a word, variables put in */
	UC_ADOPT_COMMAND_MAX = 1 << 18, /* of all words of a command */
	UC_ADOPT_VALUE_MAX = 4096,      /* of a variable */
	UC_ADOPT_VARIABLES_MAX = 256,
	UC_ADOPT_JOBS_MAX = 64,
	UC_ADOPT_ASKS_MAX = 256, /* options of a job, or of #SBATCH lines */
};

struct uc_spot {
	int line, column;
};

/* A part of a word. What is not TEXT is not known before the script runs. */
struct uc_piece {
	enum uc_piece_kind {
		UC_PIECE_TEXT,
		UC_PIECE_VARIABLE,   /* $X, ${X...} */
		UC_PIECE_ARGUMENTS,  /* $@, $* */
		UC_PIECE_SUBSTITUTE, /* `...`, $(...), $((...)) */
	} kind;
	bool quoted;
	const char *text; /* TEXT: without quotes; else as it is written */
	const char *name; /* VARIABLE: of a plain one; SUBSTITUTE: its command; or NULL */
	struct uc_piece *next;
};

struct uc_word {
	struct uc_piece *first, *last;
	struct uc_spot at;
	struct uc_word *next;
};

enum uc_token {
	UC_TOKEN_END,
	UC_TOKEN_NEWLINE,
	UC_TOKEN_WORD,
	UC_TOKEN_OPERATOR, /* ; & | && || ( ) ... */
	UC_TOKEN_REDIRECT, /* with the word behind it */
};

/* The text of a script, cut as a shell cuts it. (lex.c) */
struct uc_lexer {
	struct uc_arena *arena;
	const char *bytes, *end, *p;
	int line;
	const char *counted; /* up to here, from the beginning of the line, */
	int columns;         /* so many characters */
	/* of the last token */
	struct uc_word *word;
	char operator[4];
	struct uc_spot at;
	const char *heredoc; /* delimiter of one that begins with the next line */
	bool heredoc_tabs;
	bool unclosed; /* a quote, or the like, to the end of the script */
};
enum uc_token uc_lex(struct uc_lexer *lex);

/* What words become. (expand.c) */
struct uc_variable {
	const char *name;
	struct uc_piece *value; /* NULL: not known */
	bool exported, known;
	bool unsure; /* set in a loop, a branch or a function: never known again */
	struct uc_variable *next;
};
struct uc_variable *uc_variable_find(struct uc_variable *list, const char *name);
/* The words that a shell makes of one, known variables put in. */
struct uc_word *uc_word_expand(struct uc_arena *arena, struct uc_variable *list,
			       const struct uc_word *word);
/* All of it, NULL when a part is not known. */
const char *uc_word_text(struct uc_arena *arena, const struct uc_piece *first);
/* "$PWD", `pwd` and the like: the working directory. */
bool uc_piece_is_here(const struct uc_piece *piece);
/* Add it as a shell reads it; `one`: it is one word, whatever is in it. */
void uc_word_write(struct uc_buf *out, const struct uc_piece *first, bool one);
struct uc_piece *uc_piece_new(struct uc_arena *arena, enum uc_piece_kind kind,
			      bool quoted, const char *text, size_t len);
void uc_word_add(struct uc_word *word, struct uc_piece *piece);

/* An option of srun or sbatch. (options.c) */
struct uc_ask {
	const char *name; /* without dashes */
	struct uc_piece *value;
	struct uc_word *whole; /* not understood: handed on as it is */
	struct uc_spot at;
	struct uc_ask *next;
};
struct uc_asks {
	struct uc_ask *first, *last;
	size_t count;
};

/* What is known of the script. */
struct uc_adoption {
	struct uc_arena *arena;
	const char *path;
	struct uc_adopted *out;
	struct uc_variable *variables;
	size_t variable_count;
	struct uc_asks sbatch; /* of #SBATCH lines */
	bool is_batch;
	size_t jobs;
	bool full;               /* there are more than are read */
	struct uc_errors others; /* commands that are none of srun and sbatch */
	int depth;               /* of if, for, ... */
	int cases;               /* of case: words before ")" are patterns */
};
void uc_adopt_note(struct uc_errors *notes, const struct uc_adoption *a,
		   struct uc_spot at, const char *fmt, ...) UC_PRINTF(4, 5);
/* Take options from the front of words; returns the command's first word. */
const struct uc_word *uc_asks_read(struct uc_adoption *a, unsigned scope,
				   const struct uc_word *words, struct uc_asks *out);
/* #SBATCH lines at the beginning of the script. */
void uc_asks_sbatch(struct uc_adoption *a, const char *bytes, size_t len);

/* One job: its profile and its line. (write.c) */
struct uc_adopt_job {
	struct uc_asks asks;
	const struct uc_word *command;
	const struct uc_word *redirects;
	bool batch;
};
void uc_adopt_write(struct uc_adoption *a, const struct uc_adopt_job *job);

#endif
