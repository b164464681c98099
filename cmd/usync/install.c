/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * usync install-helper: put the helper into ~/.local/bin of a host, by its shell. It gets
 * one constant command line; what belongs to this helper comes over its standard input.
 */
#include <elf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/ucluster.h>
#include <ucluster/units.h>
#include "common/ask.h"
#include "usync/options.h"

#define HELPER_MAX ((size_t)256 << 20)
#define ANSWER_MAX 4096

enum {
	UNAME_MS = 15000,
	IDLE_MS = 60000, /* the host takes nothing for so long */
};

/*
 * sh -c, for the user's shell may be any. The temporary file is whole and runs before it
 * gets its name; what was there stays when anything fails.
 */
static const char install_command[] =
	"exec sh -c '"
	"umask 022; IFS= read -r size || exit 3; "
	"dir=$HOME/.local/bin; mkdir -p \"$dir\" || exit 4; "
	"new=$(mktemp \"$dir/.uc-usync-XXXXXX\") || exit 4; "
	"trap \"rm -f \\\"$new\\\"\" EXIT HUP INT TERM; "
	"cat >\"$new\" || exit 5; "
	"[ \"$(wc -c <\"$new\")\" -eq \"$size\" ] || exit 6; "
	"chmod 755 \"$new\" || exit 5; "
	"\"$new\" --version || exit 7; "
	"mv -f \"$new\" \"$dir/usync\" || exit 5; "
	"trap - EXIT; echo installed; "
	"case :$PATH: in *:\"$dir\":*) echo in PATH;; esac'";

static const char *what_failed(int status)
{
	static const char *const texts[] = {
		[3] = "the connection ended before the file",
		[4] = "~/.local/bin cannot be made or written there",
		[5] = "it cannot be written there",
		[6] = "it arrived incomplete",
		[7] = "it does not run there",
	};

	return status >= 3 && status < (int)(sizeof(texts) / sizeof(texts[0]))
		       ? texts[status]
		       : "the shell there failed";
}

/* --- a conversation over a stream --- */

/* Send all of it and read the answer, until the other side's end. -1: errno. */
static int converse(struct uc_stream *stream, const struct uc_buf *send, int idle_ms,
		    struct uc_buf *answer)
{
	size_t sent = 0;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = stream->in, .events = POLLIN },
			{ .fd = send && sent < send->len ? stream->out : -1,
			  .events = POLLOUT },
		};
		char chunk[1024];
		ssize_t n;
		const int ready = poll(fds, 2, idle_ms);

		if (ready == 0)
			errno = ETIMEDOUT;
		if (ready <= 0 && !(ready < 0 && errno == EINTR))
			return -1;
		if (fds[1].revents) {
			n = write(stream->out, send->data + sent, send->len - sent);
			if (n < 0 && errno != EAGAIN && errno != EINTR)
				sent = send->len; /* the other side says why */
			sent += n > 0 ? (size_t)n : 0;
			if (sent == send->len)
				uc_stream_shut(stream);
		}
		if (!fds[0].revents)
			continue;
		n = read(stream->in, chunk, sizeof(chunk));
		/* it ended without reading all of it: its status says why */
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (n > 0 && answer->len < ANSWER_MAX)
			uc_buf_addn(answer, chunk, (size_t)n);
	}
}

/* The exit status there; -1. */
static int talk(struct uc_ssh *ssh, const char *command, const struct uc_buf *send,
		struct uc_buf *answer, struct uc_buf *said, struct uc_error *err)
{
	struct uc_stream stream = { .in = -1, .out = -1 };
	int status, failed = 0;

	if (uc_ssh_exec(ssh, command, &stream, err) < 0)
		return -1;
	if (!send)
		uc_stream_shut(&stream);
	if (converse(&stream, send, send ? IDLE_MS : UNAME_MS, answer) < 0)
		failed = errno;
	status = uc_stream_close(&stream, failed ? 0 : 5000, said);
	if (failed)
		return uc_fail_errno(err, UC_UNREACHABLE, failed, "the host");
	return status < 0 ? uc_fail(err, UC_UNREACHABLE, "the connection ended") : status;
}

/* --- what it is for --- */

/* As `uname -m` has it, of an ELF file; NULL: something else. */
static const char *machine_of(const struct uc_buf *file)
{
	static const struct {
		uint16_t machine;
		const char *name;
	} names[] = {
		{ EM_X86_64, "x86_64" }, { EM_AARCH64, "aarch64" },
		{ EM_PPC64, "ppc64le" }, { EM_RISCV, "riscv64" },
		{ EM_386, "i686" },
	};
	Elf64_Half machine;

	if (file->len < sizeof(Elf64_Ehdr) || memcmp(file->data, ELFMAG, SELFMAG) != 0)
		return NULL;
	memcpy(&machine, file->data + offsetof(Elf64_Ehdr, e_machine), sizeof(machine));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].machine == machine)
			return names[i].name;
	return NULL;
}

/* Does a whole line of the answer, which rc files may add to, say `wanted`? */
static bool has_line(const struct uc_buf *answer, const char *wanted)
{
	const char *text = uc_buf_text(answer);
	const size_t len = strlen(wanted);

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (strncmp(text, wanted, len) == 0 && (text[len] == '\n' || !text[len]))
			return true;
	return false;
}

static int check_machine(struct uc_ssh *ssh, const struct uc_buf *helper,
			 struct uc_error *err)
{
	uc_auto(buf) struct uc_buf answer = { 0 }, wanted = { 0 };
	const char *machine = machine_of(helper);
	const char *text, *last;

	if (!machine)
		return uc_fail(err, UC_FAILED,
			       "the helper here is no program of a kind "
			       "that is known");
	if (talk(ssh, "uname -sm", NULL, &answer, NULL, err) < 0)
		return -1;
	uc_buf_addf(&wanted, "Linux %s", machine);
	if (has_line(&answer, uc_buf_text(&wanted)))
		return 0;
	while (answer.len && answer.data[answer.len - 1] == '\n')
		answer.data[--answer.len] = '\0';
	text = uc_buf_text(&answer);
	last = strrchr(text, '\n');
	uc_fail(err, UC_FAILED, "the helper here is for %s, the host is '%.60s'",
		uc_buf_text(&wanted), last ? last + 1 : text);
	return uc_hint(err,
		       "SFTP works without it, more slowly; or install ucluster there");
}

static int read_helper(const struct uc_run *run, struct uc_buf *out, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	int got;

	uc_buf_addf(&path, "%s/usync-helper", run->libexec_dir);
	got = usync_file_read(uc_buf_text(&path), HELPER_MAX, out, err);
	if (got > 0)
		return uc_fail(err, UC_NOTFOUND, "'%s' is not there", uc_buf_text(&path));
	return got;
}

static int send_helper(struct uc_run *run, struct uc_ssh *ssh,
		       const struct uc_buf *helper, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf send = { 0 }, answer = { 0 }, said = { 0 };
	uc_auto(buf) struct uc_buf version = { 0 };
	int status;

	uc_buf_addf(&send, "%zu\n", helper->len);
	uc_buf_addn(&send, helper->data, helper->len);
	if (send.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	status = talk(ssh, install_command, &send, &answer, &said, err);
	if (status < 0)
		return -1;
	if (status != 0) {
		uc_fail(err, UC_FAILED, "the helper was not installed: %s",
			what_failed(status));
		return said.len
			       ? uc_hint(err, "the host said: %.150s", uc_buf_text(&said))
			       : -1;
	}
	uc_buf_addf(&version, "usync-helper %s", uc_version());
	if (!has_line(&answer, "installed") || !has_line(&answer, uc_buf_text(&version)))
		return uc_fail(err, UC_INVALID, "the host's answer makes no sense");
	uc_run_say(run, 0, "%s is ~/.local/bin/usync there now", uc_buf_text(&version));
	return 0;
}

static int install(struct usync *u, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf helper = { 0 };
	uc_auto(ssh) struct uc_ssh *ssh = NULL;

	signal(SIGPIPE, SIG_IGN); /* a host that stops reading says why */
	if (read_helper(u->run, &helper, err) < 0 ||
	    usync_request(u, UC_SYNC_PUSH, err) < 0)
		return -1;
	u->request.ssh.destination = u->run->parsed.operands.item[0];
	if (uc_ssh_open(&ssh, &u->request.ssh, err) < 0 ||
	    check_machine(ssh, &helper, err) < 0)
		return -1;
	if (u->args.dry_run) {
		uc_run_say(u->run, 0, "would write ~/.local/bin/usync there, %zu bytes",
			   helper.len);
		return 0;
	}
	return send_helper(u->run, ssh, &helper, err);
}

// clang-format off
static const struct uc_opt options[] = {
	{ "dry-run", 'n', UC_OPT_FLAG, USYNC_AT(dry_run), .group = "What is done",
	  .help = "only look whether it would fit" },
	{ "transport", .type = UC_OPT_CHOICE, .metavar = "NAME", .choices = usync_transports,
	  USYNC_AT(transport), .group = "Connection",
	  .help = "connect by auto, ssh or libssh2" },
	{ "config", .type = UC_OPT_STRING, .metavar = "FILE", USYNC_AT(config),
	  .help = "ssh's configuration, as ssh -F" },
	{ 0 }
};
// clang-format on

static int run_install(struct uc_run *run, const struct uc_cmd *cmd, int argc,
		       char **argv)
{
	uc_auto(usync) struct usync u = { .run = run, .args = USYNC_ARGS };
	struct uc_error err = { 0 };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &u.args) || uc_run_config(run, NULL) < 0)
		return run->status;
	u.show.run = run;
	run->status = 0;
	if (install(&u, &err) < 0)
		return uc_run_error(run, &err);
	return 0;
}

const struct uc_cmd usync_cmd_install = {
	.name = "usync install-helper",
	.summary = "put the helper on a host",
	.usage = (const char *const[]){ "[OPTION...] HOST", NULL },
	.options = options,
	.operands = "HOST",
	.min_operands = 1,
	.max_operands = 1,
	.shared = UC_SHARED_VERBOSE,
	.doc = "Copy the helper to\n.Pa ~/.local/bin/usync\nof\n.Ar HOST ,\n"
	       "where ucluster is not installed: one program that needs nothing else there.\n"
	       "It is tried there before it gets its name.\n"
	       "Without it\n.Nm usync\nuses SFTP.",
	.fn = run_install,
};
