/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The user's own ssh. One process logs in and stays (a "master" of ssh_config(5),
 * ControlMaster, at a socket of ours); programs are started over it, whose standard input
 * and output ssh hands to that process: no byte is copied once more. A connection that
 * the user keeps himself is used as it is.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "base/linux.h"
#include "base/program.h"
#include "ssh/stream.h"
#include "ssh/transport.h"

#define KEEP_S      600    /* for the next run */
#define LINGER_S    60     /* when nobody could end it, as after kill -9 */
#define THINK_MS    600000 /* how long ssh may wait for what the user types */
#define TOUCH       2      /* times as long: for a security key, or an agent that asks */
#define ASKS_MS     100
#define TALK_MAX    (16U << 10) /* bytes of ssh's, and so the server's, words */
#define TALK_LINE   1024
#define END_MS      2000
#define LOOK_MS     20
#define SOCKET_MAX  80 /* bytes of its name; ssh adds 17 while it makes it */
#define FAST_CIPHER "aes128-gcm@openssh.com"

struct uc_openssh {
	struct uc_strv environment, words; /* of every ssh, up to the host */
	struct uc_buf program, host;
	struct uc_buf folder, socket; /* of the master; empty: not ours */
	bool ends; /* with this: the master and its folder are nobody else's */
};

static const char *variable(const char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (const char *const *at = environment; at && *at; at++)
		if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
			return *at + len + 1;
	return NULL;
}

bool uc_openssh_alive(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	bool alive;
	int fd;

	if (!path || *path != '/' || strlen(path) >= sizeof(to.sun_path))
		return false;
	memcpy(to.sun_path, path, strlen(path));
	fd = uc_socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return false;
	alive = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
	close(fd);
	return alive;
}

/* Ours alone, or nobody's: who could write there could answer in ssh's place. */
static bool private_folder(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return false;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & 077) == 0;
}

/* What a kept connection is for, as a short name: another destination, another socket. */
static void add_name(struct uc_buf *out, const struct uc_ssh_options *options)
{
	uc_auto(buf) struct uc_buf all = { 0 };
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	uc_buf_addf(&all, "%s%c%s%c%s", options->destination, 0,
		    options->config_file ? options->config_file : "", 0,
		    variable(options->environment, "HOME")
			    ? variable(options->environment, "HOME")
			    : "");
	if (all.failed ||
	    EVP_Digest(all.data, all.len, digest, &size, EVP_sha256(), NULL) != 1)
		size = 0;
	for (unsigned i = 0; i < 8 && i < size; i++)
		uc_buf_addf(out, "%02x", digest[i]);
}

static int make_socket(struct uc_openssh *openssh, const struct uc_ssh_options *options,
		       struct uc_error *err)
{
	const char *run = variable(options->environment, "XDG_RUNTIME_DIR");
	struct uc_buf *folder = &openssh->folder;

	if (run && *run == '/' && strlen(run) < SOCKET_MAX - 40)
		uc_buf_addf(folder, "%s/ucluster-ssh", run);
	if (!folder->len || !private_folder(folder->data)) {
		uc_buf_reset(folder);
		uc_buf_addf(folder, "/tmp/ucluster-ssh-%ld", (long)geteuid());
	}
	if (folder->failed || !private_folder(folder->data))
		return uc_fail(err, UC_DENIED,
			       "'%s' is not a folder of yours alone, expected mode 0700",
			       uc_buf_text(folder));
	uc_buf_addf(&openssh->socket, "%s/", folder->data);
	if (options->keep) {
		add_name(&openssh->socket, options);
	} else {
		uc_buf_add(folder, "/XXXXXX");
		if (folder->failed || !mkdtemp(folder->data))
			return uc_fail_errno(err, UC_FAILED, errno, "cannot make '%s'",
					     uc_buf_text(folder));
		uc_buf_reset(&openssh->socket);
		uc_buf_addf(&openssh->socket, "%s/m", folder->data);
		openssh->ends = true;
	}
	if (openssh->socket.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

static bool someone_answers(const struct uc_ssh_options *options)
{
	return options->asker && options->asker->secret;
}

/* The fastest cipher first, of those that are allowed. */
static void add_ciphers(struct uc_strv *words, const struct uc_ssh_config *config)
{
	const char *fast = config->ciphers ? strstr(config->ciphers, FAST_CIPHER) : NULL;
	int before;

	if (!fast || fast == config->ciphers)
		return;
	before = (int)(fast - config->ciphers) - 1; /* the comma */
	uc_strv_addf(words, "-oCiphers=%s,%.*s%s", FAST_CIPHER, before, config->ciphers,
		     fast + strlen(FAST_CIPHER));
}

static void add_common(struct uc_strv *words, const struct uc_ssh_options *options)
{
	uc_strv_add(words, "ssh");
	if (options->config_file) {
		uc_strv_add(words, "-F");
		uc_strv_add(words, options->config_file);
	}
	uc_strv_add(words, "-Tax"); /* no terminal, no agent, no X11 */
	uc_strv_add(words, "-oClearAllForwardings=yes");
	uc_strv_add(words, "-oRemoteCommand=none");
}

/* USER@HOST:PORT as ssh takes it; uc_ssh_config_read accepted it. */
static void add_destination(struct uc_openssh *openssh, const char *destination)
{
	const char *at = strrchr(destination, '@'), *host = at ? at + 1 : destination,
		   *end;

	if (at) {
		uc_strv_add(&openssh->words, "-l");
		uc_strv_addn(&openssh->words, destination, (size_t)(at - destination));
	}
	end = *host == '[' ? strchr(++host, ']') : strchr(host, ':');
	if (end && *end == ':' && strchr(end + 1, ':'))
		end = NULL; /* an address with colons */
	uc_buf_addn(&openssh->host, host, end ? (size_t)(end - host) : strlen(host));
	if (end)
		end += *end == ']';
	if (end && *end == ':') {
		uc_strv_add(&openssh->words, "-p");
		uc_strv_add(&openssh->words, end + 1);
	}
}

static void make_login(struct uc_strv *words, const struct uc_openssh *openssh,
		       const struct uc_ssh_config *config,
		       const struct uc_connect *connect)
{
	const struct uc_ssh_options *options = connect->options;
	int64_t left = (connect->deadline - uc_monotonic_ms() + 999) / 1000;

	uc_strv_add_all(words, (const char *const *)openssh->words.item);
	uc_strv_add(words, "-N");
	uc_strv_add(words, "-oControlMaster=yes");
	uc_strv_addf(words, "-oControlPersist=%d", options->keep ? KEEP_S : LINGER_S);
	uc_strv_addf(words, "-oConnectTimeout=%d", left > 0 ? (int)left : 1);
	uc_strv_add(words, "-oServerAliveInterval=15");
	uc_strv_add(words, "-oServerAliveCountMax=3");
	uc_strv_add(words, "-oCompression=no"); /* what is sent is compressed already */
	add_ciphers(words, config);
	if (!someone_answers(options))
		uc_strv_add(words, "-oBatchMode=yes");
	if (config->strict &&
	    (strcmp(config->strict, "false") == 0 || strcmp(config->strict, "no") == 0 ||
	     strcmp(config->strict, "off") == 0))
		uc_strv_add(words, "-oStrictHostKeyChecking=accept-new");
	uc_strv_add(words, "--");
	uc_strv_add(words, uc_buf_text(&openssh->host));
}

/* With texts that can be told apart whatever the user's language is. */
static void make_environment(struct uc_strv *out, const struct uc_strv *environment)
{
	for (size_t i = 0; i < environment->count; i++)
		if (strncmp(environment->item[i], "LC_ALL=", 7) != 0)
			uc_strv_add(out, environment->item[i]);
	uc_strv_add(out, "LC_ALL=C");
}

/* What goes on while ssh logs in, and somebody is there to answer it. */
struct login {
	const struct uc_connect *connect;
	struct uc_stream stream;
	struct uc_buf pending;          /* not a whole line yet */
	size_t said;                    /* bytes that were passed on */
	int64_t looked, deadline, last; /* `deadline` moves on while it asks, to `last` */
};

/* What ssh says while the user is asked belongs to the question. */
static void pass_on(struct login *login)
{
	struct uc_buf *pending = &login->pending;
	char *newline;

	uc_child_says(&login->stream, pending);
	while (pending->len && (newline = memchr(pending->data, '\n', pending->len))) {
		size_t len = (size_t)(newline - pending->data),
		       rest = pending->len - len - 1;

		if (len && newline[-1] == '\r')
			newline[-1] = '\0';
		*newline = '\0';
		if (*pending->data && login->said < TALK_MAX)
			uc_connect_say(login->connect, 0, "ssh: %.*s", TALK_LINE,
				       pending->data);
		login->said += len;
		memmove(pending->data, newline + 1, rest);
		pending->len = rest;
	}
}

/* The user's thinking takes nothing from the time to connect. */
static void mind_the_user(struct login *login)
{
	int64_t now = uc_monotonic_ms();

	pass_on(login);
	if (now - login->looked < ASKS_MS)
		return;
	if (uc_child_asks(&login->stream))
		login->deadline += now - login->looked;
	if (login->deadline > login->last)
		login->deadline = login->last;
	login->looked = now;
}

static void wait_for_login(struct login *login)
{
	const struct uc_connect *connect = login->connect;
	bool asked = someone_answers(connect->options);
	struct uc_stream_end *end = login->stream.end;

	login->looked = uc_monotonic_ms();
	login->deadline = connect->deadline;
	login->last = connect->deadline + THINK_MS;
	if (asked)
		login->deadline += TOUCH * (connect->deadline - login->looked);
	while (!end->ended(end) && uc_monotonic_ms() < login->deadline) {
		poll(NULL, 0, asked ? LOOK_MS : 2);
		if (asked)
			mind_the_user(login);
	}
	uc_buf_free(&login->pending);
}

static int log_in(struct uc_openssh *openssh, const struct uc_ssh_config *config,
		  struct uc_connect *connect, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv words = { 0 }, environment = { 0 };
	struct login login = { .connect = connect };
	uc_auto(buf) struct uc_buf said = { 0 };
	int status;

	make_login(&words, openssh, config, connect);
	make_environment(&environment, &openssh->environment);
	if (words.failed || environment.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_child_spawn(&login.stream, (const char *const *)words.item,
			   (const char *const *)environment.item, err) < 0)
		return -1;
	wait_for_login(&login);
	status = uc_stream_close(&login.stream, 0, &said);
	if (status == 0)
		return 0;
	if (status < 0)
		return uc_fail(err, UC_UNREACHABLE,
			       "'%s' took too long while ssh was logging in",
			       config->hostname);
	return uc_openssh_fail(uc_buf_text(&said), config->hostname, err);
}

int uc_openssh_open(struct uc_ssh *ssh, const struct uc_ssh_config *config,
		    struct uc_connect *connect, struct uc_error *err)
{
	const struct uc_ssh_options *options = connect->options;
	struct uc_openssh *openssh = calloc(1, sizeof(*openssh));

	if (!openssh)
		return uc_fail(err, UC_FAILED, "out of memory");
	ssh->openssh = openssh;
	uc_strv_add_all(&openssh->environment, options->environment);
	if (!uc_program_find(&openssh->program, "ssh",
			     variable(options->environment, "PATH")))
		return uc_fail(err, UC_FAILED, "there is no program ssh in PATH");
	add_common(&openssh->words, options);
	add_destination(openssh, options->destination);
	if (uc_openssh_alive(config->control_path)) {
		uc_strv_addf(&openssh->words, "-oControlPath=%s", config->control_path);
		uc_connect_say(connect, 1, "by the connection that ssh keeps to '%s'",
			       ssh->name);
		return 0;
	}
	if (make_socket(openssh, options, err) < 0)
		return -1;
	uc_strv_addf(&openssh->words, "-oControlPath=%s", openssh->socket.data);
	if (openssh->words.failed || openssh->host.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (options->keep && uc_openssh_alive(openssh->socket.data)) {
		uc_connect_say(connect, 1, "the connection to '%s' was kept", ssh->name);
		return 0;
	}
	(void)unlink(openssh->socket.data);
	return log_in(openssh, config, connect, err);
}

int uc_openssh_exec(struct uc_ssh *ssh, const char *what, bool subsystem,
		    struct uc_stream *stream, struct uc_error *err)
{
	struct uc_openssh *openssh = ssh->openssh;
	uc_auto(strv) struct uc_strv words = { 0 };

	uc_strv_add_all(&words, (const char *const *)openssh->words.item);
	uc_strv_add(&words, "-oControlMaster=no");
	/* when that connection is gone no other is made behind the user's back */
	uc_strv_add(&words, "-oProxyCommand=false");
	uc_strv_add(&words, "-oBatchMode=yes");
	uc_strv_add(&words, "-oLogLevel=ERROR");
	if (subsystem)
		uc_strv_add(&words, "-s");
	uc_strv_add(&words, "--");
	uc_strv_add(&words, uc_buf_text(&openssh->host));
	uc_strv_add(&words, what);
	if (words.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_stream_spawn(stream, (const char *const *)words.item,
			       (const char *const *)openssh->environment.item, err);
}

/* Tell the master to end, and with it what still runs over it. */
static void end_master(struct uc_openssh *openssh)
{
	uc_auto(strv) struct uc_strv words = { 0 };
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_program program = {
		.path = uc_buf_text(&openssh->program),
		.environment = (const char *const *)openssh->environment.item,
		.deadline = uc_monotonic_ms() + END_MS,
		.bytes = 4096
	};
	int status, failure;

	uc_strv_add_all(&words, (const char *const *)openssh->words.item);
	uc_strv_add(&words, "-Oexit");
	uc_strv_add(&words, "--");
	uc_strv_add(&words, uc_buf_text(&openssh->host));
	program.words = words.item;
	if (!words.failed)
		(void)!uc_program_run(&program, &out, &status, &failure);
}

void uc_openssh_close(struct uc_openssh *openssh)
{
	if (!openssh)
		return;
	if (openssh->ends && openssh->socket.len) {
		if (uc_openssh_alive(openssh->socket.data))
			end_master(openssh);
		(void)unlink(openssh->socket.data);
		(void)rmdir(openssh->folder.data);
	}
	uc_strv_free(&openssh->environment);
	uc_strv_free(&openssh->words);
	uc_buf_free(&openssh->program);
	uc_buf_free(&openssh->host);
	uc_buf_free(&openssh->folder);
	uc_buf_free(&openssh->socket);
	free(openssh);
}
