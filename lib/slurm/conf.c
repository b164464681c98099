/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

const char *uc_slurm_conf_path(const char *conf)
{
	static const char *const usual[] = { "/etc/slurm/slurm.conf",
					     "/etc/slurm-llnl/slurm.conf",
					     "/run/slurm/conf/slurm.conf" };

	if (!conf)
		conf = getenv("SLURM_CONF");
	if (conf && *conf)
		return conf;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (!access(usual[i], R_OK))
			return usual[i];
	return NULL;
}

/* What follows "KEY=" on this line, else NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	line += strspn(line, " \t");
	if (strncasecmp(line, key, len))
		return NULL;
	line += len;
	line += strspn(line, " \t");
	if (*line != '=')
		return NULL;
	line++;
	return line + strspn(line, " \t\"");
}

/* A regular file only: a pipe or device in its place must not stop us. */
static FILE *open_conf(const char *path)
{
	int fd = path ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1;
	struct stat st;
	FILE *file;

	if (fd < 0)
		return NULL;
	file = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ? NULL : fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
}

void uc_slurm_conf_value(struct uc_buf *value, const char *path, const char *key)
{
	FILE *file = open_conf(path);
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		const char *text = value_of(line, key);

		if (!text)
			continue;
		uc_buf_reset(value);
		uc_buf_addn(value, text, strcspn(text, " \t\"#\r\n"));
	}
	if (file)
		fclose(file);
}

/* "SlurmctldHost=ctl1(10.0.0.1)" -> ctl1; older files say ControlMachine. */
void uc_slurm_conf_hosts(struct uc_buf *hosts, const char *path)
{
	static const char *const keys[] = { "SlurmctldHost", "ControlMachine",
					    "BackupController" };
	FILE *file = open_conf(path);
	char line[1024];

	while (file && fgets(line, sizeof(line), file) && hosts->len < 200) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			const char *host = value_of(line, keys[i]);
			size_t len = host ? strcspn(host, " \t\"(#,\r\n") : 0;

			if (!len)
				continue;
			if (hosts->len)
				uc_buf_add(hosts, " or ");
			uc_buf_addn(hosts, host, len);
		}
	}
	if (file)
		fclose(file);
}

int uc_slurm_conf_check(const char *conf, struct uc_error *err)
{
	const char *path = conf ? conf : getenv("SLURM_CONF");
	struct stat st;
	int fault = 0;

	if (!path)
		return 0;
	if (!*path) { /* libslurm would look for a server of configurations, and wait */
		uc_fail(err, UC_UNREACHABLE, "SLURM_CONF is empty");
		return uc_hint(err, "set it to the path of slurm.conf, or unset it");
	}
	if (stat(path, &st) < 0 || access(path, R_OK) < 0)
		fault = errno;
	else if (S_ISREG(st.st_mode))
		return 0;
	if (fault)
		uc_fail_errno(err, UC_UNREACHABLE, fault,
			      "slurm.conf '%s' cannot be read", path);
	else
		uc_fail(err, UC_UNREACHABLE, "slurm.conf '%s' is not a regular file",
			path);
	return uc_hint(err, conf ? "see slurm.conf in ucluster.config(5)"
				 : "SLURM_CONF names this file: correct or unset it");
}
