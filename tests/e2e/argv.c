/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Argument vectors for tests/e2e/argv.bats.
 *
 *	argv make SEED COUNT FILE	write COUNT random vectors
 *	argv run FILE COMMAND...	exec COMMAND with all words of FILE after its own
 *	argv dump FILE WORD...		write the words that arrived
 *
 * A file is words with a NUL after each. A vector is the word "@N" and N words, so that a
 * word that is lost or split shifts all that follow. A lone ":" is never made: srun takes
 * it for the separator of components wherever it stands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long long seed;

/* A generator of our own: the same words on every machine. */
static unsigned int below(unsigned int n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(seed >> 33) % n;
}

static const char *const nasty[] = {
	"",
	" ",
	"  two  blanks  ",
	"\t",
	"\n",
	"a\nb\n",
	"*",
	"?",
	"[a-z]*",
	"~",
	"~root",
	"$HOME",
	"${PATH}",
	"$(id)",
	"`id`",
	"$'\\n'",
	"\\",
	"\\\\",
	"'",
	"\"",
	"'\"'\"'",
	"it's",
	"\"quoted\"",
	"!",
	"!!",
	"#",
	"# comment",
	";",
	"&",
	"&&",
	"|",
	">",
	"<",
	">/tmp/x",
	"(",
	")",
	"{a,b}",
	"=",
	"A=1",
	"%j",
	"%",
	"%s%n",
	"-",
	"--",
	"---",
	"-n",
	"-n4",
	"--gpus=1",
	"--gpus",
	"--image=x",
	"--batch",
	"--dry-run",
	"--help",
	"-h",
	"--container-image=/x",
	"::",
	":a",
	"a:b",
	"\xff",
	"\xc3",
	"\xe2\x82",
	"\x1b[31m",
	"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80",
	"\xe2\x80\xae",
	"\x7f",
	"\x01\x02\x03",
	"\r",
	"\r\n",
	"a,b",
	"0",
	"-1",
	"@",
	"@3",
	"\\n",
	"\\0",
	"EOF",
	"exit 1",
};

static void put_word(FILE *out)
{
	unsigned int kind = below(10), len;

	if (kind < 5) {
		fputs(nasty[below(sizeof(nasty) / sizeof(nasty[0]))], out);
	} else {
		/* any bytes, now and then many of them; two at least, so no lone ":" */
		len = kind < 9 ? 2 + below(12) : below(60) ? 2 + below(100) : 4096;
		for (unsigned int i = 0; i < len; i++)
			fputc((int)(1 + below(255)), out);
	}
	fputc('\0', out);
}

static int make(const char *first, const char *count, const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		return perror(path), 1;
	seed = strtoull(first, NULL, 10);
	for (long n = atol(count); n > 0; n--) {
		unsigned int words = below(9);

		fprintf(out, "@%u%c", words, '\0');
		while (words-- > 0)
			put_word(out);
	}
	return fclose(out) == 0 ? 0 : 1;
}

static int dump(const char *path, char **words)
{
	FILE *out = fopen(path, "w");

	if (!out)
		return perror(path), 1;
	for (; *words; words++)
		fwrite(*words, 1, strlen(*words) + 1, out);
	return fclose(out) == 0 ? 0 : 1;
}

static int run(const char *path, char **command)
{
	FILE *in = fopen(path, "r");
	struct stat st;
	size_t count = 0, size;
	char *text, **argv;

	if (!in || fstat(fileno(in), &st) < 0)
		return perror(path), 1;
	size = (size_t)st.st_size;
	text = malloc(size + 1);
	argv = malloc((size + 64) * sizeof(*argv));
	if (!text || !argv || fread(text, 1, size, in) != size)
		return perror(path), 1;
	for (; *command; command++)
		argv[count++] = *command;
	for (char *at = text; at < text + size; at += strlen(at) + 1)
		argv[count++] = at;
	argv[count] = NULL;
	execvp(argv[0], argv);
	return perror(argv[0]), 1;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "make") == 0)
		return make(argv[2], argv[3], argv[4]);
	if (argc >= 4 && strcmp(argv[1], "run") == 0)
		return run(argv[2], argv + 3);
	if (argc >= 3 && strcmp(argv[1], "dump") == 0)
		return dump(argv[2], argv + 3);
	fprintf(stderr, "usage: argv make|run|dump FILE ...\n");
	return 2;
}
