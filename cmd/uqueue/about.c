/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <stdio.h>
#include <ucluster/source.h>
#include "uqueue/about.h"

struct args {
	bool json;
};

// clang-format off
const struct uc_opt uqueue_about_options[] = {
	{ "json", .type = UC_OPT_FLAG, .offset = offsetof(struct args, json),
	  .group = "Output", .help = "JSON with raw values" },
	{ 0 }
};
// clang-format on

static void begin(const struct uqueue_about *about, struct uc_json *json)
{
	uc_json_open(json, NULL, '{');
	uc_json_number(json, "version", 1);
	uc_json_number(json, "now", uc_source_now(about->source));
	uc_json_open(json, "jobs", '[');
}

static void end(struct uc_json *json)
{
	uc_json_close(json, ']');
	uc_json_close(json, '}');
	uc_buf_addc(json->out, '\n');
}

int uqueue_about_jobs(struct uc_run *run, const struct uc_cmd *cmd, char **argv,
		      uqueue_about_fn *add)
{
	const struct uc_strv *words = &run->parsed.operands;
	uc_auto(source) struct uc_source *source = NULL;
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uqueue_about about = { .run = run, .json.out = &text };
	struct args args = { 0 };
	struct uc_error err = { 0 };
	int rc = 0;

	if (!uc_run_parse(run, cmd, argv, &args) || uc_run_config(run, NULL) < 0 ||
	    uc_run_source(run, 0, &source) < 0)
		return run->status;
	about.source = source;
	about.as_json = args.json;
	if (args.json)
		begin(&about, &about.json);
	for (size_t i = 0; i < words->count && rc == 0; i++)
		rc = add(&about, words->item[i], &err);
	if (args.json)
		end(&about.json);
	if (rc == 0 && text.failed)
		rc = uc_fail(&err, UC_FAILED, "out of memory");
	/* of several jobs, those before the one that is not there */
	if (rc == 0 || !args.json)
		fputs(uc_buf_text(&text), stdout);
	return rc < 0 ? uc_run_error(run, &err) : 0;
}
