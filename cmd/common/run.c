/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/run.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <ucluster/ucluster.h>

extern char **environ;

const char *uc_run_env(const struct uc_run *run, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; run->environment[i]; i++) {
		const char *entry = run->environment[i];

		if (strncmp(entry, name, len) == 0 && entry[len] == '=')
			return entry[len + 1] ? entry + len + 1 : NULL;
	}
	return NULL;
}

int uc_run_user(const char *word, bool live, uint32_t *id, struct uc_error *err)
{
	const char *digit = word;
	const struct passwd *pw;
	uint64_t number = 0;

	for (; *digit >= '0' && *digit <= '9' && number < UC_NONE32; digit++)
		number = 10 * number + (uint64_t)(*digit - '0');
	*id = UC_NONE32;
	if (*word && !*digit && number < UC_NONE32)
		*id = (uint32_t)number;
	if (*id != UC_NONE32 || !live)
		return 0;
	pw = getpwnam(word);
	if (!pw)
		return uc_fail(err, UC_NOTFOUND, "no user '%s'", word);
	*id = pw->pw_uid;
	return 0;
}

/*
 * A file opened later must not become stdout or stderr. A closed stdout gets a descriptor
 * that cannot be written, so that what is printed is reported as lost at the end.
 */
static void open_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(UC_FAILED);
	}
}

/* "/usr/bin" and "../libexec/ucluster" are "/usr/libexec/ucluster". */
static char *join(const char *base, const char *relative)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	size_t len = strlen(base);

	while (strncmp(relative, "../", 3) == 0) {
		relative += 3;
		while (len > 0 && base[len - 1] != '/')
			len--;
		while (len > 0 && base[len - 1] == '/')
			len--;
	}
	uc_buf_addn(&path, base, len);
	if (strcmp(relative, ".") != 0)
		uc_buf_addf(&path, "/%s", relative);
	return uc_buf_take(&path);
}

/*
 * The folder of the running program: parts are found from it, wherever it was installed.
 * The kernel gives the path without symbolic links.
 */
static char *find_bin_dir(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));
	const char *slash = len > 0 ? memrchr(path, '/', (size_t)len) : NULL;

	if (!slash || len == sizeof(path))
		return strdup(UC_BINDIR);
	return strndup(path, (size_t)(slash - path));
}

static const char *find_home(const struct uc_run *run)
{
	const char *home = uc_run_env(run, "HOME");
	struct passwd *pw;

	if (home && home[0] == '/')
		return home;
	pw = getpwuid(getuid());
	return pw && pw->pw_dir && pw->pw_dir[0] == '/' ? pw->pw_dir : NULL;
}

static char *find_cwd(void)
{
	char *cwd = get_current_dir_name();

	if (cwd && cwd[0] == '/')
		return cwd;
	if (cwd)
		errno = ENOENT;
	free(cwd); /* deleted, or "(unreachable)" */
	return NULL;
}

/* False: out of memory. NULL: there is no place for it. */
static bool find_user_path(const struct uc_run *run, char **out)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	const char *named = uc_run_env(run, "UCLUSTER_CONFIG");
	const char *base = uc_run_env(run, "XDG_CONFIG_HOME");

	if (named)
		uc_buf_add(&path, named);
	else if (base && base[0] == '/')
		uc_buf_addf(&path, "%s/ucluster/config.yaml", base);
	else if (run->home)
		uc_buf_addf(&path, "%s/.config/ucluster/config.yaml", run->home);
	else
		return true;
	*out = uc_buf_take(&path);
	return *out != NULL;
}

static int find_columns(const struct uc_run *run)
{
	const char *text = uc_run_env(run, "COLUMNS");
	struct winsize size;
	long columns = text ? strtol(text, NULL, 10) : 0;

	if (columns > 0 && columns < 10000)
		return (int)columns;
	for (int fd = 1; fd <= 2; fd++)
		if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
			return size.ws_col;
	return 80;
}

void uc_run_color(struct uc_run *run, int color)
{
	const char *term = uc_run_env(run, "TERM");

	if (color == UC_COLOR_AUTO)
		run->color = run->stdout_tty && !uc_run_env(run, "NO_COLOR") && term &&
			     strcmp(term, "dumb") != 0;
	else
		run->color = color == UC_COLOR_ALWAYS;
}

int uc_run_begin(struct uc_run *run, const struct uc_cmd *cmd, struct uc_error *err)
{
	const char *site;
	bool memory;

	open_standard_fds();
	setlocale(LC_CTYPE, "");
	*run = (struct uc_run){ .prog = cmd->name };
	run->environment = (const char *const *)environ;
	run->home = find_home(run);
	run->cwd = find_cwd();
	memory = run->cwd || errno != ENOMEM;
	run->bin_dir = find_bin_dir();
	site = uc_run_env(run, "UCLUSTER_SITE_CONFIG");
	run->site_path = strdup(site ? site : "/etc/ucluster/config.yaml");
	memory = find_user_path(run, &run->user_path) && memory;
	run->stdin_tty = isatty(STDIN_FILENO);
	run->stdout_tty = isatty(STDOUT_FILENO);
	run->stderr_tty = isatty(STDERR_FILENO);
	run->columns = find_columns(run);
	run->safe = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? 0 : UC_SAFE_ASCII;
	uc_run_color(run, UC_COLOR_AUTO);
	if (run->bin_dir) {
		run->libexec_dir = join(run->bin_dir, UC_LIBEXEC_FROM_BIN);
		run->data_dir = join(run->bin_dir, UC_DATA_FROM_BIN);
	}
	if (!run->libexec_dir || !run->data_dir || !run->site_path || !memory)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

/* Of a write that failed long ago stdio keeps no errno. */
static bool reader_is_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

/* Whether all of stdout was written; EPIPE counts as written. */
static int finish_stdout(struct uc_error *err)
{
	bool lost = ferror(stdout), gone = lost && reader_is_gone();
	/* the reason of a write that failed long ago often still holds */
	int still = lost && write(STDOUT_FILENO, "", 0) < 0 ? errno : 0;

	errno = 0;
	if (fflush(stdout) == 0 && fclose(stdout) == 0 && (!lost || gone))
		return 0;
	if (errno == EPIPE)
		return 0;
	if (errno == 0)
		errno = still;
	if (errno == 0)
		return uc_fail(err, UC_FAILED, "cannot write standard output");
	return uc_fail_errno(err, UC_FAILED, errno, "cannot write standard output");
}

int uc_run_end(struct uc_run *run, int status)
{
	struct uc_error err = { 0 };

	if (finish_stdout(&err) < 0) {
		uc_run_error(run, &err);
		status = status ? status : UC_FAILED;
	}
	uc_config_free(run->config);
	uc_parsed_free(&run->parsed);
	free(run->cwd);
	free(run->bin_dir);
	free(run->libexec_dir);
	free(run->data_dir);
	free(run->site_path);
	free(run->user_path);
	return status;
}

static void print_help(struct uc_run *run, const struct uc_cmd *cmd)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error err = { 0 };

	if (uc_opt_help(cmd, run->parsed.help, run->columns, &text, &err) < 0) {
		uc_run_error(run, &err);
		return;
	}
	fputs(uc_buf_text(&text), stdout);
	run->status = 0;
}

static void print_version(const struct uc_cmd *cmd)
{
	size_t len = strcspn(cmd->name, " ");
	bool suite =
		len == strlen("ucluster") && strncmp(cmd->name, "ucluster", len) == 0;

	printf("%.*s %s%s\n", (int)len, cmd->name, suite ? "" : "(ucluster) ",
	       uc_version());
}

bool uc_run_parse(struct uc_run *run, const struct uc_cmd *cmd, char **argv, void *args)
{
	struct uc_error err = { 0 };

	run->prog = cmd->name;
	uc_parsed_free(&run->parsed);
	run->parsed = (struct uc_parsed){ .color = -1 };
	if (uc_opt_parse(cmd, argv, args, &run->parsed, &err) < 0) {
		uc_run_error(run, &err);
		return false;
	}
	if (run->parsed.help) {
		print_help(run, cmd);
		return false;
	}
	if (run->parsed.version) {
		print_version(cmd);
		run->status = 0;
		return false;
	}
	uc_run_color(run, run->parsed.color < 0 ? UC_COLOR_AUTO : run->parsed.color);
	return true;
}

/* Follow the words of the command line to the subcommand that does the work. */
static const struct uc_cmd *descend(struct uc_run *run, const struct uc_cmd *cmd,
				    int *argc, char ***argv)
{
	struct uc_error err = { 0 };

	while (cmd && cmd->subcommands && cmd->fn) {
		const struct uc_cmd *sub = NULL;

		for (size_t i = 0; (*argv)[0] && (*argv)[1] && cmd->subcommands[i]; i++)
			if (strcmp(uc_cmd_word(cmd->subcommands[i]), (*argv)[1]) == 0)
				sub = cmd->subcommands[i];
		if (!sub)
			return cmd;
		cmd = sub;
		++*argv;
		--*argc;
	}
	while (cmd && cmd->subcommands) {
		size_t rest;

		assert(!cmd->options);
		if (!uc_run_parse(run, cmd, *argv, NULL))
			return NULL;
		rest = run->parsed.operands.count;
		if (!rest) {
			uc_fail(&err, UC_USAGE, "missing command: see '%s --help'",
				cmd->name);
			uc_run_error(run, &err);
			return NULL;
		}
		cmd = uc_cmd_find(cmd, run->parsed.operands.item[0], &err);
		if (!cmd)
			uc_run_error(run, &err);
		*argv += *argc - (int)rest;
		*argc = (int)rest;
	}
	return cmd;
}

int uc_run_main(const struct uc_cmd *cmd, int argc, char **argv)
{
	struct uc_run run;
	struct uc_error err = { 0 };

	if (uc_run_begin(&run, cmd, &err) < 0)
		return uc_run_end(&run, uc_run_error(&run, &err));
	cmd = descend(&run, cmd, &argc, &argv);
	if (cmd)
		run.status = cmd->fn(&run, cmd, argc, argv);
	return uc_run_end(&run, run.status);
}
