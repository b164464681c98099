/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What sbatch reads besides its command line: #SBATCH lines, and its input variables. */
#include "job/spec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The words of all #SBATCH lines, and the line that each is on. */
struct lines {
	struct uc_strv words;
	int *line;
	size_t cap;
	const char *path;
};

static int add_word(struct lines *l, const struct uc_buf *word, int line,
		    struct uc_error *err)
{
	if (l->words.count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 32;
		int *grown = reallocarray(l->line, cap, sizeof(*grown));

		if (!grown)
			return uc_fail(err, UC_FAILED, "out of memory");
		l->line = grown;
		l->cap = cap;
	}
	l->line[l->words.count] = line;
	uc_strv_add(&l->words, uc_buf_text(word));
	return l->words.failed || word->failed ? uc_fail(err, UC_FAILED, "out of memory")
					       : 0;
}

/*
 * One word, as sbatch cuts it: blanks end it, quotes group, a backslash takes the next
 * character (in quotes, too), "#" outside of quotes begins a comment, also inside a word.
 * Returns what is left of the line; *any tells whether there was a word, even half a one.
 */
static const char *next_word(const char *at, const char *end, struct uc_buf *word,
			     bool *any, char *open)
{
	char quote = '\0';

	*any = false;
	while (at < end && isspace((unsigned char)*at))
		at++;
	for (; at < end && (quote || !isspace((unsigned char)*at)); at++) {
		if (*at == '\\' && at + 1 < end) {
			at++;
		} else if (quote) {
			if (*at == quote) {
				quote = '\0';
				continue;
			}
		} else if (*at == '"' || *at == '\'') {
			quote = *at;
			continue;
		} else if (*at == '#') {
			at = end;
			break;
		}
		uc_buf_addc(word, *at);
		*any = true;
	}
	*open = quote;
	return at;
}

static int read_line(struct lines *l, const char *at, const char *end, int number,
		     struct uc_error *err)
{
	uc_auto(buf) struct uc_buf word = { 0 };
	bool any;
	char open;

	for (;;) {
		uc_buf_reset(&word);
		at = next_word(at, end, &word, &any, &open);
		if (open) {
			uc_fail(err, UC_USAGE, "a quote %c is not closed", open);
			return uc_at(err, l->path, number, 0);
		}
		if (!any)
			return 0;
		if (word.len && (strcasecmp(uc_buf_text(&word), "hetjob") == 0 ||
				 strcasecmp(uc_buf_text(&word), "packjob") == 0)) {
			uc_fail(err, UC_USAGE,
				"jobs of several components are not submitted by usrun");
			uc_hint(err, "sbatch takes them");
			return uc_at(err, l->path, number, 0);
		}
		if (add_word(l, &word, number, err) < 0)
			return -1;
	}
}

static bool begins(const char *line, size_t len, const char *word)
{
	return len >= strlen(word) && memcmp(line, word, strlen(word)) == 0;
}

static int read_lines(struct lines *l, const char *text, size_t size,
		      struct uc_error *err)
{
	const char *end = text + size;

	for (int number = 1; text < end; number++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((stop ? stop : end) - text);
		size_t magic = begins(text, len, "#SBATCH")  ? strlen("#SBATCH")
			       : begins(text, len, "#SLURM") ? strlen("#SLURM")
							     : 0;

		if (magic && read_line(l, text + magic, text + len, number, err) < 0)
			return -1;
		if (!magic && uc_is_command_line(text, len))
			return 0;
		text += len + 1;
	}
	return 0;
}

/*
 * The first line of another batch system; 0: there is none. sbatch translates these, also
 * below commands, until it has seen 100 lines that begin with another character.
 */
static int foreign_line(const char *text, size_t size, const char **word)
{
	static const char *const words[] = { "#BSUB", "#PBS" };
	const char *end = text + size;

	for (int number = 1, others = 0; text < end && others <= 100; number++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((stop ? stop : end) - text);

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (!begins(text, len, words[i]))
				continue;
			*word = words[i];
			return number;
		}
		others += len == 0 || text[0] != '#';
		text += len + 1;
	}
	return 0;
}

static int refuse_foreign(const struct uc_spec *spec, const char *path, const char *text,
			  size_t len, struct uc_error *err)
{
	const char *word;
	int number = foreign_line(text, len, &word);

	if (!number || uc_spec_get(spec, "ignore-pbs"))
		return 0;
	uc_fail(err, UC_USAGE, "%s lines are of another batch system", word);
	uc_hint(err, "--ignore-pbs passes over them; sbatch translates some");
	return uc_at(err, path, number, 0);
}

/* Take over what is not set, or excluded, by something stronger. */
static int merge(struct uc_spec *spec, const struct uc_spec *from, const bool *taken,
		 const struct lines *l, struct uc_error *err)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct uc_setting_of *s = &from->settings[i];
		uc_auto(buf) struct uc_buf place = { 0 };
		struct uc_setting_of *added;

		if (!taken[i])
			continue;
		added = uc_spec_append(spec, s->option, s->value);
		if (!added)
			return uc_fail(err, UC_FAILED, "out of memory");
		if (s->name && !(added->name = strdup(s->name)))
			return uc_fail(err, UC_FAILED, "out of memory");
		uc_buf_addf(&place, "%s:%d", l->path, l->line[s->at]);
		if (place.failed ||
		    uc_spec_mark(spec, UC_LAYER_SCRIPT, uc_buf_text(&place), err))
			return uc_fail(err, UC_FAILED, "out of memory");
	}
	return 0;
}

static int merge_new(struct uc_spec *spec, const struct uc_spec *from,
		     const struct lines *l, struct uc_error *err)
{
	bool *taken = calloc(from->count + 1, sizeof(*taken));
	int rc;

	if (!taken)
		return uc_fail(err, UC_FAILED, "out of memory");
	/* all are looked at before the first is added: of two lines the last one counts
	 */
	for (size_t i = 0; i < from->count; i++)
		taken[i] =
			!from->settings[i].option ||
			!uc_spec_excludes(spec, uc_option_name(from->settings[i].option));
	rc = merge(spec, from, taken, l, err);
	free(taken);
	return rc;
}

static void move_text(char **to, char **from)
{
	if (!*to) {
		*to = *from;
		*from = NULL;
	}
}

/* Of the script's container what the command line's leaves open. */
static int merge_container(struct uc_container *box, struct uc_container *from,
			   const struct uc_where *where, struct uc_error *err)
{
	enum uc_switch *const pairs[][2] = {
		{ &box->mount_home, &from->mount_home },
		{ &box->remap_root, &from->remap_root },
		{ &box->entrypoint, &from->entrypoint },
		{ &box->writable, &from->writable },
		{ &box->entrypoint_log, &from->entrypoint_log },
	};

	for (size_t i = 0; i < from->mount_count; i++) {
		const struct uc_mount *m = &from->mounts[i];
		uc_auto(buf) struct uc_buf text = { 0 };

		uc_buf_addf(&text, "%s:%s%s%s", m->source, m->target, m->flags ? ":" : "",
			    m->flags ? m->flags : "");
		if (text.failed || uc_container_add_mount(box, uc_buf_text(&text),
							  UC_MOUNT_KEEP, where, err) < 0)
			return -1;
	}
	box->save_over = box->save ? box->save_over : from->save_over;
	box->image_is_path = box->image ? box->image_is_path : from->image_is_path;
	move_text(&box->image, &from->image);
	move_text(&box->workdir, &from->workdir);
	move_text(&box->name, &from->name);
	move_text(&box->save, &from->save);
	move_text(&box->env, &from->env);
	move_text(&box->unshare, &from->unshare);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (*pairs[i][0] == UC_SITE)
			*pairs[i][0] = *pairs[i][1];
	return 0;
}

int uc_spec_sbatch_lines(struct uc_spec *spec, const char *path, const char *text,
			 size_t len, const struct uc_where *where, struct uc_error *err)
{
	const struct uc_parse_rules rules = { .where = *where, .batch = true };
	static const char *const none[] = { NULL };
	uc_auto(spec) struct uc_spec *from = NULL;
	struct lines l = { .path = path };
	size_t used = 0;
	int rc = -1;

	if (read_lines(&l, text, len, err) < 0 || uc_spec_new(&from, err) < 0)
		goto out;
	if (uc_spec_parse(from,
			  l.words.count > 0 ? (const char *const *)l.words.item : none,
			  &rules, &used, err) < 0) {
		uc_at(err, path, used < l.words.count ? l.line[used] : 0, 0);
		goto out;
	}
	if (merge_new(spec, from, &l, err) == 0 &&
	    refuse_foreign(spec, path, text, len, err) == 0 &&
	    merge_container(&spec->box, &from->box, where, err) == 0)
		rc = uc_spec_mark(spec, UC_LAYER_SCRIPT, path, err);
out:
	uc_strv_free(&l.words);
	free(l.line);
	return rc;
}

/* sbatch's reading of a flag's variable: empty, "yes" or a number that is not 0. */
static bool is_on(const char *value)
{
	char *end;

	return value[0] == '\0' || strcasecmp(value, "yes") == 0 ||
	       (strtol(value, &end, 10) != 0 && *end == '\0');
}

static int take_variable(struct uc_spec *spec, const struct uc_slurm_option *option,
			 const char *variable, const char *value, struct uc_error *err)
{
	if (option->arity == UC_ARITY_NONE) {
		if (!is_on(value))
			return 0;
		value = NULL;
	} else if (option->arity == UC_ARITY_REQUIRED && value[0] == '\0') {
		return 0;
	}
	if (uc_spec_set(spec, option->name, value, err) < 0)
		return uc_context(err, "%s", variable);
	return 0;
}

/* SBATCH_REQ_SWITCH and SBATCH_WAIT4SWITCH make one option, N@TIME. */
static int take_switches(struct uc_spec *spec, const char *const *environment,
			 struct uc_error *err)
{
	const char *count = uc_env_value(environment, "SBATCH_REQ_SWITCH");
	const char *wait = uc_env_value(environment, "SBATCH_WAIT4SWITCH");
	uc_auto(buf) struct uc_buf value = { 0 };

	if (!count || count[0] == '\0')
		return 0;
	uc_buf_addf(&value, "%s%s%s", count, wait ? "@" : "", wait ? wait : "");
	return uc_spec_set(spec, "switches", uc_buf_text(&value), err);
}

int uc_spec_sbatch_environment(struct uc_spec *spec, const char *const *environment,
			       struct uc_error *err)
{
	const char *layer = uc_layer_name(UC_LAYER_ENVIRONMENT);
	size_t count, given = spec->count;
	const struct uc_slurm_option *option = uc_slurm_options(&count);

	for (; count > 0; count--, option++) {
		size_t all = spec->count;
		bool open;

		/* of several variables that exclude each other all are handed on */
		spec->count = given;
		open = !uc_spec_excludes(spec, uc_option_name(option));
		spec->count = all;
		for (const char *const *v = option->sbatch_env; open && *v; v++) {
			const char *value = uc_env_value(environment, *v);
			int rc;

			if (!value)
				continue;
			rc = strcmp(option->name, "switches") == 0
				     ? take_switches(spec, environment, err)
				     : take_variable(spec, option, *v, value, err);
			if (rc < 0 || uc_spec_mark(spec, layer, *v, err) < 0)
				return -1;
		}
	}
	return 0;
}
