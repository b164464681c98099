/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UCLUSTER_TEMPLATES_H
#define UC_UCLUSTER_TEMPLATES_H
#include <ucluster/template.h>
#include "common/run.h"

/*
 * Where templates are looked for, in this order: "templates" beside the user's
 * configuration, the configured template_dirs, "templates" beside the site's
 * configuration, those that were installed with ucluster.
 */
int template_folders(const struct uc_run *run, struct uc_strv *folders,
		     struct uc_error *err) UC_MUST_CHECK;

/* Read one by its name, with defaults from the configuration. On failure all has been
 * printed, run->status is set. */
int template_open(struct uc_run *run, const char *name,
		  struct uc_template **out) UC_MUST_CHECK;

/* Print the keys of a template as a table. Returns the exit status. */
int template_print_keys(struct uc_run *run, const struct uc_template *t, bool json);

/* Ask on the terminal for what is not set yet. On failure all has been printed. (ask.c)
 */
int template_ask(struct uc_run *run, struct uc_template *t) UC_MUST_CHECK;

#endif
