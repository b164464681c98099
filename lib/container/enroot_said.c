/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What enroot says while it imports (src/docker.sh and src/common.sh of 3.4 to 4.1.2), in
 * other words. It is a shell script around curl, jq, tar and mksquashfs: what these say
 * comes through as it is.
 */
#include <ucluster/import.h>

#include <stdlib.h>
#include <string.h>

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Longer ones first where one begins with another; words NULL: nothing worth saying. */
static const struct {
	const char *said;
	const char *words; /* followed by the rest of the line when `rest` */
	enum uc_enroot_part part;
	bool rest;
} steps[] = {
	{ "Querying registry for permission grant", "asking the registry", 0, false },
	{ "Permission granted", NULL, 0, false },
	{ "Authenticating with user: <anonymous>", NULL, 0, false },
	{ "Authenticating with user: ", "signing in as ", 0, true },
	{ "Using credentials from file: ", NULL, 0, false },
	{ "Authentication succeeded", NULL, 0, false },
	{ "Fetching image manifest list", "reading what the image consists of", 0,
	  false },
	{ "Fetching image manifest", NULL, 0, false },
	{ "Downloading ", "downloading ", UC_ENROOT_DOWNLOAD, true },
	{ "Found all layers in cache", "all layers are in the cache", 0, false },
	{ "Extracting image layers", "unpacking the layers", UC_ENROOT_UNPACK, false },
	{ "Converting whiteouts", NULL, UC_ENROOT_UNPACK, false },
	{ "Fetching image", "fetching the image", UC_ENROOT_DOWNLOAD, false },
	{ "Extracting image content", "unpacking the image", UC_ENROOT_UNPACK, false },
	{ "Creating squashfs filesystem", "packing the image", UC_ENROOT_PACK, false },
};

static void read_info(const char *said, struct uc_enroot_line *out)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const char *rest = said + strlen(steps[i].said);
		size_t len;

		if (!begins(said, steps[i].said))
			continue;
		out->kind = steps[i].words ? UC_ENROOT_STEP : UC_ENROOT_DETAIL;
		out->part = steps[i].part;
		uc_buf_add(&out->text, steps[i].words ? steps[i].words : said);
		if (!steps[i].rest)
			return;
		len = strcspn(rest, "\n");
		while (len > 0 && strchr(". ", rest[len - 1]))
			len--;
		uc_buf_safen(&out->text, rest, len, 0);
		return;
	}
	out->kind = UC_ENROOT_STEP;
	uc_buf_safe(&out->text, uc_raw(said), 0);
}

void uc_enroot_line_read(const char *line, struct uc_enroot_line *out)
{
	static const char info[] = "[INFO] ";
	/* what its tools say when they fail */
	static const char *const errors[] = {
		"[ERROR] ",    "curl: (", "Checksum mismatch",
		"FATAL ERROR", "enroot-", "tar: ",
		"jq: ",        "zstd: ",  "gzip: ",
		"mktemp: ",    NULL
	};

	uc_buf_reset(&out->text);
	out->kind = UC_ENROOT_DETAIL;
	out->part = UC_ENROOT_OTHER;
	if (begins(line, info)) {
		read_info(line + strlen(info), out);
		return;
	}
	if (begins(line, "[WARN] "))
		out->kind = UC_ENROOT_WARNING;
	for (const char *const *e = errors; *e; e++)
		if (begins(line, *e))
			out->kind = UC_ENROOT_ERROR;
	uc_buf_add(&out->text, line);
}

/* --- why it failed --- */

struct failure {
	const char *said;
	int status;
	const struct uc_import_source *source;
};

static const char *registry(const struct failure *f)
{
	return f->source->registry ? f->source->registry : "the daemon";
}

/* The HTTP status that a request ended with, 0: none; *url begins what was asked for. */
static int http_status(const char *said, const char **url)
{
	static const char code[] = "returned error code: ", layer[] = "returned error: ";
	const char *at = strstr(said, code), *head;

	*url = "";
	if (at) {
		head = at;
		while (head > said && head[-1] != '\n')
			head--;
		*url = head;
		return (int)strtol(at + strlen(code), NULL, 10);
	}
	at = strstr(said, layer);
	*url = "/blobs/";
	return at ? (int)strtol(at + strlen(layer), NULL, 10) : 0;
}

static bool line_has(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	return at && at < line + strcspn(line, "\n");
}

static int needs_login(const struct failure *f, struct uc_error *err)
{
	if (strstr(f->said, "Using credentials from file")) {
		uc_fail(err, UC_DENIED,
			"%s does not give '%s' to this login: a wrong or old password, "
			"or there is no such image",
			registry(f), f->source->image);
		return uc_hint(err, "'uimage login %s' takes a new password",
			       registry(f));
	}
	uc_fail(err, UC_DENIED,
		"%s does not give '%s' to strangers: it needs a login, or there is no "
		"such image",
		registry(f), f->source->image);
	return uc_hint(err, "uimage login %s", registry(f));
}

static int by_status(const struct failure *f, int status, const char *url,
		     struct uc_error *err)
{
	switch (status) {
	case 401:
	case 403:
		return needs_login(f, err);
	case 404:
		if (line_has(url, "/blobs/"))
			return uc_fail(err, UC_NOTFOUND,
				       "%s has no longer all parts of '%s'", registry(f),
				       f->source->image);
		uc_fail(err, UC_NOTFOUND, "%s has no image or no tag '%s'", registry(f),
			f->source->image);
		return uc_hint(err, "the registry's pages list tags; names are exact");
	case 429:
		uc_fail(err, UC_UNREACHABLE, "%s has a rate limit, and it is reached",
			registry(f));
		return uc_hint(err,
			       "wait, or 'uimage login %s': known users may fetch more",
			       registry(f));
	default:
		uc_fail(err, UC_UNREACHABLE, "%s has trouble, it answered with %d",
			registry(f), status);
		return uc_hint(err, "try again later");
	}
}

static int by_curl(const struct failure *f, int code, struct uc_error *err)
{
	switch (code) {
	case 6:
		return uc_fail(err, UC_UNREACHABLE,
			       "%s is not found: no network here, or no such registry",
			       registry(f));
	case 18:
	case 55:
	case 56:
	case 92:
		uc_fail(err, UC_UNREACHABLE, "the transfer from %s was cut off",
			registry(f));
		return uc_hint(err, "try again: layers that are whole are kept");
	case 35:
	case 60:
		return uc_fail(err, UC_UNREACHABLE,
			       "%s is not to be trusted: its certificate or TLS failed",
			       registry(f));
	default:
		uc_fail(err, UC_UNREACHABLE, "%s cannot be reached (curl: %d)",
			registry(f), code);
		return uc_hint(err, "does the node reach the internet? proxies come with "
				    "https_proxy");
	}
}

/* Text that names a cause; the first that is there counts. */
static const struct {
	const char *said;
	enum uc_code code;
	const char *words, *hint;
} causes[] = {
	{ "No space left on device", UC_FAILED, "a disk is full",
	  "import.temp_dir and import.cache_dir can be on a larger one" },
	/* tar, of a file that is cut short */
	{ "Wrote only ", UC_FAILED, "a disk is full",
	  "import.temp_dir and import.cache_dir can be on a larger one" },
	{ "Disk quota exceeded", UC_FAILED, "a quota is used up",
	  "uinfo disk tells which; uimage clean makes room" },
	{ "failed to set capabilities", UC_FAILED,
	  "enroot's helpers lack their capabilities on this node",
	  "the administrator installs the package enroot+caps" },
	{ "Checksum mismatch", UC_INVALID, "a layer is not what the registry promised",
	  "try again; something between here and the registry may change data" },
	{ "Unsupported architecture", UC_USAGE, "enroot does not know this architecture",
	  "x86_64, aarch64 and ppc64le" },
	{ "Could not process JSON input", UC_INVALID,
	  "the registry's answer is not one of a registry", "is its name right?" },
	{ "Could not parse", UC_INVALID, "the registry's answer is not one of a registry",
	  "is its name right?" },
	{ "File already exists", UC_USAGE, "the file exists already", NULL },
};

static int by_cause(const struct failure *f, struct uc_error *err)
{
	static const char missing[] = "Command not found: ";
	const char *at = strstr(f->said, missing);

	if (at) {
		at += strlen(missing);
		return uc_fail(err, UC_FAILED, "enroot needs '%.*s' here",
			       (int)strcspn(at, "\n"), at);
	}
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		if (!strstr(f->said, causes[i].said))
			continue;
		uc_fail(err, causes[i].code, "%s", causes[i].words);
		return causes[i].hint ? uc_hint(err, "%s", causes[i].hint) : -1;
	}
	return 0;
}

/* Basic authentication without a password ends without a word. */
static bool ends_signing_in(const char *said)
{
	const char *at = strstr(said, "Authenticating with user: ");

	return at && !strstr(at, "Authentication succeeded") && !strstr(at, "[ERROR]");
}

int uc_enroot_failure(const char *said, int status, const struct uc_import_source *source,
		      struct uc_error *err)
{
	const struct failure f = { said, status, source };
	const char *curl = strstr(said, "curl: ("), *url;
	const int http = http_status(said, &url);

	if (by_cause(&f, err) < 0)
		return -1;
	if (http >= 400 && http < 600)
		return by_status(&f, http, url, err);
	if (curl)
		return by_curl(&f, (int)strtol(curl + strlen("curl: ("), NULL, 10), err);
	if (ends_signing_in(said))
		return needs_login(&f, err);
	if (status > 128)
		return uc_fail(err, UC_FAILED, "enroot was ended by signal %d",
			       status - 128);
	return uc_fail(err, UC_FAILED, "enroot failed with status %d", status);
}
