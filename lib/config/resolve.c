/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* From checked layers to one value a key, and the questions about it. */
#include "config/resolve.h"

#include <string.h>

struct uc_config {
	struct uc_arena *arena; /* holds this too */
	const struct uc_setting *value[UC_KEYS_MAX];
	const char *const *profiles;
	const char *project_path;
};

/* All sets of settings in the order in which they win. */
struct order {
	const struct uc_assigns **set;
	size_t count;
};

static int add_profiles(struct uc_load *load, struct order *order, size_t room)
{
	struct uc_profile *p = uc_profile_find(load, load->from->preset);
	size_t depth = 0;

	for (struct uc_profile *q = p; q; depth++)
		q = q->inherit ? uc_profile_find(load, q->inherit) : NULL;
	if (depth > room)
		return -1;
	/* Parents first; they are found from the child on. */
	for (size_t i = depth; i > 0; i--) {
		order->set[order->count + i - 1] = &p->settings;
		p = p->inherit ? uc_profile_find(load, p->inherit) : NULL;
	}
	order->count += depth;
	return 0;
}

static int make_order(struct uc_load *load, struct order *order)
{
	size_t room = UC_LAYER_OPTION;

	for (int layer = 0; layer < UC_LAYER_OPTION; layer++)
		for (const struct uc_profile *p =
			     load->file[layer] ? load->file[layer]->profiles : NULL;
		     p; p = p->next)
			room++;
	order->count = 0;
	order->set = uc_arena_array(load->arena, room, sizeof(*order->set));
	if (!order->set)
		return -1;
	for (int layer = 0; layer < UC_LAYER_OPTION; layer++) {
		if (layer == UC_LAYER_ENVIRONMENT && load->from->preset &&
		    add_profiles(load, order, room - order->count) < 0)
			return -1;
		if (load->file[layer])
			order->set[order->count++] = &load->file[layer]->settings;
	}
	return 0;
}

/* The last one of this key in a set; a file sets a key once, so it is the only one. */
static const struct uc_setting *find_setting(const struct uc_assigns *set,
					     const struct uc_key *key)
{
	for (const struct uc_assign *a = set->first; a; a = a->next)
		if (a->set.key == key)
			return &a->set;
	return NULL;
}

/* What makes two items of a list that adds up the same: a mount's target, a name. */
static const char *identity(const struct uc_key *key, const char *item, size_t *len)
{
	const char *colon;

	if (key->type == UC_TYPE_MAP) {
		*len = strcspn(item, "=");
		return item;
	}
	colon = strchr(item, ':');
	if (colon)
		item = colon + 1;
	*len = strcspn(item, ":");
	while (*len > 1 && item[*len - 1] == '/')
		--*len;
	return item;
}

static size_t find_same(const struct uc_setting *sum, size_t count, const char *item)
{
	size_t len, other_len;
	const char *id = identity(sum->key, item, &len);

	for (size_t i = 0; i < count; i++) {
		const char *other = identity(sum->key, sum->list[i], &other_len);

		if (len == other_len && memcmp(id, other, len) == 0)
			return i;
	}
	return count;
}

/* Sum up the key's items of all sets. */
static const struct uc_setting *add_up(struct uc_arena *arena, const struct order *order,
				       const struct uc_key *key)
{
	struct uc_setting *sum = uc_arena_alloc(arena, sizeof(*sum));
	const struct uc_setting *one = NULL;
	struct uc_origin *from;
	const char **list, **base;
	size_t most = 0, count = 0;

	for (size_t i = 0; i < order->count; i++) {
		one = find_setting(order->set[i], key);
		for (size_t j = 0; one && one->list[j]; j++)
			most++;
	}
	list = uc_arena_array(arena, most + 1, sizeof(*list));
	base = uc_arena_array(arena, most + 1, sizeof(*base));
	from = uc_arena_array(arena, most + 1, sizeof(*from));
	if (!sum || !list || !base || !from)
		return NULL;
	for (size_t i = 0; i < order->count; i++) {
		one = find_setting(order->set[i], key);
		if (!one)
			continue;
		*sum = *one; /* the last one names the origin of the whole */
		sum->list = list;
		for (size_t j = 0; one->list[j]; j++) {
			size_t at = find_same(sum, count, one->list[j]);

			list[at] = one->list[j];
			base[at] = one->base[j];
			from[at] = one->from[j];
			count += at == count;
		}
	}
	sum->base = base;
	sum->from = from;
	return sum->key ? sum : NULL;
}

static const struct uc_setting *last(const struct order *order, const struct uc_key *key)
{
	const struct uc_setting *found = NULL;

	for (size_t i = 0; i < order->count; i++) {
		const struct uc_setting *one = find_setting(order->set[i], key);

		if (one)
			found = one;
	}
	return found;
}

/* Lists get a text too, joined. */
static const struct uc_setting *with_text(struct uc_load *load,
					  const struct uc_setting *found)
{
	struct uc_arena *arena = load->arena;
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_setting *copy;

	if (!found->list)
		return found->text[0] ? found : NULL; /* "" unsets */
	copy = uc_arena_alloc(arena, sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *found;
	for (size_t i = 0; found->list[i]; i++)
		uc_buf_addf(&text, "%s%s", i ? ", " : "", found->list[i]);
	load->failed |= text.failed;
	copy->text = uc_arena_strdup(arena, uc_buf_text(&text));
	return copy->text ? copy : NULL;
}

struct uc_config *uc_resolve(struct uc_load *load)
{
	struct uc_config *cfg = uc_arena_alloc(load->arena, sizeof(*cfg));
	struct order order;

	if (!cfg || make_order(load, &order) < 0)
		return NULL;
	for (const struct uc_key *k = uc_config_keys(); k->name; k++) {
		const struct uc_setting *found = uc_key_adds_up(k)
							 ? add_up(load->arena, &order, k)
							 : last(&order, k);

		if (found)
			cfg->value[uc_key_index(k)] = with_text(load, found);
	}
	cfg->profiles = uc_profiles_names(load);
	cfg->project_path = load->project_path;
	cfg->arena = load->arena;
	return uc_arena_failed(load->arena) ? NULL : cfg;
}

void uc_config_free(struct uc_config *cfg)
{
	if (cfg)
		uc_arena_free(cfg->arena);
}

const struct uc_setting *uc_config_get(const struct uc_config *cfg, const char *key)
{
	const struct uc_key *k = uc_key_find(key);

	return k ? cfg->value[uc_key_index(k)] : NULL;
}

const char *uc_config_string(const struct uc_config *cfg, const char *key)
{
	const struct uc_setting *set = uc_config_get(cfg, key);

	return set ? set->text : NULL;
}

int64_t uc_config_number(const struct uc_config *cfg, const char *key, int64_t fallback)
{
	const struct uc_setting *set = uc_config_get(cfg, key);

	if (!set)
		return fallback;
	return set->key->type == UC_TYPE_SIZE ? (int64_t)set->size : set->number;
}

bool uc_config_bool(const struct uc_config *cfg, const char *key, bool fallback)
{
	return uc_config_number(cfg, key, fallback) != 0;
}

const char *const *uc_config_list(const struct uc_config *cfg, const char *key)
{
	static const char *const none[] = { NULL };
	const struct uc_setting *set = uc_config_get(cfg, key);

	return set && set->list ? set->list : none;
}

const char *const *uc_config_profiles(const struct uc_config *cfg)
{
	return cfg->profiles;
}

const char *uc_config_project_path(const struct uc_config *cfg)
{
	return cfg->project_path;
}
