/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* template.yaml: what a template is for, and which values it has. */
#include "template/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "config/yaml.h"

struct reader {
	struct uc_template *t;
	const char *path;
	struct uc_errors *faults;
	size_t before; /* faults that were there */
};

static void fault(struct reader *r, struct uc_place at, struct uc_error *err)
{
	uc_at(err, r->path, at.line, at.column);
	uc_errors_add(r->faults, err);
}

static void unknown(struct reader *r, const struct uc_node *node,
		    const char *const *names)
{
	const char *near = uc_text_nearest(node->key, names);
	struct uc_error err = { 0 };

	uc_fail(&err, UC_USAGE, "unknown key '%.*s'", UC_SHOWN(node->key));
	if (near)
		uc_hint(&err, "did you mean '%s'?", near);
	fault(r, node->key_at, &err);
}

/* A text, or NULL when it is another thing. */
static const char *text_of(struct reader *r, const struct uc_node *node, size_t most)
{
	struct uc_error err = { 0 };

	if (node->kind != UC_NODE_TEXT)
		uc_fail(&err, UC_USAGE, "expected a text");
	else if (strlen(node->text) > most)
		uc_fail(&err, UC_USAGE, "expected at most %zu bytes", most);
	else if (strchr(node->text, '\n'))
		uc_fail(&err, UC_USAGE, "expected one line");
	else
		return uc_arena_strdup(r->t->arena, node->text);
	fault(r, node->at, &err);
	return NULL;
}

static void read_bool(struct reader *r, const struct uc_node *node, bool *out)
{
	const char *text = text_of(r, node, 8);
	struct uc_error err = { 0 };

	if (!text)
		return;
	*out = strcmp(text, "true") == 0;
	if (*out || strcmp(text, "false") == 0)
		return;
	uc_fail(&err, UC_USAGE, "'%s': expected true or false", text);
	fault(r, node->at, &err);
}

static void read_number(struct reader *r, const struct uc_node *node, int64_t *out)
{
	const char *text = text_of(r, node, 20);
	struct uc_error err = { 0 };
	char *end;

	if (!text)
		return;
	errno = 0;
	*out = strtoll(text, &end, 10);
	if (text[0] && !*end && !errno)
		return;
	uc_fail(&err, UC_USAGE, "'%s': expected a number", text);
	fault(r, node->at, &err);
}

static void read_type(struct reader *r, const struct uc_node *node,
		      enum uc_template_type *out)
{
	const char *text = text_of(r, node, 16);
	struct uc_error err = { 0 };

	for (int i = UC_TEMPLATE_TEXT; text && i <= UC_TEMPLATE_CHOICE; i++) {
		if (strcmp(text, uc_template_type_name((enum uc_template_type)i)) != 0)
			continue;
		*out = (enum uc_template_type)i;
		return;
	}
	if (!text)
		return;
	uc_fail(&err, UC_USAGE,
		"'%s': expected text, word, number, size, time, path, bool or choice",
		text);
	fault(r, node->at, &err);
}

static void read_choices(struct reader *r, const struct uc_node *node,
			 struct uc_template_key *key)
{
	struct uc_error err = { 0 };
	const char **list;
	size_t count = 0;

	if (node->kind != UC_NODE_LIST || !node->first) {
		uc_fail(&err, UC_USAGE, "expected a list");
		fault(r, node->at, &err);
		return;
	}
	for (const struct uc_node *n = node->first; n; n = n->next)
		count++;
	list = uc_arena_array(r->t->arena, count + 1, sizeof(*list));
	if (!list)
		return;
	count = 0;
	for (const struct uc_node *n = node->first; n; n = n->next) {
		const char *text = text_of(r, n, UC_TEMPLATE_VALUE_MAX);

		if (text)
			list[count++] = text;
	}
	key->choices = list;
}

static void read_config(struct reader *r, const struct uc_node *node,
			struct uc_template_key *key)
{
	struct uc_error err = { 0 };

	key->config = text_of(r, node, 64);
	if (!key->config || uc_key_find(key->config))
		return;
	uc_fail(&err, UC_USAGE, "the configuration has no key '%s'", key->config);
	fault(r, node->at, &err);
}

static void read_field(struct reader *r, const struct uc_node *node,
		       struct uc_template_key *key)
{
	static const char *const names[] = { "help",   "type",    "default",
					     "config", "choices", "required",
					     "min",    "max",     NULL };

	if (strcmp(node->key, "help") == 0)
		key->help = text_of(r, node, 200);
	else if (strcmp(node->key, "type") == 0)
		read_type(r, node, &key->type);
	else if (strcmp(node->key, "default") == 0)
		key->value = text_of(r, node, UC_TEMPLATE_VALUE_MAX);
	else if (strcmp(node->key, "config") == 0)
		read_config(r, node, key);
	else if (strcmp(node->key, "choices") == 0)
		read_choices(r, node, key);
	else if (strcmp(node->key, "required") == 0)
		read_bool(r, node, &key->required);
	else if (strcmp(node->key, "min") == 0)
		read_number(r, node, &key->min);
	else if (strcmp(node->key, "max") == 0)
		read_number(r, node, &key->max);
	else
		unknown(r, node, names);
}

static void read_key(struct reader *r, const struct uc_node *node)
{
	struct uc_template_key *key = &r->t->keys[r->t->key_count];
	struct uc_error err = { 0 };
	const size_t before = r->faults->count + r->faults->dropped;

	if (!uc_template_is_name(node->key, strlen(node->key)) ||
	    strchr(node->key, '-')) {
		uc_fail(&err, UC_USAGE, "'%.*s': expected letters, digits and '_'",
			UC_SHOWN(node->key));
		fault(r, node->key_at, &err);
		return;
	}
	*key = (struct uc_template_key){
		.name = uc_arena_strdup(r->t->arena, node->key),
		.help = "",
		.value = "",
	};
	if (node->kind != UC_NODE_MAP) {
		uc_fail(&err, UC_USAGE, "key '%s': expected help, type, default, ...",
			node->key);
		fault(r, node->at, &err);
		return;
	}
	for (const struct uc_node *n = node->first; n; n = n->next)
		read_field(r, n, key);
	if (r->faults->count + r->faults->dropped > before ||
	    uc_arena_failed(r->t->arena))
		return;
	if (key->type == UC_TEMPLATE_CHOICE && !key->choices)
		uc_fail(&err, UC_USAGE, "key '%s' has no choices", key->name);
	else if (!key->help[0])
		uc_fail(&err, UC_USAGE, "key '%s' has no help", key->name);
	else if (uc_template_check(key, key->value, &err) < 0)
		uc_context(&err, "default of '%s'", key->name);
	if (err.code)
		fault(r, node->key_at, &err);
	r->t->key_count++;
}

static void read_keys(struct reader *r, const struct uc_node *node)
{
	struct uc_error err = { 0 };
	size_t count = 0;

	for (const struct uc_node *n = node->first; n; n = n->next)
		count++;
	if (node->kind != UC_NODE_MAP || count > UC_TEMPLATE_KEYS_MAX) {
		uc_fail(&err, UC_USAGE, "expected at most %d keys with their properties",
			UC_TEMPLATE_KEYS_MAX);
		fault(r, node->at, &err);
		return;
	}
	r->t->keys = uc_arena_array(r->t->arena, count + 1, sizeof(*r->t->keys));
	for (const struct uc_node *n = node->first; n && r->t->keys; n = n->next)
		read_key(r, n);
}

static void read_root(struct reader *r, const struct uc_node *root)
{
	static const char *const names[] = { "summary", "keys", NULL };
	struct uc_error err = { 0 };

	for (const struct uc_node *n = root->first; n; n = n->next) {
		if (strcmp(n->key, "summary") == 0)
			r->t->summary = text_of(r, n, 100);
		else if (strcmp(n->key, "keys") == 0)
			read_keys(r, n);
		else
			unknown(r, n, names);
	}
	if (r->t->summary && r->t->summary[0])
		return;
	uc_fail(&err, UC_USAGE, "no summary: one line about the template");
	fault(r, (struct uc_place){ 1, 1 }, &err);
}

int uc_manifest_read(struct uc_template *t, const char *path, const char *bytes,
		     size_t len, struct uc_errors *faults)
{
	struct reader r = { t, path, faults, faults->count + faults->dropped };
	const struct uc_yaml_file file = { path, bytes, len };
	struct uc_node *root = NULL;
	struct uc_error err = { 0 };

	if (uc_yaml_read(t->arena, &file, &root, faults) == 0 && root)
		read_root(&r, root);
	if (uc_arena_failed(t->arena)) {
		uc_fail(&err, UC_FAILED, "out of memory");
		uc_errors_add(faults, &err);
	}
	return faults->count + faults->dropped > r.before || !root ? -1 : 0;
}
