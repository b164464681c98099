/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "base/path.h"

#include <string.h>

const char *uc_path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void uc_path_folder(struct uc_buf *out, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		uc_buf_add(out, ".");
	else
		uc_buf_addn(out, path, slash == path ? 1 : (size_t)(slash - path));
}

/* Add the components of `path`, each with a slash before it. */
static void add_components(struct uc_buf *out, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len > 0 && !(len == 1 && path[0] == '.')) {
			uc_buf_addc(out, '/');
			uc_buf_addn(out, path, len);
		}
		path += len + (path[len] == '/');
	}
}

int uc_path_absolute(struct uc_buf *out, const char *path, const char *cwd,
		     const char *home, struct uc_error *err)
{
	uc_buf_reset(out);
	if (path[0] == '~' && path[1] != '/' && path[1] != '\0')
		return uc_fail(err, UC_USAGE,
			       "'%s': only ~/ is known, not other people's homes", path);
	if (path[0] == '~') {
		if (!home)
			return uc_fail(err, UC_USAGE, "'%s': no home directory is known",
				       path);
		add_components(out, home);
		path++;
	} else if (path[0] != '/') {
		if (!cwd)
			return uc_fail(err, UC_USAGE,
				       "'%s': the working directory is not known", path);
		add_components(out, cwd);
	}
	add_components(out, path);
	if (out->len == 0)
		uc_buf_addc(out, '/');
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}
