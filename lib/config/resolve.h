/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_CONFIG_RESOLVE_H
#define UC_CONFIG_RESOLVE_H
#include "config/layers.h"

/* Lay the faultless layers over each other; NULL when out of memory. Takes the arena. */
struct uc_config *uc_resolve(struct uc_load *load);

#endif
