/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_IMAGE_IMAGE_H
#define UC_IMAGE_IMAGE_H
/* What the files of this module share. */
#include <ucluster/image.h>
#include "base/arena.h"

#endif
