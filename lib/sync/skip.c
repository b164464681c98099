/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/skip.h"

#include <string.h>

/*
 * "env" is a name for source code as well (of simulators, say): there only what makes it
 * a virtual environment is named.
 */
const char uc_sync_skip_rules[] = "# version control\n"
				  ".git\n"
				  ".hg/\n"
				  ".svn/\n"
				  "# Python\n"
				  ".venv/\n"
				  "venv/\n"
				  ".env/\n"
				  "**/env/bin/\n"
				  "**/env/include/python*/\n"
				  "**/env/lib/python*/\n"
				  "**/env/lib64\n"
				  "**/env/pyvenv.cfg\n"
				  "__pycache__/\n"
				  "*.pyc\n"
				  ".mypy_cache/\n"
				  ".pytest_cache/\n"
				  ".ruff_cache/\n"
				  ".ipynb_checkpoints/\n"
				  "# other tools\n"
				  "node_modules/\n"
				  ".DS_Store\n"
				  "# what runs write\n"
				  "wandb/\n"
				  "mlruns/\n"
				  "runs/\n"
				  "outputs/\n"
				  "checkpoints/\n"
				  "*.ckpt\n"
				  "*.pt\n"
				  "*.safetensors\n"
				  "slurm-*.out\n"
				  "# images\n"
				  "*.sqsh\n";

int uc_sync_skip_read(struct uc_ignore_list *list, struct uc_error *err)
{
	return uc_ignore_list_read(list, UC_SYNC_SKIP_ORIGIN, "", uc_sync_skip_rules,
				   strlen(uc_sync_skip_rules), err);
}
