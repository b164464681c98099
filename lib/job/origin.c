/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Who set what. Everything that is new since the last uc_spec_mark() was set by the layer
 * that is named in the next one, so no place that sets something has to say who it is.
 */
#include "job/spec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MOUNTS "container-mounts="
#define ENV    "env "

static void add_mounts(struct uc_strv *parts, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");

		uc_strv_addf(parts, MOUNTS "%.*s", (int)len, list);
		list += len + (list[len] == ',');
	}
}

static void add_names(struct uc_strv *parts, const struct uc_strv *env)
{
	for (size_t i = 0; i < env->count; i++)
		uc_strv_addf(parts, ENV "%.*s", (int)strcspn(env->item[i], "="),
			     env->item[i]);
}

/* What is set besides Slurm's options: "container-image=X", "env NAME". */
static int list_parts(const struct uc_spec *spec, struct uc_strv *parts,
		      struct uc_error *err)
{
	uc_auto(strv) struct uc_strv options = { 0 };
	struct uc_container box = spec->box;
	char none[] = "";

	/* the image may come from a layer that is not read yet */
	if (!box.image && !box.name)
		box.image = none;
	if (spec->runtime != UC_RUNTIME_NONE &&
	    uc_container_pyxis(&box, &options, err) < 0)
		return -1;
	for (size_t i = 0; i < options.count; i++) {
		const char *option = options.item[i] + 2;

		if (strncmp(option, MOUNTS, strlen(MOUNTS)) == 0)
			add_mounts(parts, option + strlen(MOUNTS));
		else if (box.image != none || strcmp(option, "container-image=") != 0)
			uc_strv_add(parts, option);
	}
	add_names(parts, &spec->soft_env);
	add_names(parts, &spec->env);
	add_names(parts, &spec->hidden_env);
	for (size_t i = 0; i < uc_secrets_count(spec->secrets); i++)
		uc_strv_addf(parts, ENV "%s", uc_secrets_name(spec->secrets, i));
	return parts->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static const struct uc_origin_of *find_origin(const struct uc_spec *spec,
					      const char *what)
{
	for (size_t i = 0; i < spec->origin_count; i++)
		if (strcmp(spec->origins[i].what, what) == 0)
			return &spec->origins[i];
	return NULL;
}

static int add_origin(struct uc_spec *spec, const char *what, const char *layer,
		      const char *from)
{
	struct uc_origin_of *grown =
		reallocarray(spec->origins, spec->origin_count + 1, sizeof(*grown));
	struct uc_origin_of *new;

	if (!grown)
		return -1;
	spec->origins = grown;
	new = &grown[spec->origin_count++];
	*new = (struct uc_origin_of){ .what = strdup(what), .layer = layer };
	new->from = from ? strdup(from) : NULL;
	return new->what && (!from || new->from) ? 0 : -1;
}

int uc_spec_mark(struct uc_spec *spec, const char *layer, const char *from,
		 struct uc_error *err)
{
	uc_auto(strv) struct uc_strv parts = { 0 };

	for (size_t i = 0; i < spec->count; i++) {
		struct uc_setting_of *s = &spec->settings[i];

		if (s->layer)
			continue;
		s->layer = layer;
		s->from = from ? strdup(from) : NULL;
		if (from && !s->from)
			return uc_fail(err, UC_FAILED, "out of memory");
	}
	if (list_parts(spec, &parts, err) < 0)
		return -1;
	for (size_t i = 0; i < parts.count; i++)
		if (!find_origin(spec, parts.item[i]) &&
		    add_origin(spec, parts.item[i], layer, from) < 0)
			return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

int uc_spec_mark_setting(struct uc_spec *spec, const struct uc_setting *setting,
			 const struct uc_origin *item, struct uc_error *err)
{
	const enum uc_layer layer = item ? item->layer : setting->layer;
	const char *profile = item ? item->profile : setting->profile;
	const struct uc_mark *at = item ? &item->at : &setting->at;
	uc_auto(buf) struct uc_buf from = { 0 };

	uc_buf_add(&from, at->path);
	if (at->line > 0)
		uc_buf_addf(&from, ":%d", at->line);
	if (profile)
		uc_buf_addf(&from, "%s(%s)", from.len ? " " : "", profile);
	if (from.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_spec_mark(spec, profile ? "profile" : uc_layer_name(layer),
			    from.len > 0 ? uc_buf_text(&from) : NULL, err);
}

void uc_spec_items_free(struct uc_spec_items *list)
{
	free(list->item);
	uc_strv_free(&list->text);
	*list = (struct uc_spec_items){ 0 };
}

static struct uc_spec_item *next_item(struct uc_spec_items *list)
{
	struct uc_spec_item *grown =
		reallocarray(list->item, list->count + 1, sizeof(*grown));

	if (!grown) {
		list->text.failed = true;
		return NULL;
	}
	list->item = grown;
	grown += list->count++;
	*grown = (struct uc_spec_item){ 0 };
	return grown;
}

/* A copy that the list owns. */
static const char *keep(struct uc_spec_items *list, const char *bytes, size_t len)
{
	uc_strv_addn(&list->text, bytes, len);
	return list->text.failed ? "" : list->text.item[list->text.count - 1];
}

static const char *help_of(const char *name)
{
	size_t count;
	const struct uc_slurm_option *opt =
		uc_slurm_option_find(name, strlen(name), ~0u, &count);

	return opt && strcmp(opt->name, name) == 0 ? opt->help : NULL;
}

static void add_settings(const struct uc_spec *spec, struct uc_spec_items *list)
{
	for (size_t i = 0; i < spec->count; i++) {
		const struct uc_setting_of *s = &spec->settings[i];
		struct uc_spec_item *item;

		if (uc_spec_is_overridden(spec, i))
			continue;
		item = next_item(list);
		if (!item)
			return;
		*item = (struct uc_spec_item){
			.kind = UC_ITEM_OPTION,
			.name = s->option ? uc_option_name(s->option) : s->name,
			.value = s->value,
			.layer = s->layer ? s->layer : uc_layer_name(UC_LAYER_BUILTIN),
			.from = s->from,
			.help = s->option ? s->option->help : "option of a plugin",
		};
	}
}

/* What srun takes from its own variables, where no option stands against it. */
static void add_srun_variables(const struct uc_spec *spec, const char *const *environment,
			       struct uc_spec_items *list)
{
	size_t count;
	const struct uc_slurm_option *opt = uc_slurm_options(&count);

	for (; count > 0; count--, opt++)
		for (const char *const *v = opt->srun_env;
		     v < opt->srun_env + 3 && *v && !uc_spec_excludes(spec, opt->name);
		     v++) {
			const char *value = uc_env_value(environment, *v);
			struct uc_spec_item *item = value ? next_item(list) : NULL;

			if (item)
				*item = (struct uc_spec_item){
					.kind = UC_ITEM_OPTION,
					.name = uc_option_name(opt),
					.value = value,
					.layer = uc_layer_name(UC_LAYER_ENVIRONMENT),
					.from = *v,
					.help = opt->help,
				};
		}
}

/* The variable that pyxis reads for "container-image". */
static const char *pyxis_variable(struct uc_spec_items *list, const char *name,
				  const char *const *environment)
{
	uc_auto(buf) struct uc_buf variable = { 0 };

	uc_buf_add(&variable, "PYXIS_");
	for (; *name; name++)
		uc_buf_addc(&variable,
			    (char)(*name == '-' ? '_' : toupper((unsigned char)*name)));
	if (!uc_env_value(environment, uc_buf_text(&variable)))
		return "the allocation's container";
	return keep(list, variable.data, variable.len);
}

static const char *shown_value(const struct uc_spec *spec, const char *name)
{
	const struct uc_strv *const lists[] = { &spec->env, &spec->soft_env };
	size_t len = strlen(name);

	if (uc_secrets_find(spec->secrets, name))
		return "<secret>";
	if (uc_spec_hides_env(spec, name))
		return "<from a file>";
	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l]->count; i++)
			if (strncmp(lists[l]->item[i], name, len) == 0 &&
			    lists[l]->item[i][len] == '=')
				return lists[l]->item[i] + len + 1;
	return NULL; /* the caller's own */
}

static void add_part(const struct uc_spec *spec, const char *part,
		     const char *const *environment, struct uc_spec_items *list)
{
	const struct uc_origin_of *origin = find_origin(spec, part);
	struct uc_spec_item item = { .layer = origin ? origin->layer
						     : uc_layer_name(UC_LAYER_BUILTIN),
				     .from = origin ? origin->from : NULL };
	struct uc_spec_item *new;

	if (!spec->box.image && !spec->box.name && strncmp(part, ENV, strlen(ENV)) != 0)
		return;
	if (strncmp(part, ENV, strlen(ENV)) == 0) {
		item.kind = UC_ITEM_VARIABLE;
		item.name = keep(list, part + strlen(ENV), strlen(part) - strlen(ENV));
		item.value = shown_value(spec, item.name);
		item.help = "variable of the job";
	} else {
		size_t len = strcspn(part, "=");

		item.kind = UC_ITEM_CONTAINER;
		item.name = keep(list, part, len);
		if (part[len])
			item.value = keep(list, part + len + 1, strlen(part + len + 1));
		item.help = help_of(item.name);
		if (!item.from &&
		    strcmp(item.layer, uc_layer_name(UC_LAYER_ENVIRONMENT)) == 0)
			item.from = pyxis_variable(list, item.name, environment);
	}
	new = next_item(list);
	if (new)
		*new = item;
}

int uc_spec_list(const struct uc_spec *spec, const char *const *environment,
		 struct uc_spec_items *list, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv parts = { 0 };

	add_settings(spec, list);
	add_srun_variables(spec, environment, list);
	if (list_parts(spec, &parts, err) < 0)
		return -1;
	for (size_t i = 0; i < parts.count; i++)
		add_part(spec, parts.item[i], environment, list);
	return list->text.failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}
