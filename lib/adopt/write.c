/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A job that was read, as a profile of .ucluster.yaml and a line of a shell. */
#include "adopt/adopt.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <ucluster/template.h>

#include "config/schema.h"

/* Options that are settings, under their names there. */
static const struct {
	const char *option, *key;
} settings[] = {
	{ "container-image", "image" },
	{ "container-workdir", "workdir" },
	{ "partition", "partition" },
	{ "account", "account" },
	{ "qos", "qos" },
	{ "gpus", "gpus" },
	{ "cpus-per-task", "cpus_per_task" },
	{ "mem", "mem" },
	{ "time", "time" },
};

struct writer {
	struct uc_adoption *a;
	struct uc_buf yaml;    /* settings, indented */
	struct uc_buf options; /* each with a blank in front */
	const char *wrap;      /* sbatch --wrap, or NULL */
};

/* "~/x" for "$HOME/x", "./x" for "$PWD/x": as settings have them. NULL: not known. */
static const char *setting_text(struct writer *w, const struct uc_piece *value)
{
	const char *front = "", *text;

	if (value && value->kind == UC_PIECE_TEXT && !value->text[0])
		value = value->next;
	if (value && uc_piece_is_here(value))
		front = ".";
	else if (value && value->kind == UC_PIECE_VARIABLE && value->name &&
		 strcmp(value->name, "HOME") == 0)
		front = "~";
	if (!front[0])
		return uc_word_text(w->a->arena, value);
	text = uc_word_text(w->a->arena, value->next);
	return text && text[0] == '/' ? uc_arena_printf(w->a->arena, "%s%s", front, text)
				      : NULL;
}

/* "0123" is no number: it is a name, of an account for example. */
static bool is_number(const char *text)
{
	return !text[strspn(text, "0123456789")] && (text[0] != '0' || !text[1]);
}

static bool put_setting(struct writer *w, const char *name, const char *text)
{
	const struct uc_key *key = uc_key_find(name);
	struct uc_setting parsed = { 0 };

	if (!text || !text[0] || !key || uc_value_parse(key, text, &parsed, NULL) < 0)
		return false;
	uc_buf_addf(&w->yaml, "    %s: ", name);
	uc_template_quote(&w->yaml, UC_CONTEXT_YAML,
			  is_number(text) ? UC_TEMPLATE_NUMBER : UC_TEMPLATE_TEXT, text);
	uc_buf_addc(&w->yaml, '\n');
	return true;
}

static void put_option(struct writer *w, const char *name, const struct uc_piece *value)
{
	uc_buf_addf(&w->options, " --%s", name);
	if (!value)
		return;
	uc_buf_addc(&w->options, '=');
	uc_word_write(&w->options, value, true);
}

/* Is it the working directory, mounted where it is? usrun does that by itself. */
static bool is_default_mount(const char *item)
{
	return strcmp(item, "$PWD") == 0 || strcmp(item, "$PWD:$PWD") == 0;
}

/* Names of values that nobody may see; see usrun(1), SECURITY. */
static bool is_secret(const char *name)
{
	static const char *const ends[] = { "TOKEN",      "SECRET",  "PASSWORD",
					    "PASSWD",     "API_KEY", "ACCESS_KEY",
					    "CREDENTIALS" };
	const size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (len >= strlen(ends[i]) &&
		    strcasecmp(name + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

/* Mounts but for the default one; text between double quotes. */
static void put_mounts(struct writer *w, const struct uc_piece *value)
{
	uc_auto(buf) struct uc_buf all = { 0 }, kept = { 0 };
	const char *p;
	size_t len;

	uc_word_write(&all, value, true);
	w->options.failed = w->options.failed || all.failed;
	p = uc_buf_text(&all);
	if (p[0] != '"') {
		if (strcmp(p, "''") != 0)
			put_option(w, "mounts", value);
		return;
	}
	for (p++; p[0] && strcmp(p, "\"") != 0; p += len + (p[len] == ',')) {
		uc_auto(buf) struct uc_buf item = { 0 };

		len = strcspn(p, ",");
		uc_buf_addn(&item, p, len - (p[len] == '\0'));
		if (!is_default_mount(uc_buf_text(&item)))
			uc_buf_addf(&kept, "%s%s", kept.len ? "," : "",
				    uc_buf_text(&item));
		kept.failed = kept.failed || item.failed;
	}
	w->options.failed = w->options.failed || kept.failed;
	if (kept.len)
		uc_buf_addf(&w->options, " --mounts=\"%s\"", uc_buf_text(&kept));
}

static bool is_here(const struct uc_piece *value)
{
	while (value && value->kind == UC_PIECE_TEXT && !value->text[0])
		value = value->next;
	if (!value || !uc_piece_is_here(value))
		return false;
	for (value = value->next; value; value = value->next)
		if (value->kind != UC_PIECE_TEXT || value->text[0])
			return false;
	return true;
}

static void put_ask(struct writer *w, const struct uc_ask *ask)
{
	const char *key = NULL;

	if (ask->whole) {
		uc_buf_addc(&w->options, ' ');
		uc_word_write(&w->options, ask->whole->first, false);
		return;
	}
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (strcmp(settings[i].option, ask->name) == 0)
			key = settings[i].key;
	if (strcmp(ask->name, "container-workdir") == 0 && is_here(ask->value))
		return; /* jobs start there anyway */
	if (strcmp(ask->name, "wrap") == 0) {
		w->wrap = uc_word_text(w->a->arena, ask->value);
		if (!w->wrap)
			uc_adopt_note(&w->a->out->notes, w->a, ask->at,
				      "what --wrap runs is not known");
		return;
	}
	if (strcmp(ask->name, "container-mounts") == 0) {
		put_mounts(w, ask->value);
		return;
	}
	if (key && ask->value && put_setting(w, key, setting_text(w, ask->value)))
		return;
	if (strcmp(ask->name, "container-image") == 0)
		put_option(w, "image", ask->value);
	else if (strcmp(ask->name, "container-workdir") == 0)
		put_option(w, "workdir", ask->value);
	else if (strcmp(ask->name, "container-save") == 0)
		put_option(w, "save", ask->value);
	else
		put_option(w, ask->name, ask->value);
}

/* Is it said again by a later option, which counts? */
static bool is_overridden(const struct uc_ask *ask)
{
	for (const struct uc_ask *later = ask->next; later && ask->name;
	     later = later->next)
		if (later->name && strcmp(later->name, ask->name) == 0)
			return true;
	return false;
}

/* Variables that the script hands on: settings where a project may set them. */
static void put_environment(struct writer *w)
{
	const struct uc_key *key = uc_key_find("env");
	bool any = false;

	for (const struct uc_variable *v = w->a->variables; v; v = v->next) {
		const char *text = v->known ? uc_word_text(w->a->arena, v->value) : NULL;

		if (!v->exported)
			continue;
		if (is_secret(v->name)) {
			uc_buf_addf(&w->options, " --secret=%s", v->name);
			uc_adopt_note(&w->a->out->notes, w->a, (struct uc_spot){ 1, 1 },
				      "'%s' is a secret: set it in the shell, or name a "
				      "file, --secret=%s=FILE",
				      v->name, v->name);
			continue;
		}
		if (!text || uc_project_env_reason(v->name) ||
		    uc_entry_check(key, v->name, text, NULL) < 0) {
			uc_buf_addf(&w->options, " --env=%s", v->name);
			if (v->known) {
				uc_buf_addc(&w->options, '=');
				uc_word_write(&w->options, v->value, true);
			}
			continue;
		}
		uc_buf_add(&w->yaml, any ? "" : "    env:\n");
		any = true;
		uc_buf_addf(&w->yaml, "      %s: ", v->name);
		uc_template_quote(&w->yaml, UC_CONTEXT_YAML, UC_TEMPLATE_TEXT, text);
		uc_buf_addc(&w->yaml, '\n');
	}
}

/* A name for the profile: the job's, else the script's without its ending. */
static const char *profile_name(struct writer *w, const struct uc_adopt_job *job)
{
	const char *name = NULL, *slash = strrchr(w->a->path, '/');
	uc_auto(buf) struct uc_buf out = { 0 };

	for (const struct uc_ask *ask = job->asks.first; ask; ask = ask->next)
		if (ask->name && strcmp(ask->name, "job-name") == 0 && ask->value)
			name = uc_word_text(w->a->arena, ask->value);
	if (!name || !isalpha((unsigned char)name[0]))
		name = slash ? slash + 1 : w->a->path;
	for (; *name && out.len < 32; name++) {
		if (*name == '.' && out.len > 0)
			break;
		uc_buf_addc(&out, isalnum((unsigned char)*name) ? *name : '-');
	}
	if (out.failed)
		uc_arena_fail(w->a->arena);
	if (!out.len || !isalpha((unsigned char)out.data[0])) {
		uc_buf_reset(&out);
		uc_buf_add(&out, "job");
	}
	if (w->a->jobs > 1)
		uc_buf_addf(&out, "-%zu", w->a->jobs);
	if (out.failed)
		uc_arena_fail(w->a->arena);
	return uc_arena_strdup(w->a->arena, uc_buf_text(&out));
}

/* Has it variables that only the job knows? */
static bool is_for_job(const struct uc_word *words)
{
	for (; words; words = words->next)
		for (const struct uc_piece *p = words->first; p; p = p->next)
			if (p->kind == UC_PIECE_VARIABLE &&
			    (strncmp(p->text, "$SLURM_", 7) == 0 ||
			     strncmp(p->text, "${SLURM_", 8) == 0))
				return true;
	return false;
}

static void put_command(struct writer *w, const struct uc_adopt_job *job,
			struct uc_buf *line)
{
	uc_auto(buf) struct uc_buf command = { 0 };
	bool arguments = false;

	if (w->wrap) {
		uc_buf_add(line, " sh -c ");
		uc_buf_quote(line, w->wrap, UC_QUOTE_VISIBLE);
		return;
	}
	for (const struct uc_word *word = job->command; word; word = word->next) {
		uc_buf_addc(&command, ' ');
		uc_word_write(&command, word->first, false);
		for (const struct uc_piece *p = word->first; p; p = p->next)
			arguments = arguments || p->kind == UC_PIECE_ARGUMENTS;
	}
	line->failed = line->failed || command.failed;
	if (!is_for_job(job->command)) {
		uc_buf_addn(line, uc_buf_text(&command), command.len);
		return;
	}
	/* put in by the job's own shell, not by the one that types the line */
	uc_buf_add(line, " sh -c ");
	uc_buf_reset(&command);
	uc_buf_add(&command, "exec");
	for (const struct uc_word *word = job->command; word; word = word->next) {
		uc_buf_addc(&command, ' ');
		uc_word_write(&command, word->first, false);
	}
	line->failed = line->failed || command.failed;
	uc_buf_quote(line, uc_buf_text(&command), UC_QUOTE_VISIBLE);
	if (arguments)
		uc_buf_add(line, " sh \"$@\"");
}

/* What is neither set here nor the environment's: who types the line has to know it. */
static void note_unknown(struct writer *w, const struct uc_word *words)
{
	for (; words; words = words->next) {
		for (const struct uc_piece *p = words->first; p; p = p->next) {
			if (p->kind == UC_PIECE_SUBSTITUTE && !uc_piece_is_here(p))
				uc_adopt_note(&w->a->out->notes, w->a, words->at,
					      "'%.60s' is run where the line is typed",
					      p->text);
			else if (p->kind == UC_PIECE_VARIABLE &&
				 (!p->name || !isupper((unsigned char)p->name[0]) ||
				  uc_variable_find(w->a->variables, p->name)))
				uc_adopt_note(&w->a->out->notes, w->a, words->at,
					      "what '%.60s' holds is not known here",
					      p->text);
		}
	}
}

static void note_asks(struct writer *w, const struct uc_adopt_job *job)
{
	for (const struct uc_ask *ask = job->asks.first; ask; ask = ask->next) {
		const struct uc_word word = { .first = ask->value, .at = ask->at };

		if (ask->value)
			note_unknown(w, &word);
	}
}

void uc_adopt_write(struct uc_adoption *a, const struct uc_adopt_job *job)
{
	struct writer w = { .a = a };
	uc_auto(buf) struct uc_buf line = { 0 };
	const char *name = profile_name(&w, job);

	for (const struct uc_ask *ask = job->asks.first; ask; ask = ask->next)
		if (!is_overridden(ask))
			put_ask(&w, ask);
	put_environment(&w);
	note_asks(&w, job);
	if (!is_for_job(job->command))
		note_unknown(&w, job->command);
	uc_buf_addf(&line, "usrun%s", job->batch ? " --batch" : "");
	if (w.yaml.len && name)
		uc_buf_addf(&line, " --preset %s", name);
	uc_buf_addn(&line, uc_buf_text(&w.options), w.options.len);
	put_command(&w, job, &line);
	for (const struct uc_word *word = job->redirects; word; word = word->next) {
		uc_buf_addf(&line, " %s", word->first ? word->first->text : "");
		if (word->first && word->first->next)
			uc_word_write(&line, word->first->next, true);
	}
	if (w.yaml.len && name)
		uc_buf_addf(&a->out->yaml, "%s  %s:\n%s",
			    a->out->yaml.len ? "" : "profiles:\n", name,
			    uc_buf_text(&w.yaml));
	if (line.failed || w.yaml.failed || w.options.failed)
		a->out->lines.failed = true;
	uc_strv_add(&a->out->lines, uc_buf_text(&line));
	uc_buf_free(&w.yaml);
	uc_buf_free(&w.options);
}
