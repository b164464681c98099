/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_UCLUSTER_H
#define UCLUSTER_UCLUSTER_H
/* All of libucluster; see libucluster(3) and the header of each module. */
#include <ucluster/action.h>
#include <ucluster/adopt.h>
#include <ucluster/batch.h>
#include <ucluster/capacity.h>
#include <ucluster/check.h>
#include <ucluster/config.h>
#include <ucluster/container.h>
#include <ucluster/disk.h>
#include <ucluster/efficiency.h>
#include <ucluster/ending.h>
#include <ucluster/environment.h>
#include <ucluster/error.h>
#include <ucluster/follow.h>
#include <ucluster/gres.h>
#include <ucluster/health.h>
#include <ucluster/history.h>
#include <ucluster/idle.h>
#include <ucluster/image.h>
#include <ucluster/import.h>
#include <ucluster/job.h>
#include <ucluster/limits.h>
#include <ucluster/node.h>
#include <ucluster/option.h>
#include <ucluster/reason.h>
#include <ucluster/receipt.h>
#include <ucluster/requirement.h>
#include <ucluster/reservation.h>
#include <ucluster/session.h>
#include <ucluster/snapshot.h>
#include <ucluster/sooner.h>
#include <ucluster/source.h>
#include <ucluster/spawn.h>
#include <ucluster/spec.h>
#include <ucluster/state.h>
#include <ucluster/step.h>
#include <ucluster/template.h>
#include <ucluster/text.h>
#include <ucluster/tunnel.h>
#include <ucluster/units.h>
#include <ucluster/usage.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that runs, "0.1.0". */
const char *uc_version(void);

#ifdef __cplusplus
}
#endif
#endif
