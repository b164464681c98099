/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The whole configuration loader over one file's bytes: as the site's, and as a project's
 * with profile "a" chosen. Every fault must have a place in the file and be one safe
 * line; what loads must have a sound value for every key.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/layers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_faults(const struct uc_errors *faults, size_t lines)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct uc_error *err = &faults->item[i];

		check(err->code == UC_USAGE || err->code == UC_NOTFOUND);
		check(err->text[0] && !strchr(err->text, '\n') &&
		      !strchr(err->text, '\x1b'));
		if (err->code == UC_NOTFOUND)
			continue;
		check(err->at.line >= 1 && err->at.column >= 1);
		/* the end of a file without a last line end counts as the next line */
		check((size_t)err->at.line <= lines + 1);
	}
}

static void check_setting(const struct uc_setting *set)
{
	check(set->key && set->text && set->base);
	if (!set->list) {
		check(set->base[0]);
		check(set->key->type != UC_TYPE_LIST && set->key->type != UC_TYPE_MAP);
		check(set->text[0] && strlen(set->text) <= UC_YAML_SCALAR);
		return;
	}
	for (size_t i = 0; set->list[i]; i++) {
		check(set->base[i] && set->list[i][0]);
		check(set->key->type != UC_TYPE_MAP || strchr(set->list[i], '='));
		check(set->from[i].layer == UC_LAYER_BUILTIN || set->from[i].at.path[0]);
	}
}

static void load(enum uc_layer layer, const char *bytes, size_t size, size_t lines,
		 const char *preset)
{
	const struct uc_config_from from = { .preset = preset };
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(config) struct uc_config *cfg = NULL;
	struct uc_load load;

	check(uc_load_begin(&load, &from, &faults) == 0);
	uc_load_bytes(&load, layer, "fuzz.yaml", bytes, size);
	if (uc_load_end(&load, &cfg) < 0) {
		check(!cfg && faults.count > 0);
		check_faults(&faults, lines);
		return;
	}
	check(cfg && faults.count == 0);
	for (const struct uc_key *k = uc_config_keys(); k->name; k++)
		if (uc_config_get(cfg, k->name))
			check_setting(uc_config_get(cfg, k->name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	size_t lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += bytes[i] == '\n';
	load(UC_LAYER_SITE, bytes, size, lines, NULL);
	load(UC_LAYER_PROJECT, bytes, size, lines, "a");
	return 0;
}
