/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Job specifications for tests/e2e/dry_run.bats.
 *
 *	specs folders DIR IMAGE		make folders and images with odd names in DIR
 *	specs run SEED N KIND DIR COMMAND...
 *					exec COMMAND with the words of specification N
 *	specs check SEED N KIND DIR FILE
 *					does FILE have its command and its variables?
 *	srun WORD...			write the words and the environment to $RECORD
 *
 * KIND is "srun" or "batch". Started as "srun" it is the recorder: what execve() got, the
 * words first, their number in front, then the environment in order, a NUL after each.
 * Variables that shells change by themselves are left out. Memory goes with the process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

#define WORDS_MAX 64
#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define ANY(list) (list[below(COUNT(list))])

static unsigned long long seed;

/* A generator of our own: the same words on every machine. */
static unsigned int below(unsigned int n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(seed >> 33) % n;
}

/* A specification: the words, and what the job must see of them. */
struct spec {
	char *word[WORDS_MAX];
	char *env[WORDS_MAX];
	size_t words, envs, command;
	int batch;
	const char *dir;
};

static const char *const texts[] = {
	"",
	" ",
	"two  blanks ",
	"it's",
	"\"double\"",
	"'\"'\"'",
	"$HOME",
	"$(id)",
	"`id`",
	"\\",
	"\\\\n",
	"*",
	"?[a-z]*",
	"~",
	"~root",
	"!",
	"!!",
	"# comment",
	"a;b",
	"&& x",
	"| y",
	">/dev/full",
	"<in",
	"(x)",
	"{a,b}",
	"A=1",
	"%j %s%n",
	"-n4",
	"--dry-run",
	"--",
	"--image=x",
	"a\nb\n",
	"\n",
	"\t",
	"\r\n",
	"\xff\xfe",
	"\xc3",
	"\x81",
	"\x88\x85",
	"\x1b[31m",
	"\xe2\x80\xae",
	"\x7f\x01",
	"EOF",
	"::",
	"\xc3\xbc\xe2\x82\xac",
	"a\\",
	"$'x'",
	"=",
};
static const char *const numbers[] = { "1", "2", "4", "08" };
static const char *const times[] = { "8h",   "1h30m", "2d", "90",    "1:30:00",
				     "2-12", "90s",   "1w", "2d 4h", "1.5h" };
static const char *const sizes[] = { "24GB", "1.5T", "500M", "4096",
				     "16g",  "1.5G", "0",    "24GiB" };
static const char *const names[] = { "gpu", "batch", "gpu,batch" };
static const char *const outputs[] = { "out.txt", "%x-%j.out", "two blanks", "it's" };
static const char *const gpus[] = { "1", "a100:2", "a100:1,h100:1" };

/* Both srun's and sbatch's. */
static const struct option {
	const char *name;
	char letter;
	const char *const *values; /* NULL: any text */
	size_t count;
} options[] = {
	{ "time", 't', times, COUNT(times) },
	{ "mem", 0, sizes, COUNT(sizes) },
	{ "outp", 0, outputs, COUNT(outputs) }, /* short for --output */
	{ "ntasks", 'n', numbers, COUNT(numbers) },
	{ "cpus-per-task", 'c', numbers, COUNT(numbers) },
	{ "nodes", 'N', numbers, COUNT(numbers) },
	{ "partition", 'p', names, COUNT(names) },
	{ "gpus", 'G', gpus, COUNT(gpus) },
	{ "gpus-per-node", 0, gpus, COUNT(gpus) },
	{ "output", 'o', outputs, COUNT(outputs) },
	{ "job-name", 'J', NULL, 0 },
	{ "comment", 0, NULL, 0 },
	{ "constraint", 'C', NULL, 0 },
};

static const char *const flags[] = { "-l",
				     "-u",
				     "-lu",
				     "--label",
				     "--overcommit",
				     "--exclusive",
				     "--exclusive=user",
				     "-v",
				     "--export=ALL" };
static const char *const batch_flags[] = { "--overcommit", "--exclusive", "--requeue",
					   "--exclusive=user", "-v" };
static const char *const pyxis[] = {
	"--container-writable",      "--container-name=uct",   "--container-env=LANG,A",
	"--no-container-entrypoint", "--container-remap-root", "--container-mount-home"
};
static const char *const references[] = { "--image=docker://debian",
					  "--image=nvcr.io/nvidia/pytorch:24.05-py3",
					  "--image=python", "--image=tiny" };
/* Of folders; with .sqsh behind, of images. */
static const char *const odd[] = { "plain", "two  blanks", "it's",       "\"double\"",
				   "$HOME", "*",           "[a-z]",      "back\\slash",
				   "-dash", "# hash",      "semi;colon", "~tilde",
				   "a=b",   "$(id)",       "`id`",       "\xff\xfe",
				   "\2011", "\xc3\xbc",    "tab\there",  "(x)&!" };
static const char *const commands[] = { "python3", "./a b", "$HOME",  "\xff",
					"it's",    "sh",    "~/x",    "*",
					"A=1",     "-x",    "--help", "#",
					"a\nb",    "if",    "{",      "" };
static const char *const variables[] = { "A", "GREETING", "_x1", "OMP_NUM_THREADS" };

static void give_up(const char *what)
{
	perror(what);
	exit(2);
}

static char *join(const char *a, const char *b, const char *c, const char *d)
{
	size_t size = strlen(a) + strlen(b) + strlen(c) + strlen(d) + 1;
	char *text = malloc(size);

	if (!text)
		give_up("malloc");
	snprintf(text, size, "%s%s%s%s", a, b, c, d);
	return text;
}

static void add(struct spec *s, const char *word)
{
	if (s->words + 1 >= WORDS_MAX)
		exit(3);
	s->word[s->words++] = join(word, "", "", "");
}

/* Any bytes, or one of the list; without line breaks for what a line must hold. */
static char *some_text(int one_line)
{
	char text[24] = "";
	unsigned int len;

	if (below(3)) {
		snprintf(text, sizeof(text), "%s", ANY(texts));
	} else {
		len = 2 + below(12);
		for (unsigned int i = 0; i < len; i++)
			text[i] = (char)(1 + below(255));
		text[len] = '\0';
	}
	for (char *c = text; one_line && *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = '.';
	return join(text, "", "", "");
}

static void add_option(struct spec *s)
{
	const struct option *o = &options[below(COUNT(options))];
	const char letter[] = { '-', o->letter, '\0' };
	char *value = o->values
			      ? join(o->values[below((unsigned int)o->count)], "", "", "")
			      : some_text(s->batch);

	switch (below(o->letter ? 4 : 2)) {
	case 0:
		add(s, join("--", o->name, "=", value));
		break;
	case 1:
		add(s, join("--", o->name, "", ""));
		add(s, value);
		break;
	case 2:
		if (value[0]) {
			add(s, join(letter, value, "", ""));
			break;
		}
		__attribute__((fallthrough));
	default:
		add(s, letter);
		add(s, value);
	}
	free(value);
}

static void add_variable(struct spec *s)
{
	const char *name = ANY(variables);
	char *pair = join(name, "=", some_text(0), "");

	if (below(2)) {
		add(s, "--env");
		add(s, pair);
	} else {
		add(s, join("--env=", pair, "", ""));
	}
	for (size_t i = 0; i < s->envs; i++)
		if (strncmp(s->env[i], name, strlen(name)) == 0 &&
		    s->env[i][strlen(name)] == '=') {
			s->env[i] = pair; /* the last one counts */
			return;
		}
	s->env[s->envs++] = pair;
}

static void add_container(struct spec *s)
{
	unsigned int kind = below(6);
	char target[24];

	if (kind == 0) {
		add(s, "--no-container");
		return;
	}
	if (kind == 1)
		add(s, "--runtime=enroot");
	else if (kind == 2)
		add(s, ANY(pyxis));
	if (below(2)) /* enroot runs what has been imported */
		add(s, kind == 1 ? "--image=tiny" : ANY(references));
	else
		add(s, join("--image=", below(2) ? s->dir : "../m", "/",
			    join(ANY(odd), ".sqsh", "", "")));
	for (unsigned int i = below(3); i > 0; i--) {
		snprintf(target, sizeof(target), ":/t%u%s", i, below(2) ? "" : ":ro");
		add(s, "--mounts");
		add(s, join(below(2) ? s->dir : "../m", "/", ANY(odd), target));
	}
	if (below(4) == 0)
		add(s, join("--workdir=", s->dir, "/", ANY(odd)));
	if (below(6) == 0)
		add(s, "--no-default-mounts");
}

static void add_command(struct spec *s)
{
	const char *first = ANY(commands);

	if (first[0] == '-' || below(3) == 0)
		add(s, "--");
	s->command = s->words;
	add(s, first);
	for (unsigned int i = below(7); i > 0; i--)
		add(s, some_text(0));
}

static void make(struct spec *s, const char *first, const char *number, const char *kind,
		 const char *dir)
{
	seed = strtoull(first, NULL, 10) * 1000003 + strtoull(number, NULL, 10);
	below(2);
	s->batch = strcmp(kind, "batch") == 0;
	s->dir = dir;
	add_container(s);
	for (unsigned int i = below(6); i > 0; i--)
		switch (below(6)) {
		case 0:
			add(s, s->batch ? ANY(batch_flags) : ANY(flags));
			break;
		case 1:
			add_variable(s);
			break;
		case 2:
			if (below(3) == 0) {
				add(s,
				    join("--site-option=", some_text(s->batch), "", ""));
				break;
			}
			__attribute__((fallthrough));
		default:
			add_option(s);
		}
	if (below(4) == 0)
		add(s, "--env=CALLERS");
	add_command(s);
}

static int run(const struct spec *s, char **command)
{
	char *argv[2 * WORDS_MAX];
	size_t n = 0;

	while (*command && n < WORDS_MAX)
		argv[n++] = *command++;
	memcpy(argv + n, s->word, (s->words + 1) * sizeof(*argv));
	execvp(argv[0], argv);
	return perror(argv[0]), 1;
}

static char *read_all(const char *path, size_t *size)
{
	FILE *in = fopen(path, "r");
	struct stat st;
	char *text;

	if (!in || fstat(fileno(in), &st) < 0)
		give_up(path);
	*size = (size_t)st.st_size;
	text = malloc(*size + 1);
	if (!text || fread(text, 1, *size, in) != *size)
		give_up(path);
	fclose(in);
	return text;
}

static int is_there(const char *pair, const char *at, const char *end)
{
	for (; at < end; at += strlen(at) + 1)
		if (strcmp(at, pair) == 0)
			return 1;
	return fprintf(stderr, "not in the environment: %s\n", pair), 0;
}

/* The record: COUNT words, each with a NUL; the environment. */
static int check(const struct spec *s, const char *path)
{
	size_t size, count, skip, i;
	char *text = read_all(path, &size), *at = text, *end = text + size;

	count = size ? strtoul(at, NULL, 10) : 0;
	if (count < s->words - s->command)
		return fprintf(stderr, "%s: %zu words only\n", path, count), 1;
	skip = count - (s->words - s->command);
	for (i = 0, at += strlen(at) + 1; i < skip; i++)
		at += strlen(at) + 1;
	for (i = s->command; i < s->words; i++, at += strlen(at) + 1)
		if (strcmp(at, s->word[i]) != 0)
			return fprintf(stderr, "'%s' for '%s'\n", at, s->word[i]), 1;
	for (i = 0; i < s->envs; i++)
		if (!is_there(s->env[i], at, end))
			return 1;
	free(text);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of the shell, or of the test; dash drops bash's functions, which are no names. */
static int is_passing(const char *variable)
{
	static const char *const list[] = { "_=",     "PWD=",    "OLDPWD=",
					    "SHLVL=", "RECORD=", "BASH_FUNC_" };

	for (size_t i = 0; i < COUNT(list); i++)
		if (strncmp(variable, list[i], strlen(list[i])) == 0)
			return 1;
	return 0;
}

static int record(int argc, char **argv)
{
	const char *path = getenv("RECORD");
	FILE *out = path ? fopen(path, "wx") : NULL;
	size_t count = 0;

	if (!out)
		return perror("RECORD"), 1;
	fprintf(out, "%d%c", argc, '\0');
	for (; *argv; argv++)
		fwrite(*argv, 1, strlen(*argv) + 1, out);
	while (environ[count])
		count++;
	qsort(environ, count, sizeof(*environ), by_text);
	for (char **e = environ; *e; e++)
		if (!is_passing(*e))
			fwrite(*e, 1, strlen(*e) + 1, out);
	return fclose(out) == 0 ? 0 : 1;
}

static int folders(const char *dir, const char *image)
{
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *path = join(dir, "/", odd[i], "");

		if (mkdir(path, 0755) < 0 ||
		    symlink(image, join(path, ".sqsh", "", "")) < 0)
			give_up(path);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	struct spec spec = { 0 };

	if (strcmp(slash ? slash + 1 : argv[0], "srun") == 0)
		return record(argc, argv);
	if (argc == 4 && strcmp(argv[1], "folders") == 0)
		return folders(argv[2], argv[3]);
	if (argc >= 7) {
		make(&spec, argv[2], argv[3], argv[4], argv[5]);
		return strcmp(argv[1], "run") == 0 ? run(&spec, argv + 6)
						   : check(&spec, argv[6]);
	}
	fprintf(stderr, "usage: specs folders|run|check ...\n");
	return 2;
}
