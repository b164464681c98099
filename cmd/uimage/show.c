/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uimage show: what is in one image. */
#include <time.h>
#include "uimage/show.h"

struct args {
	bool packages, refresh;
	struct uc_listing listing;
};

// clang-format off
static const struct uc_opt options[] = {
	{ "packages", .type = UC_OPT_FLAG, .offset = offsetof(struct args, packages),
	  .group = "Image", .help = "list its packages" },
	{ "refresh", .type = UC_OPT_FLAG, .offset = offsetof(struct args, refresh),
	  .help = "read it again", .doc = "Read it again, whatever is kept of it." },
	UC_LISTING_OPTIONS(struct args, listing),
	{ 0 }
};
// clang-format on

static void get_name(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	uc_value_put_raw(out, ((const struct uc_package *)row)->name);
}

static void get_version(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	uc_value_put_raw(out, ((const struct uc_package *)row)->version);
}

static void get_kind(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	uc_value_put_raw(out, uc_raw(uc_package_kind_name(
				      ((const struct uc_package *)row)->kind)));
}

// clang-format off
const struct uc_column show_package_columns[] = {
	{ "NAME", "name", UC_COLUMN_DEFAULT | UC_COLUMN_CUT, 16, "of the package", get_name },
	{ "VERSION", "version", UC_COLUMN_DEFAULT | UC_COLUMN_CUT, 10, "its version", get_version },
	{ "KIND", "kind", UC_COLUMN_DEFAULT, 0, "'pip', 'conda', 'dpkg', or 'listed'", get_kind },
	{ 0 }
};
// clang-format on

static int show_packages(struct uc_run *run, const struct args *args,
			 const struct uc_selection *shown, const struct uc_image *image)
{
	const struct uc_table table = {
		.name = "packages",
		.rows = image->packages,
		.count = image->package_count,
		.row_size = sizeof(*image->packages),
		.now = time(NULL),
	};

	return uc_table_print(run, &table, shown, &args->listing);
}

static int show(struct uc_run *run, const struct args *args,
		const struct uc_selection *shown)
{
	uc_auto(image_files) struct uc_image_files *files = NULL;
	uc_auto(image) struct uc_image *image = NULL;
	struct uimage_reader reader;
	struct uc_error err = { 0 };
	int rc;

	if (uimage_find_one(run, run->parsed.operands.item[0], &files, &err) < 0)
		return uc_run_error(run, &err);
	uimage_reader_init(run, &reader);
	reader.how.again = args->refresh;
	rc = uc_image_load(&reader.how, &files->row[0], &image, &err);
	uimage_reader_free(&reader);
	if (rc < 0) {
		err.code = err.code == UC_INVALID ? UC_FAILED : err.code;
		return uc_run_error(run, &err);
	}
	if (args->packages)
		return show_packages(run, args, shown, image);
	if (args->listing.json)
		show_json(&files->row[0], image);
	else if (show_text(run, &files->row[0], image, &err) < 0)
		return uc_run_error(run, &err);
	return 0;
}

static int run_show(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct args args = { 0 };
	struct uc_selection shown;
	struct uc_error err = { 0 };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_listing_select(run, show_package_columns, &args.listing, &shown) < 0)
		return run->status;
	if (!args.packages &&
	    (args.listing.format || args.listing.parsable || args.listing.noheader)) {
		uc_fail(&err, UC_USAGE,
			"options '--format', '--noheader' and "
			"'--parsable2' go with '--packages'");
		return uc_run_error(run, &err);
	}
	if (uc_run_config(run, NULL) < 0)
		return run->status;
	return show(run, &args, &shown);
}

const struct uc_cmd uimage_cmd_show = {
	.name = "uimage show",
	.summary = "what is in an image",
	.usage = (const char *const[]){ "[OPTION...] IMAGE", NULL },
	.options = options,
	.columns = show_package_columns,
	.operands = "IMAGE",
	.min_operands = 1,
	.max_operands = 1,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE,
	.doc = "Show where\n.Ar IMAGE\ncame from, its system, what is started in it, its "
	       "environment,\nhow many packages there are, and which folders are large.\n"
	       ".Ar IMAGE\nis a path or a short name, as with\n.Ic usrun --image .",
	.fn = run_show,
};
