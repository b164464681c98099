/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "pyxis.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *uc_fmt(const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	int len = vasprintf(&text, fmt, ap);
	va_end(ap);
	return len < 0 ? NULL : text;
}

int uc_list_add(char ***list, size_t *n, const char *text)
{
	if (uc_list_has(*list, *n, text))
		return 0;

	char **grown = realloc(*list, (*n + 1) * sizeof(*grown));
	if (!grown)
		return -1;
	*list = grown;
	grown[*n] = strdup(text);
	if (!grown[*n])
		return -1;
	(*n)++;
	return 0;
}

bool uc_list_has(char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

void uc_list_free(char ***list, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free((*list)[i]);
	free(*list);
	*list = NULL;
	*n = 0;
}

void uc_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void uc_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdprintf(STDERR_FILENO, fmt, ap);
	va_end(ap);
	if (write(STDERR_FILENO, "\n", 1) < 0)
		return;
}
