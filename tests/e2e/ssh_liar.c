/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * ssh-liar MODE: an SSH server that does well until the point where it lies as MODE says
 * (ssh-liar without one lists them). It listens on a port of this machine and prints its
 * number and its key, then a line "told" whenever it has lied. It ends when its standard
 * input does.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ssh_server.h"

#define ESC_TEXT "\x1b]0;owned\a\x1b[2J\xe2\x80\xae\x9b gone\r\n"

enum stage {
	KEX,   /* while the first keys are agreed on */
	KEYED, /* when the client asks for the service of logging in */
	AUTH, /* at each request to log in, but for the first question of what there is */
	OPEN, /* when it opens a channel */
	EXEC, /* when it wants a program in it */
};

static char big[40000];

static void told(void)
{
	printf("told\n");
	fflush(stdout);
}

/* --- after keys were agreed on --- */

static void silent(struct server *s)
{
	server_wait(s);
}

static void hang_up(struct server *s)
{
	(void)s;
	_exit(0);
}

static void other_service(struct server *s)
{
	server_say(s, MSG_SERVICE_ACCEPT, "s", "ssh-connection");
	server_wait(s);
}

static void success(struct server *s)
{
	server_say(s, MSG_AUTH_SUCCESS, "");
	server_wait(s);
}

static void disconnect(struct server *s)
{
	server_say(s, MSG_DISCONNECT, "uss", 2, ESC_TEXT, "");
	_exit(0);
}

static void ignore_flood(struct server *s)
{
	for (;;)
		server_say(s, MSG_IGNORE, "r", big, (size_t)30000);
}

static void debug_flood(struct server *s)
{
	for (;;)
		server_say(s, MSG_DEBUG, "bss", 1, ESC_TEXT, "");
}

static void extensions(struct server *s)
{
	server_say(s, MSG_EXT_INFO, "u", UINT32_MAX);
	server_wait(s);
}

static void unknown_flood(struct server *s)
{
	for (;;)
		server_say(s, 200, "r", big, (size_t)1000);
}

static void unimplemented_flood(struct server *s)
{
	for (uint32_t i = 0;; i++)
		server_say(s, MSG_UNIMPLEMENTED, "u", i);
}

static void rekey_storm(struct server *s)
{
	static const struct lie_of_kex none = { 0 };

	for (;;)
		server_agree(s, &none);
}

static void rekey_silent(struct server *s)
{
	static const struct lie_of_kex lie = { .silent = true };

	server_agree(s, &lie);
}

static void rekey_cut(struct server *s)
{
	static const struct lie_of_kex lie = { .cut = true };

	server_agree(s, &lie);
}

static void rekey_other(struct server *s)
{
	static const struct lie_of_kex lie = { .other_key = true };

	server_agree(s, &lie);
	server_wait(s);
}

static void rekey_signature(struct server *s)
{
	static const struct lie_of_kex lie = { .wrong_signature = true };

	server_agree(s, &lie);
	server_wait(s);
}

/* --- logging in --- */

static void failure(struct server *s)
{
	server_say(s, MSG_AUTH_FAILURE, "sb", "publickey", 0);
}

static void partial(struct server *s)
{
	server_say(s, MSG_AUTH_FAILURE, "sb", "publickey", 1);
}

static void methods_long(struct server *s)
{
	server_say(s, MSG_AUTH_FAILURE, "rb", big, (size_t)30000, 0);
}

static void methods_escape(struct server *s)
{
	server_say(s, MSG_AUTH_FAILURE, "sb", "public" ESC_TEXT ",x", 0);
}

static void methods_cut(struct server *s)
{
	server_say(s, MSG_AUTH_FAILURE, "u", 0x7fffffff);
}

static void banner_flood(struct server *s)
{
	for (;;)
		server_say(s, MSG_AUTH_BANNER, "ss", ESC_TEXT, "");
}

static void banner_long(struct server *s)
{
	for (int i = 0; i < 350; i++)
		server_say(s, MSG_AUTH_BANNER, "rs", big, (size_t)30000, "");
	failure(s);
}

static void banner_escape(struct server *s)
{
	server_say(s, MSG_AUTH_BANNER, "ss", ESC_TEXT "Password: ", ESC_TEXT);
	failure(s);
}

static void banner_cut(struct server *s)
{
	server_say(s, MSG_AUTH_BANNER, "u", 0x7fffffff);
	failure(s);
}

static void other_key(struct server *s)
{
	server_say(s, MSG_AUTH_60, "sr", "ssh-ed25519", "\0\0\0\13ssh-ed25519\0\0\0\0",
		   (size_t)19);
}

static void channel_early(struct server *s)
{
	server_say(s, MSG_OPEN, "suuu", "session", 0, 1 << 20, 1 << 15);
	server_wait(s);
}

/* What the request is for: none, publickey, password, keyboard-interactive. */
static bool asks_for(const struct server *s, const char *method)
{
	return memmem(s->packet.data, s->packet.len, method, strlen(method));
}

/* Only a method with questions is taken. False: it was another. */
static bool takes(struct server *s, const char *method)
{
	if (asks_for(s, method) || s->packet.data[0] == MSG_AUTH_ANSWER)
		return true;
	server_say(s, MSG_AUTH_FAILURE, "sb", method, 0);
	return false;
}

#define INTERACTIVE "keyboard-interactive"
#define PASSWORD    .text = "Password: "

struct questions {
	const char *text, *name, *instruction;
	uint32_t count, sent; /* as it says, and as it is */
	int echo;
};

static void prompts(struct server *s, struct questions q)
{
	uc_auto(buf) struct uc_buf packet = { 0 };

	if (!takes(s, INTERACTIVE))
		return;
	told();
	uc_buf_addc(&packet, MSG_AUTH_60);
	put_string(&packet, q.name ? q.name : "", q.name ? strlen(q.name) : 0);
	put_string(&packet, q.instruction ? q.instruction : "",
		   q.instruction ? strlen(q.instruction) : 0);
	put_string(&packet, "", 0);
	put_number(&packet, q.count);
	for (uint32_t i = 0; i < q.sent; i++) {
		put_string(&packet, q.text, strlen(q.text));
		uc_buf_addc(&packet, (char)q.echo);
	}
	server_send(s, &packet);
}

static void prompts_none(struct server *s)
{
	prompts(s, (struct questions){ .text = "" });
}

static void prompts_9(struct server *s)
{
	prompts(s, (struct questions){ PASSWORD, .count = 9, .sent = 9 });
}

static void prompts_1000(struct server *s)
{
	prompts(s, (struct questions){ PASSWORD, .count = 1000, .sent = 1000 });
}

static void prompts_10000(struct server *s)
{
	prompts(s, (struct questions){ "", .count = 10000, .sent = 6000 });
}

static void prompts_2g(struct server *s)
{
	prompts(s, (struct questions){ PASSWORD, .count = UINT32_C(1) << 31, .sent = 1 });
}

static void prompts_endless(struct server *s)
{
	prompts(s, (struct questions){ PASSWORD, .count = 1, .sent = 1 });
}

static void prompt_long(struct server *s)
{
	prompts(s, (struct questions){ big, .count = 1, .sent = 1 });
}

static void prompt_name_long(struct server *s)
{
	prompts(s, (struct questions){ PASSWORD, .name = big, .count = 1, .sent = 1 });
}

static void prompt_instruction_long(struct server *s)
{
	prompts(s, (struct questions){ PASSWORD, .instruction = big, .count = 1,
				       .sent = 1 });
}

static void prompt_shell(struct server *s)
{
	prompts(s, (struct questions){ ESC_TEXT "\n[sudo] password for me: ", ESC_TEXT,
				       "me@laptop:~$ sudo true\nAre you sure (yes/no)? ",
				       .count = 2, .sent = 2 });
}

static void prompt_echo(struct server *s)
{
	prompts(s, (struct questions){ PASSWORD, .count = 1, .sent = 1, .echo = 1 });
}

static void prompt_cut(struct server *s)
{
	if (takes(s, INTERACTIVE)) {
		told();
		server_say(s, MSG_AUTH_60, "sssuu", "", "", "", 1, 0x7fffffff);
	}
}

static void prompt_lengths(struct server *s)
{
	if (takes(s, INTERACTIVE)) {
		told();
		server_say(s, MSG_AUTH_60, "u", UINT32_MAX);
	}
}

static void after_password(struct server *s)
{
	if (!takes(s, "password"))
		return;
	told();
	server_say(s, MSG_DISCONNECT, "uss", 11, ESC_TEXT "thanks", "");
	_exit(0);
}

static void new_password(struct server *s)
{
	if (!takes(s, "password"))
		return;
	told();
	server_say(s, MSG_AUTH_60, "ss", ESC_TEXT "Your password has expired", "");
}

/* --- channels: the client's is number 0 or what it said --- */

static uint32_t peer; /* the client's number of the channel */

static void opened(struct server *s, uint32_t window, uint32_t packet)
{
	server_say(s, MSG_OPENED, "uuuu", peer, 7, window, packet);
}

static void open_failure(struct server *s)
{
	server_say(s, MSG_OPEN_FAILURE, "uuss", peer, 1, ESC_TEXT, "");
}

static void open_failure_cut(struct server *s)
{
	server_say(s, MSG_OPEN_FAILURE, "uu", peer, UINT32_MAX);
	server_wait(s);
}

static void open_other(struct server *s)
{
	peer += 77;
	opened(s, 1 << 20, 1 << 15);
	server_wait(s);
}

static void open_cut(struct server *s)
{
	server_say(s, MSG_OPENED, "u", peer);
	server_wait(s);
}

static void open_no_packet(struct server *s)
{
	opened(s, 1 << 20, 0);
	server_wait(s);
}

static void open_no_window(struct server *s)
{
	opened(s, 0, 1 << 15);
	server_wait(s);
}

static void server_opens(struct server *s)
{
	static const char *const types[] = { "session", "x11", "forwarded-tcpip",
					     "auth-agent@openssh.com",
					     "direct-streamlocal@openssh.com" };

	for (unsigned i = 0;; i++)
		server_say(s, MSG_OPEN, "suuusu", types[i % 5], i, 1 << 20, 1 << 15,
			   "127.0.0.1", 22);
}

static void global_flood(struct server *s)
{
	for (;;)
		server_say(s, MSG_GLOBAL_REQUEST, "sb", "hostkeys-prove-00@openssh.com",
			   1);
}

static void data_before(struct server *s)
{
	server_say(s, MSG_DATA, "us", 12345, "nobody's");
	server_wait(s);
}

static void adjust(struct server *s)
{
	opened(s, UINT32_MAX, UINT32_MAX);
	for (int i = 0; i < 1000; i++)
		server_say(s, MSG_WINDOW, "uu", peer, UINT32_MAX);
	server_say(s, MSG_WINDOW, "uu", 4711, UINT32_MAX);
	server_wait(s);
}

/* --- a program --- */

static void exec_failure(struct server *s)
{
	server_say(s, MSG_FAILURE, "u", peer);
}

static void exec_good(struct server *s)
{
	server_say(s, MSG_SUCCESS, "u", peer);
}

static void exec_mute(struct server *s)
{
	exec_good(s); /* it lives, and says nothing */
}

static void end(struct server *s, uint32_t status)
{
	server_say(s, MSG_REQUEST, "usbu", peer, "exit-status", 0, status);
	server_say(s, MSG_EOF, "u", peer);
	server_say(s, MSG_CLOSE, "u", peer);
}

static void exit_good(struct server *s)
{
	exec_good(s);
	end(s, 0);
}

static void exit_huge(struct server *s)
{
	exec_good(s);
	end(s, UINT32_MAX);
}

static void exit_signal(struct server *s)
{
	exec_good(s);
	server_say(s, MSG_REQUEST, "usbsbss", peer, "exit-signal", 0, ESC_TEXT, 1,
		   ESC_TEXT, "");
	server_say(s, MSG_CLOSE, "u", peer);
}

static void exit_signal_cut(struct server *s)
{
	exec_good(s);
	server_say(s, MSG_REQUEST, "usbu", peer, "exit-signal", 0, UINT32_MAX);
	server_say(s, MSG_CLOSE, "u", peer);
	server_wait(s);
}

static void errors_flood(struct server *s)
{
	exec_good(s);
	for (;;)
		server_say(s, MSG_EXTENDED, "uus", peer, 1, ESC_TEXT);
}

static void noise_flood(struct server *s)
{
	exec_good(s);
	for (;;)
		server_say(s, MSG_DATA, "ur", peer, big, (size_t)30000);
}

static void noise_1m(struct server *s)
{
	exec_good(s);
	for (int i = 0; i < 35; i++)
		server_say(s, MSG_DATA, "ur", peer, big, (size_t)30000);
	server_wait(s);
}

static void noise_4k(struct server *s)
{
	exec_good(s);
	server_say(s, MSG_DATA, "ur", peer, big, (size_t)4096);
	server_wait(s);
}

static void noise_escape(struct server *s)
{
	exec_good(s);
	server_say(s, MSG_DATA, "us", peer, ESC_TEXT);
	server_say(s, MSG_EXTENDED, "uus", peer, 1, ESC_TEXT);
	end(s, 1);
}

static void extended_99(struct server *s)
{
	exec_good(s);
	for (;;)
		server_say(s, MSG_EXTENDED, "uur", peer, 99, big, (size_t)30000);
}

static void data_cut(struct server *s)
{
	exec_good(s);
	server_say(s, MSG_DATA, "uu", peer, 0x7fffffff);
	server_wait(s);
}

static void data_other(struct server *s)
{
	exec_good(s);
	for (;;)
		server_say(s, MSG_DATA, "ur", peer + 5, big, (size_t)30000);
}

static void data_after_end(struct server *s)
{
	exec_good(s);
	server_say(s, MSG_EOF, "u", peer);
	server_say(s, MSG_DATA, "us", peer, "usync late");
	server_say(s, MSG_CLOSE, "u", peer);
	server_say(s, MSG_DATA, "us", peer, "usync later");
	server_say(s, MSG_CLOSE, "u", peer);
	server_wait(s);
}

static void only_eof(struct server *s)
{
	exec_good(s);
	server_say(s, MSG_EOF, "u", peer);
	server_wait(s);
}

static void only_close(struct server *s)
{
	exec_good(s);
	server_say(s, MSG_CLOSE, "u", peer);
	server_wait(s);
}

static void request_flood(struct server *s)
{
	exec_good(s);
	for (;;)
		server_say(s, MSG_REQUEST, "usb", peer, ESC_TEXT, 1);
}

static void half_preamble(struct server *s)
{
	exec_good(s);
	server_say(s, MSG_DATA, "ur", peer, "usync\0\1", (size_t)7);
	server_wait(s);
}

static void drip(struct server *s)
{
	exec_good(s);
	for (;;) {
		server_say(s, MSG_DATA, "ur", peer, "u", (size_t)1);
		usleep(100000);
	}
}

static const struct mode {
	const char *name;
	enum stage stage;
	void (*act)(struct server *);
	struct lie_of_kex kex;
	bool itself; /* says when it has lied */
} modes[] = {
#define IN_KEX(mode, ...)                                                                \
	{                                                                                \
		.name = mode, .kex = { __VA_ARGS__ }                                     \
	}
#define AT(point, mode, call)                                                            \
	{                                                                                \
		.name = mode, .stage = point, .act = call                                \
	}
#define ASKS(mode, call)                                                                 \
	{                                                                                \
		.name = mode, .stage = AUTH, .act = call, .itself = true                 \
	}
	IN_KEX("kex-silent", .silent = true),
	IN_KEX("kex-cut", .cut = true),
	IN_KEX("kex-no-reply", .no_reply = true),
	IN_KEX("kex-signature", .wrong_signature = true),
	IN_KEX("kex-signer", .other_signs = true),
	IN_KEX("kex-signature-type", .signature_type = true),
	IN_KEX("kex-key-type", .wrong_type = true),
	IN_KEX("kex-no-key", .empty_key = true),
	IN_KEX("kex-long-key", .long_key = true),
	IN_KEX("kex-zeros", .point = -1),
	IN_KEX("kex-no-point", .point = 1),
	IN_KEX("kex-short-point", .point = 32),
	IN_KEX("kex-long-point", .point = 20001),
	IN_KEX("kex-mac", .wrong_mac = true),
	IN_KEX("kex-length", .wrong_length = true),
	AT(KEYED, "keyed-silent", silent),
	AT(KEYED, "keyed-close", hang_up),
	AT(KEYED, "keyed-service", other_service),
	AT(KEYED, "keyed-success", success),
	AT(KEYED, "keyed-disconnect", disconnect),
	AT(KEYED, "keyed-ignore", ignore_flood),
	AT(KEYED, "keyed-debug", debug_flood),
	AT(KEYED, "keyed-extensions", extensions),
	AT(KEYED, "keyed-unknown", unknown_flood),
	AT(KEYED, "keyed-rekey-storm", rekey_storm),
	AT(AUTH, "auth-silent", silent),
	AT(AUTH, "auth-close", hang_up),
	AT(AUTH, "auth-disconnect", disconnect),
	AT(AUTH, "auth-failure", failure),
	AT(AUTH, "auth-partial", partial),
	AT(AUTH, "auth-methods-long", methods_long),
	AT(AUTH, "auth-methods-escape", methods_escape),
	AT(AUTH, "auth-methods-cut", methods_cut),
	AT(AUTH, "auth-banner-flood", banner_flood),
	AT(AUTH, "auth-banner-long", banner_long),
	AT(AUTH, "auth-banner-escape", banner_escape),
	AT(AUTH, "auth-banner-cut", banner_cut),
	AT(AUTH, "auth-other-key", other_key),
	AT(AUTH, "auth-channel", channel_early),
	AT(AUTH, "auth-rekey-other", rekey_other),
	ASKS("ask-none", prompts_none),
	ASKS("ask-9", prompts_9),
	ASKS("ask-1000", prompts_1000),
	ASKS("ask-10000", prompts_10000),
	ASKS("ask-2g", prompts_2g),
	ASKS("ask-endless", prompts_endless),
	ASKS("ask-long", prompt_long),
	ASKS("ask-name-long", prompt_name_long),
	ASKS("ask-instruction-long", prompt_instruction_long),
	ASKS("ask-shell", prompt_shell),
	ASKS("ask-echo", prompt_echo),
	ASKS("ask-cut", prompt_cut),
	ASKS("ask-lengths", prompt_lengths),
	ASKS("ask-then-disconnect", after_password),
	ASKS("ask-new-password", new_password),
	AT(OPEN, "open-silent", silent),
	AT(OPEN, "open-close", hang_up),
	AT(OPEN, "open-disconnect", disconnect),
	AT(OPEN, "open-failure", open_failure),
	AT(OPEN, "open-failure-cut", open_failure_cut),
	AT(OPEN, "open-other", open_other),
	AT(OPEN, "open-cut", open_cut),
	AT(OPEN, "open-no-packet", open_no_packet),
	AT(OPEN, "open-no-window", open_no_window),
	AT(OPEN, "open-server-opens", server_opens),
	AT(OPEN, "open-global", global_flood),
	AT(OPEN, "open-ignore", ignore_flood),
	AT(OPEN, "open-debug", debug_flood),
	AT(OPEN, "open-unknown", unknown_flood),
	AT(OPEN, "open-unimplemented", unimplemented_flood),
	AT(OPEN, "open-data", data_before),
	AT(OPEN, "open-window", adjust),
	AT(OPEN, "open-rekey-other", rekey_other),
	AT(OPEN, "open-rekey-signature", rekey_signature),
	AT(OPEN, "open-rekey-silent", rekey_silent),
	AT(OPEN, "open-rekey-cut", rekey_cut),
	AT(OPEN, "open-rekey-storm", rekey_storm),
	AT(EXEC, "exec-silent", silent),
	AT(EXEC, "exec-close", hang_up),
	AT(EXEC, "exec-disconnect", disconnect),
	AT(EXEC, "exec-failure", exec_failure),
	AT(EXEC, "exec-mute", exec_mute),
	AT(EXEC, "exec-exit", exit_good),
	AT(EXEC, "exec-exit-huge", exit_huge),
	AT(EXEC, "exec-signal", exit_signal),
	AT(EXEC, "exec-signal-cut", exit_signal_cut),
	AT(EXEC, "exec-errors", errors_flood),
	AT(EXEC, "exec-noise", noise_flood),
	AT(EXEC, "exec-noise-1m", noise_1m),
	AT(EXEC, "exec-noise-4k", noise_4k),
	AT(EXEC, "exec-noise-escape", noise_escape),
	AT(EXEC, "exec-extended", extended_99),
	AT(EXEC, "exec-data-cut", data_cut),
	AT(EXEC, "exec-data-other", data_other),
	AT(EXEC, "exec-after-end", data_after_end),
	AT(EXEC, "exec-eof", only_eof),
	AT(EXEC, "exec-only-close", only_close),
	AT(EXEC, "exec-requests", request_flood),
	AT(EXEC, "exec-half", half_preamble),
	AT(EXEC, "exec-drip", drip),
	AT(EXEC, "exec-rekey-other", rekey_other),
};

static void lie(struct server *s, const struct mode *mode)
{
	if (!mode->itself)
		told();
	mode->act(s);
}

static void log_in(struct server *s, const struct mode *mode)
{
	if (mode->stage != AUTH)
		server_say(s, MSG_AUTH_SUCCESS, "");
	else if (asks_for(s, "\4none") && !mode->itself)
		server_say(s, MSG_AUTH_FAILURE, "sb", "publickey", 0);
	else
		lie(s, mode);
}

static void serve(struct server *s, const struct mode *mode)
{
	int type;

	if (mode->stage == KEX)
		told(); /* no later: it may be the end */
	server_greet(s, &mode->kex);
	for (;;) {
		type = server_next(s);
		if (type == MSG_SERVICE_REQUEST && mode->stage == KEYED)
			lie(s, mode);
		else if (type == MSG_SERVICE_REQUEST)
			server_say(s, MSG_SERVICE_ACCEPT, "s", "ssh-userauth");
		else if (type == MSG_AUTH_REQUEST || type == MSG_AUTH_ANSWER)
			log_in(s, mode);
		else if (type == MSG_OPEN && s->packet.len > 16) {
			peer = get_number(s->packet.data + 5 +
					  get_number(s->packet.data + 1));
			if (mode->stage == OPEN)
				lie(s, mode);
			else
				opened(s, 1 << 20, 1 << 15);
		} else if (type == MSG_REQUEST && mode->stage == EXEC)
			lie(s, mode);
		else if (type == MSG_GLOBAL_REQUEST)
			server_say(s, MSG_REQUEST_FAILURE, "");
	}
}

/* "PORT TYPE KEY", the key as a file of known hosts has it. */
static void print_place(const struct server *s, int port)
{
	static const char type[] = "ssh-ed25519";
	uc_auto(buf) struct uc_buf blob = { 0 };
	unsigned char key[32], text[128];
	size_t len = sizeof(key);

	EVP_PKEY_get_raw_public_key(s->key, key, &len);
	put_string(&blob, type, strlen(type));
	put_string(&blob, key, len);
	EVP_EncodeBlock(text, (unsigned char *)blob.data, (int)blob.len);
	printf("%d %s %s\n", port, type, (char *)text);
	fflush(stdout);
}

static int listen_here(const struct server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 16) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return -1;
	print_place(s, ntohs(at.sin_port));
	return fd;
}

static int run(const struct mode *mode)
{
	struct server *s = server_new();
	struct pollfd ready[2] = { { 0, POLLIN, 0 }, { listen_here(s), POLLIN, 0 } };

	memset(big, 'x', sizeof(big) - 1);
	big[30000] = '\0';
	signal(SIGCHLD, SIG_IGN);
	while (poll(ready, 2, -1) > 0 && !ready[0].revents) {
		s->fd = accept(ready[1].fd, NULL, NULL);
		if (s->fd < 0)
			return 1;
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(ready[1].fd);
			serve(s, mode);
		}
		close(s->fd);
	}
	server_free(s);
	return 0;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (argc < 2)
			puts(modes[i].name);
		else if (strcmp(argv[1], modes[i].name) == 0)
			return run(&modes[i]);
	}
	if (argc > 1)
		fprintf(stderr, "no mode '%s'\n", argv[1]);
	return argc < 2 ? 0 : 2;
}
