/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uimage: the images that jobs run in. A file for each subcommand. */
#include "uimage/uimage.h"

static const struct uc_cmd *const subcommands[] = {
	&uimage_cmd_list,   &uimage_cmd_show,
	&uimage_cmd_search, &uimage_cmd_check,
	&uimage_cmd_import, &uimage_cmd_login,
	&uimage_cmd_logout, &uimage_cmd_save,
	&uimage_cmd_clean,  NULL,
};

static const struct uc_cmd uimage = {
	.name = "uimage",
	.summary = "images of containers: which there are, and what is in them",
	.usage = (const char *const[]){ "COMMAND [OPTION...]", "COMMAND --help", NULL },
	.subcommands = subcommands,
};

int main(int argc, char **argv)
{
	return uc_run_main(&uimage, argc, argv);
}
