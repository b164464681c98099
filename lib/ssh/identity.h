/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_IDENTITY_H
#define UC_SSH_IDENTITY_H
/* The user's keys in files: of which kind, and whether libssh2 1.10 can use them. */
#include "ssh/bytes.h"

#define UC_IDENTITY_MAX (64U << 10) /* bytes of a file */

/* Zero-initialise; free with uc_identity_free, which wipes. */
struct uc_identity {
	const char *path;   /* borrowed */
	struct uc_buf text; /* of the file, when it is a private key; else empty */
	struct uc_buf blob; /* its public key as on the wire; empty: not known */
	bool encrypted;     /* needs a passphrase */
	const char *beyond; /* why libssh2 cannot use it, "RSA"; NULL: it can */
};

/* False: there is no such file, or nothing that can be used. */
bool uc_identity_load(struct uc_identity *identity, const char *path) UC_MUST_CHECK;
void uc_identity_free(struct uc_identity *identity);

/* Why libssh2 cannot use keys of this one's type, "RSA"; NULL: it can. */
const char *uc_identity_beyond(const unsigned char *blob, size_t len);

/* What the file's text is, as uc_identity_load does with it. False: no key. */
bool uc_identity_parse(struct uc_identity *identity) UC_MUST_CHECK;

#endif
