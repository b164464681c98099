/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The task's environment: the job's, less the locale, with the image's values over it,
 * but for the names of --container-env. The image's travel in a memfd, "NAME=VALUE\0"...
 */
#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (1 << 20)

static const char default_path[] =
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

int uc_env_store(struct uc_box *box, const char *data, size_t size)
{
	int fd = memfd_create("pyxis-env", MFD_CLOEXEC);

	if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size)) {
		uc_close(&fd);
		return -1;
	}
	box->fds[UC_FD_ENV] = fd;
	return 0;
}

static void add(FILE *out, const char *entry)
{
	fwrite(entry, 1, strlen(entry) + 1, out);
}

/* A line counts when it is NAME=VALUE; a comment or anything else does not. */
static bool is_entry(const char *line)
{
	size_t name = strspn(
		line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return name > 0 && line[name] == '=';
}

/* The image's /etc/environment, its home and a PATH. */
int uc_env_collect(struct uc_box *box, int root)
{
	char *data = NULL, *text = uc_path_read(root, "/etc/environment", MAX_FILE);
	size_t size = 0;
	bool has_path = false;
	FILE *out = open_memstream(&data, &size);

	if (!out) {
		free(text);
		return -1;
	}
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		if (!is_entry(line))
			continue;
		has_path |= strncmp(line, "PATH=", 5) == 0;
		add(out, line);
	}
	if (!has_path)
		add(out, default_path);
	fprintf(out, "HOME=%s%c", box->home, '\0');
	int rc = fclose(out) ? -1 : uc_env_store(box, data, size);
	free(data);
	free(text);
	return rc;
}

/*
 * Where an image's start script stands: the WORKDIR in the "cd" of its /etc/rc, as enroot
 * writes it on import, or the home directory.
 */
char *uc_env_image_cwd(int root, const char *home)
{
	char *text = uc_path_read(root, "/etc/rc", MAX_FILE), *cwd = NULL;

	for (char *rest = text, *line; !cwd && (line = strsep(&rest, "\n"));) {
		if (strncmp(line, "cd ", 3) != 0)
			continue;
		line += 3;
		bool quoted = *line == '"' || *line == '\'';
		const char ends[] = { quoted ? *line : ' ', quoted ? '\0' : ';', '\0' };
		line += quoted;
		line[strcspn(line, ends)] = '\0';
		if (*line == '/')
			cwd = strdup(line);
	}
	free(text);
	return cwd ? cwd : strdup(home);
}

/* In the holder, inside: what a start without the image's entrypoint leaves to a task. */
int uc_env_plain(struct uc_start *start)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return -1;
	start->box->cwd = uc_env_image_cwd(root, start->box->home);
	int rc = uc_env_collect(start->box, root);
	uc_close(&root);
	return rc;
}

static int set_one(spank_t sp, char *entry, const struct uc_options *options)
{
	char *value = strchr(entry, '=');

	if (!value)
		return 0;
	*value++ = '\0';
	bool host_wins = uc_list_has(options->env, options->n_env, entry);
	spank_err_t rc = spank_setenv(sp, entry, value, !host_wins);
	if (rc == ESPANK_SUCCESS || rc == ESPANK_ENV_EXISTS)
		return 0;
	slurm_error("pyxis: failed to set %s: %s", entry, spank_strerror(rc));
	return -1;
}

static char *read_all(int fd, size_t *size)
{
	struct stat st;

	if (fstat(fd, &st))
		return NULL;
	*size = (size_t)st.st_size;
	char *data = malloc(*size + 1);
	/* The descriptor, and its offset, is shared with the other tasks. */
	if (data && pread(fd, data, *size, 0) != (ssize_t)*size) {
		free(data);
		return NULL;
	}
	if (data)
		data[*size] = '\0';
	return data;
}

/* PyTorch's names for what Slurm tells each task. */
static int set_ranks(spank_t sp)
{
	static const char *const pairs[][2] = { { "SLURM_PROCID", "RANK" },
						{ "SLURM_LOCALID", "LOCAL_RANK" } };
	char value[256];

	if (spank_getenv(sp, "PYTORCH_VERSION", value, sizeof(value)) != ESPANK_SUCCESS)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		if (spank_getenv(sp, pairs[i][0], value, sizeof(value)) !=
			    ESPANK_SUCCESS ||
		    spank_setenv(sp, pairs[i][1], value, 1) != ESPANK_SUCCESS) {
			slurm_error(
				"pyxis: pytorch: couldn't remap environment variable %s",
				pairs[i][0]);
			return -1;
		}
	}
	return 0;
}

int uc_env_import(spank_t sp, const struct uc_box *box, const struct uc_options *options)
{
	static const char *const locale[] = { "LANG", "LANGUAGE", "LC_ALL" };
	size_t size = 0;
	char *data = read_all(box->fds[UC_FD_ENV], &size);
	int rc = data ? 0 : -1;

	for (size_t i = 0; i < 3; i++)
		if (!uc_list_has(options->env, options->n_env, locale[i]))
			spank_unsetenv(sp, locale[i]);
	for (size_t at = 0; rc == 0 && at < size;) {
		size_t len = strlen(data + at);
		rc = set_one(sp, data + at, options);
		at += len + 1;
	}
	free(data);
	return rc ? rc : set_ranks(sp);
}
