/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TESTS_CONFIG_UNIT_H
#define UC_TESTS_CONFIG_UNIT_H
/* Loading from strings, and faults as text. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "config/layers.h"

/* The files of one configuration; NULL = absent. */
struct texts {
	const char *site, *user, *project, *preset;
	const char *const *environment;
};

/* "path:line:column: text (hint)" lines; without a place, just the text. */
static inline void faults_text(struct uc_buf *out, const struct uc_errors *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct uc_error *err = &faults->item[i];

		if (err->at.line)
			uc_buf_addf(out, "%s:%d:%d: ", err->at.path, err->at.line,
				    err->at.column);
		uc_buf_addf(out, "%s", err->text);
		if (err->hint[0])
			uc_buf_addf(out, " (%s)", err->hint);
		uc_buf_addc(out, '\n');
	}
}

/* The configuration, or NULL with the faults in *said. */
static inline struct uc_config *load_texts(const struct texts *texts, struct uc_buf *said)
{
	const struct uc_config_from from = { .preset = texts->preset,
					     .cwd = "/cwd",
					     .environment = texts->environment };
	uc_auto(errors) struct uc_errors faults = { 0 };
	struct uc_config *cfg = NULL;
	struct uc_load load;

	assert_int_equal(uc_load_begin(&load, &from, &faults), 0);
	if (texts->site)
		uc_load_bytes(&load, UC_LAYER_SITE, "/etc/u/site.yaml", texts->site,
			      strlen(texts->site));
	if (texts->user)
		uc_load_bytes(&load, UC_LAYER_USER, "/home/u/user.yaml", texts->user,
			      strlen(texts->user));
	if (texts->project)
		uc_load_bytes(&load, UC_LAYER_PROJECT, "/src/p/.ucluster.yaml",
			      texts->project, strlen(texts->project));
	if (uc_load_end(&load, &cfg) < 0)
		assert_null(cfg);
	faults_text(said, &faults);
	return cfg;
}

/* As load_texts(), and it must go well without a word. */
static inline struct uc_config *load_good(const struct texts *texts)
{
	uc_auto(buf) struct uc_buf said = { 0 };
	struct uc_config *cfg = load_texts(texts, &said);

	assert_string_equal(uc_buf_text(&said), "");
	assert_non_null(cfg);
	return cfg;
}

/* It must fail with exactly these lines. */
static inline void load_bad(const struct texts *texts, const char *lines)
{
	uc_auto(buf) struct uc_buf said = { 0 };

	assert_null(load_texts(texts, &said));
	assert_string_equal(uc_buf_text(&said), lines);
}

#endif
