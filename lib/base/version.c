/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/ucluster.h>

const char *uc_version(void)
{
	return UC_VERSION;
}
