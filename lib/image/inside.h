/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_IMAGE_INSIDE_H
#define UC_IMAGE_INSIDE_H
/*
 * What names and the small files of an image say: bytes of strangers into lines of a
 * record. Each passes over what it cannot make sense of.
 */
#include "image/record.h"

/*
 * What an entry of a folder says by its name: "torch-2.1.0.dist-info" in site-packages,
 * "numpy-1.21.2-py39h20f2e39_0.json" in conda-meta, "cuda-12.1" in /usr/local.
 */
void uc_inside_entry(struct uc_buf *out, const char *folder, const char *name);
/* Is this folder one of Python's packages? Its Python's version then: "3.10". */
bool uc_inside_python(const char *folder, char *version, size_t size);

/* A file's part: os-release, environment, enroot's rc, dpkg's status. */
void uc_inside_os_release(struct uc_buf *out, const char *bytes, size_t len);
void uc_inside_environment(struct uc_buf *out, const char *bytes, size_t len);
void uc_inside_rc(struct uc_buf *out, const char *bytes, size_t len);
void uc_inside_dpkg(struct uc_buf *out, const char *bytes, size_t len);

#endif
