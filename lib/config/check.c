/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A file's tree against the schema: every fault is reported, every good value kept. */
#include "config/layers.h"

#include <string.h>

/* Where the walk is: in which file, in which profile, below which "slurm.". */
struct walk {
	struct uc_load *load;
	struct uc_file *file;
	struct uc_profile *profile; /* or NULL */
	const char *prefix;         /* "" or "slurm." */
};

static void fault(const struct walk *w, struct uc_place at, struct uc_error *err)
{
	uc_load_fault(w->load, w->file, at, err);
}

static const char *node_word(const struct uc_node *node)
{
	static const char *const words[] = { "a text", "a list", "a map" };

	return words[node->kind];
}

/* "key:" with nothing behind it. */
static bool is_void(const struct uc_node *node)
{
	return node->kind == UC_NODE_TEXT && node->text[0] == '\0' && !node->quoted;
}

static void void_fault(const struct walk *w, const struct uc_node *node,
		       enum uc_node_kind wanted)
{
	static const char *const none[] = { "\"\"", "[]", "{}" };
	struct uc_error err = { 0 };

	uc_fail(&err, UC_USAGE, "'%.*s' has no value", UC_SHOWN(node->key));
	uc_hint(&err, "give one, or write %s for none", none[wanted]);
	fault(w, node->key_at, &err);
}

/* May this key stand here? Reports when not. */
static bool may_set(const struct walk *w, const struct uc_key *key, struct uc_place at)
{
	struct uc_error err = { 0 };

	if (w->file->layer == UC_LAYER_PROJECT && !key->project) {
		uc_fail(&err, UC_USAGE, "'%s' may not be set by a project file",
			key->name);
		uc_hint(&err, "set it in the user file, ~/.config/ucluster/config.yaml");
	} else if (w->profile && !key->profile) {
		uc_fail(&err, UC_USAGE, "'%s' may not be set in a profile", key->name);
		uc_hint(&err, "set it at the top of the file");
	} else {
		return true;
	}
	fault(w, at, &err);
	return false;
}

static void set_mark(const struct walk *w, struct uc_mark *mark, struct uc_place at)
{
	struct uc_error err = { 0 };

	uc_at(&err, w->file->path, at.line, at.column);
	*mark = err.at;
	w->load->failed |= w->file->path[0] && !mark->path[0];
}

static struct uc_assign *new_assign(const struct walk *w, const struct uc_key *key,
				    struct uc_place at, size_t items)
{
	struct uc_arena *arena = w->load->arena;
	struct uc_assign *assign = uc_arena_alloc(arena, sizeof(*assign));
	const char **base = uc_arena_array(arena, items ? items : 1, sizeof(*base));

	if (!assign || !base)
		return NULL;
	for (size_t i = 0; i < (items ? items : 1); i++)
		base[i] = w->file->folder;
	assign->set.key = key;
	assign->set.base = base;
	assign->set.layer = w->file->layer;
	assign->set.profile = w->profile ? w->profile->name : NULL;
	set_mark(w, &assign->set.at, at);
	return assign;
}

static void keep(const struct walk *w, struct uc_assign *assign)
{
	struct uc_assigns *to = w->profile ? &w->profile->settings : &w->file->settings;

	*to->tail = assign;
	to->tail = &assign->next;
}

/* One item of a list or map on its way. */
struct item {
	const char *text;
	struct uc_place at;
};

static void keep_list(const struct walk *w, const struct uc_key *key, struct uc_place at,
		      const struct item *items, size_t count)
{
	struct uc_arena *arena = w->load->arena;
	struct uc_assign *assign = new_assign(w, key, at, count);
	const char **list = uc_arena_array(arena, count + 1, sizeof(*list));
	struct uc_origin *from = uc_arena_array(arena, count + 1, sizeof(*from));

	if (!assign || !list || !from)
		return;
	for (size_t i = 0; i < count; i++) {
		list[i] = items[i].text;
		from[i].layer = assign->set.layer;
		from[i].profile = assign->set.profile;
		set_mark(w, &from[i].at, items[i].at);
	}
	assign->set.list = list;
	assign->set.from = from;
	keep(w, assign);
}

static bool item_fits(const struct walk *w, const struct uc_key *key, const char *text,
		      struct uc_error *err)
{
	if (uc_item_check(key, text, err) < 0)
		return false;
	return w->file->layer != UC_LAYER_PROJECT || strcmp(key->name, "mounts") != 0 ||
	       uc_project_mount_check(w->file->folder, text, err) == 0;
}

static size_t child_count(const struct uc_node *node)
{
	size_t count = 0;

	for (const struct uc_node *n = node->first; n; n = n->next)
		count++;
	return count;
}

static void check_list(const struct walk *w, const struct uc_key *key,
		       const struct uc_node *node)
{
	struct item *items =
		uc_arena_array(w->load->arena, child_count(node) + 1, sizeof(*items));
	size_t count = 0;

	if (!items)
		return;
	for (const struct uc_node *n = node->first; n; n = n->next) {
		struct uc_error err = { 0 };

		if (n->skip)
			continue;
		if (n->kind != UC_NODE_TEXT || n->text[0] == '\0') {
			uc_fail(&err, UC_USAGE, "each of '%s' must be a text, not %s",
				key->name,
				n->kind == UC_NODE_TEXT ? "empty" : node_word(n));
			if (n->kind == UC_NODE_MAP)
				uc_hint(&err, "': ' makes a map: leave the blank away, "
					      "or put the text into quotes");
			fault(w, n->at, &err);
		} else if (!item_fits(w, key, n->text, &err)) {
			fault(w, n->at, &err);
		} else {
			items[count++] = (struct item){ n->text, n->at };
		}
	}
	keep_list(w, key, node->at, items, count);
}

/* "a,b" (mounts) or "a:b" (directories) in one text, as in a variable. */
static void check_joined(const struct walk *w, const struct uc_key *key, const char *text,
			 struct uc_place at)
{
	char separator = uc_list_separator(key);
	struct item *items;
	size_t count = 0, most = 1;

	for (const char *p = text; *p; p++)
		most += *p == separator;
	items = uc_arena_array(w->load->arena, most, sizeof(*items));
	for (const char *p = text; items && *p;) {
		size_t len = strcspn(p, (char[]){ separator, '\0' });
		const char *one = uc_arena_strndup(w->load->arena, p, len);
		struct uc_error err = { 0 };

		p += len + (p[len] == separator);
		if (!one || len == 0)
			continue;
		if (item_fits(w, key, one, &err))
			items[count++] = (struct item){ one, at };
		else
			fault(w, at, &err);
	}
	if (items)
		keep_list(w, key, at, items, count);
}

static bool entry_fits(const struct walk *w, const struct uc_key *key,
		       const struct uc_node *node)
{
	struct uc_place at = node->key_at;
	struct uc_error err = { 0 };
	const char *reason = NULL;

	if (node->skip)
		return false;
	if (is_void(node)) {
		void_fault(w, node, UC_NODE_TEXT);
		return false;
	}
	if (w->file->layer == UC_LAYER_PROJECT)
		reason = uc_project_env_reason(node->key);
	if (reason) {
		uc_fail(&err, UC_USAGE, "'%s.%.*s' may not be set by a project file: %s",
			key->name, UC_SHOWN(node->key), reason);
		uc_hint(&err, "set it in the user file, ~/.config/ucluster/config.yaml");
	} else if (node->kind != UC_NODE_TEXT) {
		at = node->at;
		uc_fail(&err, UC_USAGE, "'%s.%.*s' must be a text, not %s", key->name,
			UC_SHOWN(node->key), node_word(node));
	} else if (uc_entry_check(key, node->key, node->text, &err) == 0) {
		return true;
	}
	fault(w, at, &err);
	return false;
}

static void check_entries(const struct walk *w, const struct uc_key *key,
			  const struct uc_node *node)
{
	struct uc_arena *arena = w->load->arena;
	struct item *items = uc_arena_array(arena, child_count(node) + 1, sizeof(*items));
	size_t count = 0;

	if (!items)
		return;
	for (const struct uc_node *n = node->first; n; n = n->next) {
		if (!entry_fits(w, key, n))
			continue;
		items[count].at = n->key_at;
		items[count].text = uc_arena_printf(arena, "%s=%s", n->key, n->text);
		if (items[count].text)
			count++;
	}
	keep_list(w, key, node->at, items, count);
}

static void check_scalar(const struct walk *w, const struct uc_key *key, const char *text,
			 struct uc_place at)
{
	struct uc_assign *assign = new_assign(w, key, at, 0);
	struct uc_error err = { 0 };

	if (!assign)
		return;
	if (uc_value_parse(key, text, &assign->set, &err) < 0 ||
	    (w->file->layer == UC_LAYER_PROJECT && strcmp(key->name, "sync.host") == 0 &&
	     uc_project_host_check(text, &err) < 0))
		fault(w, at, &err);
	else
		keep(w, assign);
}

static void check_value(const struct walk *w, const struct uc_key *key,
			const struct uc_node *node)
{
	enum uc_node_kind kind = key->type == UC_TYPE_MAP    ? UC_NODE_MAP
				 : key->type == UC_TYPE_LIST ? UC_NODE_LIST
							     : UC_NODE_TEXT;
	struct uc_error err = { 0 };

	if (is_void(node)) {
		void_fault(w, node, kind);
	} else if (key->type == UC_TYPE_LIST && node->kind == UC_NODE_TEXT) {
		check_joined(w, key, node->text, node->at);
	} else if (node->kind != kind) {
		uc_type_fail(key, node_word(node), &err);
		fault(w, node->at, &err);
	} else if (kind == UC_NODE_LIST) {
		check_list(w, key, node);
	} else if (kind == UC_NODE_MAP) {
		check_entries(w, key, node);
	} else {
		check_scalar(w, key, node->text, node->at);
	}
}

static bool is_group(const char *name)
{
	size_t len = strlen(name);

	for (const struct uc_key *k = uc_config_keys(); k->name; k++)
		if (strncmp(k->name, name, len) == 0 && k->name[len] == '.')
			return true;
	return false;
}

static void check_map(const struct walk *w, const struct uc_node *map);

static void check_group(const struct walk *w, const struct uc_node *node,
			const char *name)
{
	struct walk inner = *w;
	struct uc_error err = { 0 };

	if (is_void(node)) {
		void_fault(w, node, UC_NODE_MAP);
		return;
	}
	if (node->kind != UC_NODE_MAP) {
		uc_fail(&err, UC_USAGE, "'%s' must be a map of settings, not %s", name,
			node_word(node));
		fault(w, node->at, &err);
		return;
	}
	inner.prefix = uc_arena_printf(w->load->arena, "%s.", name);
	if (inner.prefix)
		check_map(&inner, node);
}

static void check_inherit(const struct walk *w, const struct uc_node *node)
{
	struct uc_error err = { 0 };

	if (node->kind != UC_NODE_TEXT || node->text[0] == '\0') {
		uc_fail(&err, UC_USAGE,
			"'inherit' must be the name of one profile, not %s",
			node->kind == UC_NODE_TEXT ? "empty" : node_word(node));
		fault(w, is_void(node) ? node->key_at : node->at, &err);
		return;
	}
	w->profile->inherit = node->text;
	w->profile->inherit_at = node->at;
}

/* Profile names are typed on command lines. */
static bool is_profile_name(const char *name)
{
	return name[0] && name[0] != '-' && strlen(name) <= 64 &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789._-") == strlen(name);
}

static void check_profile(const struct walk *w, const struct uc_node *node)
{
	struct walk inner = *w;
	struct uc_error err = { 0 };

	if (!is_profile_name(node->key)) {
		uc_fail(&err, UC_USAGE,
			"a profile's name must be letters, digits, '.', '_' and '-', "
			"not '%.*s'",
			UC_SHOWN(node->key));
		fault(w, node->key_at, &err);
		return;
	}
	inner.profile = uc_arena_alloc(w->load->arena, sizeof(*inner.profile));
	if (!inner.profile)
		return;
	inner.profile->name = node->key;
	inner.profile->file = w->file;
	inner.profile->settings.tail = &inner.profile->settings.first;
	*w->file->profile_tail = inner.profile;
	w->file->profile_tail = &inner.profile->next;
	if (is_void(node)) {
		void_fault(w, node, UC_NODE_MAP);
	} else if (node->kind != UC_NODE_MAP) {
		uc_fail(&err, UC_USAGE, "profile '%s' must be a map of settings, not %s",
			node->key, node_word(node));
		fault(w, node->at, &err);
	} else {
		check_map(&inner, node);
	}
}

static void check_profiles(const struct walk *w, const struct uc_node *node)
{
	struct uc_error err = { 0 };

	if (is_void(node)) {
		void_fault(w, node, UC_NODE_MAP);
	} else if (node->kind != UC_NODE_MAP) {
		uc_fail(&err, UC_USAGE, "'profiles' must be a map of profiles, not %s",
			node_word(node));
		fault(w, node->at, &err);
	} else {
		for (const struct uc_node *n = node->first; n; n = n->next)
			if (!n->skip)
				check_profile(w, n);
	}
}

static void check_entry(const struct walk *w, const struct uc_node *node)
{
	bool top = !w->profile && w->prefix[0] == '\0';
	struct uc_error err = { 0 };
	const struct uc_key *key;
	const char *name;

	if (top && strcmp(node->key, "profiles") == 0) {
		check_profiles(w, node);
		return;
	}
	if (w->profile && strcmp(node->key, "inherit") == 0 && w->prefix[0] == '\0') {
		check_inherit(w, node);
		return;
	}
	name = uc_arena_printf(w->load->arena, "%s%s", w->prefix, node->key);
	if (!name)
		return;
	/* "slurm.timeout" is the name of "timeout" below "slurm", not a key by itself. */
	key = strchr(node->key, '.') ? NULL : uc_key_find(name);
	if (key) {
		if (may_set(w, key, node->key_at))
			check_value(w, key, node);
	} else if (is_group(name)) {
		check_group(w, node, name);
	} else {
		uc_unknown_key(w->prefix, w->profile != NULL, node->key, &err);
		fault(w, node->key_at, &err);
	}
}

static void check_map(const struct walk *w, const struct uc_node *map)
{
	for (const struct uc_node *n = map->first; n; n = n->next)
		if (!n->skip)
			check_entry(w, n);
}

void uc_check_file(struct uc_load *load, struct uc_file *file, const struct uc_node *root)
{
	struct walk w = { .load = load, .file = file, .prefix = "" };

	check_map(&w, root);
}

void uc_check_text(struct uc_load *load, struct uc_file *file, const struct uc_key *key,
		   const char *text)
{
	struct walk w = { .load = load, .file = file, .prefix = "" };

	if (key->type == UC_TYPE_LIST)
		check_joined(&w, key, text, (struct uc_place){ 0, 0 });
	else
		check_scalar(&w, key, text, (struct uc_place){ 0, 0 });
}
