/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A job as its receipt has it, under what is asked for now. */
#include "job/spec.h"

#include <stdlib.h>
#include <string.h>

/* What a receipt says of the container beside its options. */
static bool has_place(const char *name)
{
	static const char *const places[] = { "container-image", "container-mounts",
					      "container-workdir", "container-name",
					      "container-save" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(places[i], name) == 0)
			return true;
	return false;
}

static int add_option(struct uc_spec *spec, const struct uc_receipt_option *option,
		      const struct uc_parse_rules *rules, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv words = { 0 };
	size_t used;

	if (option->value)
		uc_strv_addf(&words, "--%s=%s", option->name, option->value);
	else
		uc_strv_addf(&words, "--%s", option->name);
	uc_strv_add(&words, "--"); /* a plugin's flag is known by what follows */
	if (words.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_spec_parse(spec, (const char *const *)words.item, rules, &used, err);
}

static int add_options(struct uc_spec *spec, const struct uc_receipt *receipt,
		       const struct uc_parse_rules *rules, bool contained,
		       struct uc_error *err)
{
	bool *taken = calloc(receipt->option_count + 1, sizeof(*taken));
	int rc = 0;

	if (!taken)
		return uc_fail(err, UC_FAILED, "out of memory");
	/* all are looked at before the first is added, as they may exclude each other */
	for (size_t i = 0; i < receipt->option_count; i++) {
		const char *name = receipt->options[i].name;

		taken[i] = !has_place(name) && !uc_spec_excludes(spec, name) &&
			   (contained || !strstr(name, "container-"));
	}
	for (size_t i = 0; rc == 0 && i < receipt->option_count; i++)
		if (taken[i])
			rc = add_option(spec, &receipt->options[i], rules, err);
	free(taken);
	return rc;
}

static int add_container(struct uc_spec *spec, const struct uc_receipt *receipt,
			 const struct uc_where *where, struct uc_error *err)
{
	struct uc_container *box = &spec->box;
	const struct {
		const char *name, *value;
		bool given;
	} parts[] = {
		{ "container-image", receipt->container.image, box->image },
		{ "container-workdir", receipt->container.workdir, box->workdir },
		{ "container-name", receipt->container.name, box->name },
		{ "container-save", receipt->container.save, box->save },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].value && !parts[i].given &&
		    uc_container_option(box, parts[i].name, parts[i].value, where, err) <
			    0)
			return -1;
	for (const char *const *m = receipt->container.mounts; m && *m; m++)
		if (uc_container_add_mount(box, *m, UC_MOUNT_KEEP, where, err) < 0)
			return -1;
	return 0;
}

static int add_variables(struct uc_spec *spec, const struct uc_receipt *receipt,
			 const char *const *environment, struct uc_error *err)
{
	for (const char *const *name = receipt->env; name && *name; name++) {
		if (uc_spec_has_env(spec, *name) || uc_secrets_find(spec->secrets, *name))
			continue;
		if (!uc_env_value(environment, *name)) {
			uc_fail(err, UC_NOTFOUND,
				"variable '%s' of job %u is not set here, and receipts "
				"have no values",
				*name, receipt->job_id);
			return uc_hint(err, "give it again: --env %s=VALUE", *name);
		}
		if (uc_spec_set_env(spec, *name, err) < 0)
			return -1;
	}
	return 0;
}

int uc_spec_again(struct uc_spec *spec, const struct uc_receipt *receipt,
		  const struct uc_parse_rules *rules, const char *const *environment,
		  bool contained, struct uc_error *err)
{
	struct uc_parse_rules again = *rules;

	again.own = NULL;
	again.layer = "receipt";
	if (add_options(spec, receipt, &again, contained, err) < 0 ||
	    (contained && add_container(spec, receipt, &rules->where, err) < 0) ||
	    add_variables(spec, receipt, environment, err) < 0)
		return uc_context(err, "job %u again", receipt->job_id);
	if (uc_spec_mark(spec, again.layer, NULL, err) < 0)
		return -1;
	return uc_spec_set_command(spec, receipt->command, err);
}
