/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uimage check: is all of an image there, and does it unpack? */
#include <inttypes.h>
#include <stdio.h>
#include <ucluster/units.h>
#include "common/json.h"
#include "uimage/uimage.h"

struct args {
	bool json;
};

// clang-format off
static const struct uc_opt options[] = {
	{ "json", .type = UC_OPT_FLAG, .offset = offsetof(struct args, json),
	  .group = "Output", .help = "JSON with raw values" },
	{ 0 }
};
// clang-format on

static void print_json(const struct uc_image_file *file,
		       const struct uc_image_report *report)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_json json = { .out = &text };

	uc_json_open(&json, NULL, '{');
	uc_json_number(&json, "version", 1);
	uc_json_text(&json, "path", file->path);
	uc_json_bool(&json, "ok", report->faults == 0);
	uc_json_amount(&json, "files", report->files);
	uc_json_amount(&json, "folders", report->folders);
	uc_json_amount(&json, "others", report->links);
	uc_json_amount(&json, "unpacked", report->bytes);
	uc_json_amount(&json, "faults", report->faults);
	if (report->faults)
		uc_json_text(&json, "first", uc_raw(report->first));
	else
		uc_json_null(&json, "first");
	uc_json_close(&json, '}');
	puts(uc_buf_text(&text));
}

static int check(struct uc_run *run, const struct args *args, const char *word)
{
	uc_auto(image_files) struct uc_image_files *files = NULL;
	struct uc_image_report report;
	struct uimage_reader reader;
	uc_auto(buf) struct uc_buf size = { 0 };
	struct uc_error err = { 0 };
	int rc;

	if (uimage_find_one(run, word, &files, &err) < 0)
		return uc_run_error(run, &err);
	uimage_reader_init(run, &reader);
	rc = uc_image_check(&reader.how, files->row[0].path.bytes, &report, &err);
	uimage_reader_free(&reader);
	if (rc < 0) {
		/* an image that is none is a finding, not a mistake of the caller's */
		err.code = err.code == UC_INVALID ? UC_FAILED : err.code;
		return uc_run_error(run, &err);
	}
	if (args->json)
		print_json(&files->row[0], &report);
	if (report.faults) {
		uc_fail(&err, UC_FAILED,
			"image '%s' is damaged in %" PRIu64 " place%s: %s",
			files->row[0].path.bytes, report.faults,
			report.faults == 1 ? "" : "s", report.first);
		return uc_run_error(run, &err);
	}
	uc_size_words(&size, report.bytes);
	if (!args->json)
		printf("whole: %" PRIu64 " files, %s unpacked\n", report.files,
		       uc_buf_text(&size));
	return 0;
}

static int run_check(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct args args = { 0 };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) || uc_run_config(run, NULL) < 0)
		return run->status;
	return check(run, &args, run->parsed.operands.item[0]);
}

const struct uc_cmd uimage_cmd_check = {
	.name = "uimage check",
	.summary = "read all of an image and look whether it is whole",
	.usage = (const char *const[]){ "[OPTION...] IMAGE", NULL },
	.options = options,
	.operands = "IMAGE",
	.min_operands = 1,
	.max_operands = 1,
	.shared = UC_SHARED_VERBOSE,
	.doc = "Read all of\n.Ar IMAGE ,\nunpack it and throw it away.\nThe status is 1 "
	       "when something is damaged or missing.\nData that is stored as it is, as "
	       "enroot does unless told otherwise, has no checksum:\nwhat has changed in "
	       "it is not seen.",
	.fn = run_check,
};
