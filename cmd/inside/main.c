/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "inside/inside.h"

void inside_say(const char *fmt, ...)
{
	va_list ap;

	fputs("uattach: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int hello(char **argv)
{
	(void)argv;
	puts("job-inside 1");
	return fflush(stdout) ? 1 : 0;
}

static const struct {
	const char *word;
	int (*fn)(char **argv);
} commands[] = {
	{ "hello", hello },          { "enter", inside_enter },     { "top", inside_top },
	{ "resize", inside_resize }, { "forward", inside_forward },
};

int main(int argc, char **argv)
{
	(void)argc;
	argv++;
	for (size_t i = 0; *argv && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(*argv, commands[i].word) == 0)
			return commands[i].fn(argv + 1);
	inside_say("job-inside is started by uattach, not by hand");
	return 2;
}
