/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/far.h"

void uc_far_free(struct uc_far *far)
{
	if (far)
		far->ops->free(far);
}
