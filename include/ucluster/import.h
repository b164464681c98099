/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_IMPORT_H
#define UCLUSTER_IMPORT_H
/*
 * Images of registries: how they are named, what enroot says while it fetches one, and
 * the passwords that it is given.
 *
 *	uc_auto(import_source) struct uc_import_source from = { 0 };
 *	uc_import_source_parse("nvcr.io/nvidia/pytorch:24.05-py3", &from, &err);
 *	from.uri;	docker://nvcr.io#nvidia/pytorch:24.05-py3
 *	from.name;	nvcr.io_nvidia_pytorch_24.05-py3
 */
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero-initialise; free with uc_import_source_free. */
struct uc_import_source {
	char *uri;      /* what enroot takes, of every release */
	char *name;     /* what people call such a file; letters, digits and "._-" */
	char *registry; /* "nvcr.io", "docker.io", "host:5000"; NULL: of a daemon here */
	char *image;    /* "nvidia/pytorch:24.05-py3" */
};
void uc_import_source_free(struct uc_import_source *source);
UC_DEFINE_AUTO_VALUE(import_source, struct uc_import_source)

/* The longest name, in bytes: what is put around it must fit into a file's name. */
#define UC_IMPORT_NAME_MAX 180

/*
 * Read [docker://][USER@][REGISTRY/]IMAGE[:TAG][@sha256:DIGEST], also with "#" after the
 * registry as enroot has it, or dockerd://IMAGE or podman://IMAGE. UC_USAGE: malformed,
 * or something that enroot cannot import, with what to do instead.
 */
int uc_import_source_parse(const char *text, struct uc_import_source *out,
			   struct uc_error *err) UC_MUST_CHECK;

/* What a line of enroot's is. */
enum uc_enroot_kind {
	UC_ENROOT_STEP,    /* what it does next: `text` has it in our words */
	UC_ENROOT_DETAIL,  /* of no interest unless it fails */
	UC_ENROOT_WARNING, /* to be shown as it is */
	UC_ENROOT_ERROR,
};
/* Which part of the work begins with a step. */
enum uc_enroot_part {
	UC_ENROOT_OTHER,
	UC_ENROOT_DOWNLOAD,
	UC_ENROOT_UNPACK,
	UC_ENROOT_PACK,
};
struct uc_enroot_line {
	enum uc_enroot_kind kind;
	enum uc_enroot_part part;
	struct uc_buf text; /* STEP: safe, else as enroot wrote it, raw */
};
/* Read a line of what enroot writes on standard error; `out` is filled anew. */
void uc_enroot_line_read(const char *line, struct uc_enroot_line *out);

/*
 * Fill *err with why an import failed, from the lines that enroot wrote (the last few
 * KiB of them will do) and its exit status; with what to do about it. Returns -1.
 */
int uc_enroot_failure(const char *said, int status, const struct uc_import_source *source,
		      struct uc_error *err);

/*
 * The hosts that a registry's password is for, as enroot's credentials file has to name
 * them: "nvcr.io" takes its tokens from "authn.nvidia.com", too. UC_USAGE: no host.
 */
int uc_registry_hosts(const char *registry, struct uc_strv *hosts,
		      struct uc_error *err) UC_MUST_CHECK;
/* The login that is the same for everybody ("$oauthtoken" of nvcr.io), or NULL. */
const char *uc_registry_login(const char *registry);

/* One entry of a credentials file (netrc). */
struct uc_credential {
	const char *host;     /* without port */
	const char *login;    /* removing: NULL, of any */
	const char *password; /* NULL: remove it */
};
/*
 * Set `out` to a credentials file's bytes with one entry put in (in place of that of the
 * same host and login, before others of the host: enroot takes the first) or taken out;
 * everything else stays byte for byte. *found: entries that were there. UC_USAGE: a
 * login or password that enroot cannot read; UC_INVALID: the file has NUL bytes.
 */
int uc_credentials_edit(const char *bytes, size_t len, const struct uc_credential *entry,
			struct uc_buf *out, size_t *found,
			struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
