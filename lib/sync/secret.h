/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_SECRET_H
#define UC_SYNC_SECRET_H
/*
 * Files that look like secrets: keys, passwords, tokens. A guess, made to stop accidents;
 * it is right more often for names than for contents. Each answer is what the file seems
 * to be ("a private key"), constant text, or NULL when it looks harmless.
 */
#include "sync/entry.h"

/* By its name; capitals do not matter. */
const char *uc_sync_secret_name(const char *path);

#define UC_SYNC_SECRET_LOOK 4096          /* bytes at the start that are looked at */
#define UC_SYNC_SECRET_MAX  (64u * 1024u) /* larger files are judged by name alone */
/* By how it begins: private keys, and tokens whose prefix tells them. */
const char *uc_sync_secret_text(const char *bytes, size_t len);

/*
 * By both, of a file as a walk tells it, with its folder. A file that cannot be read is
 * judged by name.
 */
const char *uc_sync_secret_look(int folder, const struct uc_sync_entry *entry);

#endif
