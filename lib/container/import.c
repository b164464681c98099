/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Where images are imported from: how people write it, what enroot takes, how the file is
 * called. */
#include <ucluster/import.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/container.h>
#include "base/path.h"

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *text, const char *suffix)
{
	const size_t len = strlen(text), slen = strlen(suffix);

	return len > slen && strcmp(text + len - slen, suffix) == 0;
}

void uc_import_source_free(struct uc_import_source *source)
{
	free(source->uri);
	free(source->name);
	free(source->registry);
	free(source->image);
	*source = (struct uc_import_source){ 0 };
}

/* What skopeo, podman and docker call an image in a file. */
static const char *archive_prefix(const char *text)
{
	static const char *const prefixes[] = { "docker-archive:", "oci-archive:", "oci:",
						"dir:", NULL };

	for (const char *const *p = prefixes; *p; p++)
		if (begins(text, *p))
			return *p;
	return NULL;
}

/* enroot (to 4.1.2) has docker://, dockerd:// and podman:// only. */
static int refuse_files(const char *text, struct uc_error *err)
{
	static const char *const packed[] = { ".tar",     ".tar.gz", ".tgz",
					      ".tar.zst", ".oci",    NULL };
	const bool path = text[0] == '/' || text[0] == '~' || begins(text, "./") ||
			  begins(text, "../");

	if (ends(text, ".sqsh") || ends(text, ".squashfs")) {
		uc_fail(err, UC_USAGE, "'%s' is an image of enroot's already", text);
		return uc_hint(err, "usrun --image takes it as it is; cp makes a copy");
	}
	for (const char *const *p = packed; *p; p++)
		if (ends(text, *p) || path || archive_prefix(text)) {
			uc_fail(err, UC_USAGE,
				"'%s': enroot imports from registries, docker and "
				"podman, not from files",
				text);
			return uc_hint(
				err, "podman load -i FILE tells the image's name, then: "
				     "uimage import podman://NAME");
		}
	return 0;
}

/* Of docker's and podman's own store on the machine where enroot runs. */
static int parse_daemon(const char *text, struct uc_import_source *out,
			struct uc_error *err)
{
	const char *image = strstr(text, "://") + 3;

	for (const char *c = image; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("/._:-", *c))
			return uc_fail(err, UC_USAGE, "image '%s' is malformed", text);
	if (!isalnum((unsigned char)image[0]))
		return uc_fail(err, UC_USAGE, "'%s': an image's name is missing", text);
	out->uri = strdup(text);
	out->image = strdup(image);
	return out->uri && out->image ? 0 : uc_fail(err, UC_FAILED, "out of memory");
}

/* As enroot's own expression for an image: lower case, a tag, a digest. */
static int check_image(const char *image, struct uc_error *err)
{
	const size_t name = strspn(image, "abcdefghijklmnopqrstuvwxyz0123456789/._-");
	const char *rest = image + name;

	if (isupper((unsigned char)*rest))
		return uc_fail(err, UC_USAGE,
			       "image '%s': the name has lower-case letters only", image);
	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "abcdefghijklmnopqrstuvwxyz"
					     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	if (begins(rest, "@sha256:")) {
		const size_t digits =
			strspn(rest + strlen("@sha256:"), "0123456789abcdef");

		if (digits != 64)
			return uc_fail(err, UC_USAGE,
				       "image '%s': a digest has 64 digits of 0-9a-f",
				       image);
		rest += strlen("@sha256:") + digits;
	}
	if (*rest || !isalnum((unsigned char)image[0]))
		return uc_fail(err, UC_USAGE, "image '%s' is malformed at '%s'", image,
			       rest);
	return 0;
}

static bool is_docker_hub(const char *registry)
{
	return strcmp(registry, "docker.io") == 0 ||
	       strcmp(registry, "index.docker.io") == 0 ||
	       strcmp(registry, "registry-1.docker.io") == 0;
}

/* `ref`: [USER@][REGISTRY#]IMAGE as uc_container_set_image() made it. */
static int take_reference(const char *ref, struct uc_import_source *out,
			  struct uc_error *err)
{
	const char *hash = strchr(ref, '#');
	const char *at = strchr(ref, '@');
	const char *host = at && !begins(at, "@sha256:") ? at + 1 : ref;
	const char *image = hash ? hash + 1 : host;
	uc_auto(buf) struct uc_buf uri = { 0 };

	if (hash && hash < host)
		return uc_fail(err, UC_USAGE, "image '%s' is malformed", ref);
	if (check_image(image, err) < 0)
		return -1;
	uc_buf_addf(&uri, "docker://%s", ref);
	out->uri = uc_buf_take(&uri);
	out->image = strdup(image);
	out->registry = hash ? strndup(host, (size_t)(hash - host)) : strdup("docker.io");
	if (!out->uri || !out->image || !out->registry)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (is_docker_hub(out->registry))
		out->registry[0] = '\0';
	if (out->registry[0] &&
	    out->registry[strspn(out->registry,
				 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789.:-")])
		return uc_fail(err, UC_USAGE, "'%s' is no registry's name",
			       out->registry);
	return 0;
}

/* "nvcr.io_nvidia_pytorch_24.05-py3", as such files are called everywhere. */
static int make_name(struct uc_import_source *out, struct uc_error *err)
{
	const char *image = out->image;
	const char *digest = strstr(image, "@sha256:");
	const size_t len = digest ? (size_t)(digest - image) : strlen(image);
	const bool hub = out->registry && !out->registry[0];
	const bool library = hub && begins(image, "library/");
	uc_auto(buf) struct uc_buf name = { 0 };

	if (out->registry && !hub)
		uc_buf_addf(&name, "%s_", out->registry);
	uc_buf_addn(&name, image + (library ? strlen("library/") : 0),
		    len - (library ? strlen("library/") : 0));
	if (digest)
		uc_buf_addf(&name, "_sha256-%.12s", digest + strlen("@sha256:"));
	else if (!memchr(image, ':', len))
		uc_buf_add(&name, "_latest");
	for (char *c = name.data; c && *c; c++)
		if (*c == '/' || *c == ':' || (c == name.data && *c == '.'))
			*c = '_';
	if (name.len > UC_IMPORT_NAME_MAX)
		return uc_fail(err, UC_USAGE, "image '%s': its name is too long", image);
	out->name = uc_buf_take(&name);
	if (hub) {
		free(out->registry);
		out->registry = strdup("docker.io");
	}
	return out->name && (out->registry || !hub)
		       ? 0
		       : uc_fail(err, UC_FAILED, "out of memory");
}

static int parse(const char *text, struct uc_import_source *out, struct uc_error *err)
{
	uc_auto(container) struct uc_container box = { 0 };
	const struct uc_where where = { .cwd = "/", .unchecked = true };

	if (begins(text, "dockerd://") || begins(text, "podman://"))
		return parse_daemon(text, out, err);
	if (refuse_files(text, err) < 0)
		return -1;
	if (uc_container_set_image(&box, text, &where, err) < 0)
		return -1;
	if (box.image_is_path)
		return uc_fail(err, UC_USAGE, "'%s' is a file, not a registry's image",
			       text);
	return take_reference(box.image, out, err);
}

int uc_import_source_parse(const char *text, struct uc_import_source *out,
			   struct uc_error *err)
{
	uc_auto(import_source) struct uc_import_source source = { 0 };

	if (parse(text, &source, err) < 0 || make_name(&source, err) < 0)
		return -1;
	*out = source;
	source = (struct uc_import_source){ 0 };
	return 0;
}
