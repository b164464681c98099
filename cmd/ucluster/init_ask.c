/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Questions for the values of a template. */
#include <stdio.h>
#include <string.h>
#include "common/ask.h"
#include "ucluster/templates.h"

static void add_prompt(const struct uc_run *run, const struct uc_template_key *key,
		       struct uc_buf *out)
{
	uc_buf_safe(out, uc_raw(key->help), run->safe);
	for (size_t i = 0; key->type == UC_TEMPLATE_CHOICE && key->choices[i]; i++) {
		uc_buf_add(out, i ? ", " : " (");
		uc_buf_safe(out, uc_raw(key->choices[i]), run->safe);
	}
	if (key->type == UC_TEMPLATE_CHOICE)
		uc_buf_add(out, ")");
	uc_buf_addf(out, "\n%s", key->name);
	if (key->value[0]) {
		uc_buf_add(out, " [");
		uc_buf_safe(out, uc_raw(key->value), run->safe);
		uc_buf_add(out, "]");
	}
	uc_buf_add(out, ": ");
}

/* 1: asked and answered; 0: ask again; -1: nobody answers. */
static int ask_key(struct uc_run *run, struct uc_template *t,
		   const struct uc_template_key *key)
{
	uc_auto(buf) struct uc_buf prompt = { 0 }, answer = { 0 };
	struct uc_error err = { 0 };
	const char *text;

	add_prompt(run, key, &prompt);
	if (uc_ask_line(uc_buf_text(&prompt), true, &answer) < 0)
		return -1;
	text = uc_buf_text(&answer);
	if (!text[0])
		text = key->value;
	else if (strcmp(text, "-") == 0)
		text = "";
	if (!text[0] && key->required)
		uc_fail(&err, UC_USAGE, "%s: a value is needed", key->name);
	else if (uc_template_set(t, key->name, text, &err) == 0)
		return 1;
	uc_run_error(run, &err);
	return 0;
}

int template_ask(struct uc_run *run, struct uc_template *t)
{
	struct uc_error err = { 0 };
	bool said = false;
	size_t count;
	const struct uc_template_key *keys = uc_template_keys(t, &count);

	for (size_t i = 0; i < count; i++) {
		int rc = 0;

		if (keys[i].from == UC_TEMPLATE_SET)
			continue;
		if (!said)
			fputs("Enter takes what is in [ ], - is nothing.\n", stderr);
		said = true;
		while (rc == 0)
			rc = ask_key(run, t, &keys[i]);
		if (rc > 0)
			continue;
		fputc('\n', stderr);
		uc_fail(&err, UC_FAILED, "no answer; nothing was written");
		uc_run_error(run, &err);
		return -1;
	}
	return 0;
}
