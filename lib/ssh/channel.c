/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What a pump does for one channel; all of it in the pump's thread. */
#include "ssh/channel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ssh/bytes.h"

#define WINDOW (8U << 20) /* bytes that the server may send ahead */
#define PACKET 32768U     /* bytes in a packet of its; more libssh2 does not take */
#define QUEUE  (256U << 10)
#define TURNS  8 /* queues that one channel moves before others may */

struct uc_channel *uc_channel_new(struct uc_pump *pump,
				  const struct uc_channel_request *request, int fd)
{
	struct uc_channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return NULL;
	channel->pump = pump;
	channel->status = -1;
	channel->kind = request->kind;
	channel->fd = fd;
	channel->to_net.bytes = malloc(QUEUE);
	channel->to_user.bytes = malloc(QUEUE);
	if (request->kind == UC_CHANNEL_TCP) {
		uc_buf_add_string(&channel->text, request->text, strlen(request->text));
		uc_buf_add_number(&channel->text, (uint32_t)request->port);
		uc_buf_add_string(&channel->text, "127.0.0.1", strlen("127.0.0.1"));
		uc_buf_add_number(&channel->text, 0);
	} else {
		uc_buf_add(&channel->text, request->text);
	}
	if (channel->to_net.bytes && channel->to_user.bytes && !channel->text.failed)
		return channel;
	channel->fd = -1; /* the caller's yet */
	uc_channel_free(channel);
	return NULL;
}

void uc_channel_free(struct uc_channel *channel)
{
	if (!channel)
		return;
	if (channel->fd >= 0)
		close(channel->fd);
	free(channel->to_net.bytes);
	free(channel->to_user.bytes);
	uc_buf_free(&channel->text);
	free(channel);
}

static void fail(struct uc_channel *channel, struct uc_link *link)
{
	char *text = NULL;

	channel->failed = true;
	(void)libssh2_session_last_error(link->session, &text, NULL, 0);
	uc_pump_lock(channel->pump);
	(void)snprintf(channel->failure, sizeof(channel->failure), "%s",
		       text ? text : "no reason given");
	uc_tail_add(&channel->tail, channel->failure, strlen(channel->failure));
	uc_pump_unlock(channel->pump);
}

static void set_open(struct uc_channel *channel)
{
	uc_pump_lock(channel->pump);
	channel->phase = UC_CHANNEL_OPEN;
	uc_pump_changed(channel->pump);
	uc_pump_unlock(channel->pump);
}

static bool step_open(struct uc_channel *channel, struct uc_link *link)
{
	bool tcp = channel->kind == UC_CHANNEL_TCP;
	const char *type = tcp ? "direct-tcpip" : "session";

	channel->raw = libssh2_channel_open_ex(
		link->session, type, (unsigned)strlen(type), WINDOW, PACKET,
		tcp ? channel->text.data : NULL, tcp ? (unsigned)channel->text.len : 0);
	if (!channel->raw) {
		if (libssh2_session_last_errno(link->session) != LIBSSH2_ERROR_EAGAIN)
			fail(channel, link);
		return channel->failed;
	}
	channel->started = tcp;
	if (channel->kind != UC_CHANNEL_SUBSYSTEM)
		set_open(channel);
	return true;
}

/* The program's data may follow before the server has said yes: one round trip less. */
static bool step_start(struct uc_channel *channel, struct uc_link *link)
{
	const char *what = channel->kind == UC_CHANNEL_EXEC ? "exec" : "subsystem";
	int rc = libssh2_channel_process_startup(
		channel->raw, what, (unsigned)strlen(what), uc_buf_text(&channel->text),
		(unsigned)channel->text.len);

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return false;
	if (rc != 0) {
		fail(channel, link);
		return true;
	}
	channel->started = true;
	if (channel->kind == UC_CHANNEL_SUBSYSTEM)
		set_open(channel);
	return true;
}

static bool take_from_user(struct uc_channel *channel)
{
	ssize_t got;

	if (channel->local_eof || channel->to_net.len || channel->fd < 0)
		return false;
	got = recv(channel->fd, channel->to_net.bytes, QUEUE, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	channel->to_net.at = 0;
	channel->to_net.len = got > 0 ? (size_t)got : 0;
	channel->local_eof = got <= 0;
	return true;
}

static bool send_eof(struct uc_channel *channel)
{
	int rc;

	if (!channel->local_eof || channel->eof_sent || channel->to_net.len)
		return false;
	rc = libssh2_channel_send_eof(channel->raw);
	channel->eof_sent = rc != LIBSSH2_ERROR_EAGAIN;
	return channel->eof_sent;
}

static bool step_out(struct uc_channel *channel, struct uc_link *link)
{
	bool moved = take_from_user(channel);

	while (channel->to_net.len && !channel->asleep && link->out_len < UC_LINK_BUSY) {
		ssize_t wrote = libssh2_channel_write(
			channel->raw, channel->to_net.bytes + channel->to_net.at,
			channel->to_net.len);

		if (wrote == LIBSSH2_ERROR_EAGAIN || wrote == 0) {
			channel->asleep = true;
		} else if (wrote < 0) { /* closed by the server */
			channel->to_net.len = 0;
			channel->local_eof = channel->eof_sent = true;
		} else {
			channel->to_net.at += (size_t)wrote;
			channel->to_net.len -= (size_t)wrote;
			moved = true;
		}
	}
	return send_eof(channel) || moved;
}

static bool step_errors(struct uc_channel *channel)
{
	char chunk[32768];
	bool moved = false;

	for (int i = 0; i < TURNS; i++) {
		ssize_t got =
			libssh2_channel_read_stderr(channel->raw, chunk, sizeof(chunk));

		if (got <= 0)
			break;
		uc_pump_lock(channel->pump);
		uc_tail_add(&channel->tail, chunk, (size_t)got);
		uc_pump_unlock(channel->pump);
		moved = true;
	}
	return moved;
}

static bool give_to_user(struct uc_channel *channel)
{
	bool moved = false;

	while (channel->to_user.len) {
		ssize_t sent =
			channel->gone
				? (ssize_t)channel->to_user.len
				: send(channel->fd,
				       channel->to_user.bytes + channel->to_user.at,
				       channel->to_user.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN)
			return moved;
		if (sent < 0 && errno != EINTR)
			channel->gone = true;
		if (sent <= 0)
			continue;
		moved = true;
		channel->to_user.at += (size_t)sent;
		channel->to_user.len -= (size_t)sent;
	}
	if (channel->remote_eof && !channel->shut) {
		shutdown(channel->fd, SHUT_WR);
		channel->shut = moved = true;
	}
	return moved;
}

static bool step_in(struct uc_channel *channel)
{
	bool moved = give_to_user(channel);

	for (int i = 0; i < TURNS && !channel->to_user.len && !channel->remote_eof; i++) {
		ssize_t got =
			libssh2_channel_read(channel->raw, channel->to_user.bytes, QUEUE);

		if (got == LIBSSH2_ERROR_EAGAIN)
			break;
		if (got <= 0)
			channel->remote_eof = true;
		else
			channel->to_user.len = (size_t)got;
		channel->to_user.at = 0;
		moved = true;
		give_to_user(channel);
	}
	return moved;
}

static int signal_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = { { "ABRT", SIGABRT }, { "ALRM", SIGALRM }, { "FPE", SIGFPE },
			{ "HUP", SIGHUP },   { "ILL", SIGILL },   { "INT", SIGINT },
			{ "KILL", SIGKILL }, { "PIPE", SIGPIPE }, { "QUIT", SIGQUIT },
			{ "SEGV", SIGSEGV }, { "TERM", SIGTERM }, { "USR1", SIGUSR1 },
			{ "USR2", SIGUSR2 } };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (strcmp(name, signals[i].name) == 0)
			return signals[i].number;
	return 0;
}

static int exit_status(struct uc_channel *channel, struct uc_link *link)
{
	char *name = NULL;
	int number, status;

	(void)libssh2_channel_get_exit_signal(channel->raw, &name, NULL, NULL, NULL, NULL,
					      NULL);
	if (!name) {
		status = libssh2_channel_get_exit_status(channel->raw);
		return status >= 0 && status < 256 ? status : -1;
	}
	number = signal_number(name);
	libssh2_free(link->session, name);
	return number ? 128 + number : -1;
}

/* The server closed it, after all its data, or nobody wants it: give it back. */
static bool step_close(struct uc_channel *channel, struct uc_link *link)
{
	bool over = channel->dropped || channel->failed;
	int status = -1;

	if (!over) {
		if (step_errors(channel)) /* the end of the output came before */
			return true;
		if (!channel->shut ||
		    libssh2_channel_wait_closed(channel->raw) == LIBSSH2_ERROR_EAGAIN)
			return false;
		if (channel->started)
			status = exit_status(channel, link);
	}
	if (libssh2_channel_free(channel->raw) == LIBSSH2_ERROR_EAGAIN)
		return false;
	channel->raw = NULL;
	channel->finished = true;
	uc_pump_lock(channel->pump);
	channel->status = status;
	uc_pump_unlock(channel->pump);
	return true;
}

static bool step_data(struct uc_channel *channel, struct uc_link *link)
{
	bool moved = false;

	if (channel->started || channel->kind == UC_CHANNEL_EXEC)
		moved = step_out(channel, link);
	moved = step_errors(channel) || moved;
	return step_in(channel) || moved;
}

bool uc_channel_step(struct uc_channel *channel, struct uc_link *link, bool turn)
{
	bool moved = false;

	if (channel->finished)
		return false;
	if (!channel->raw) {
		channel->finished = channel->dropped && !channel->begun;
		if (channel->finished || !turn)
			return channel->finished;
		channel->begun = true;
		if (!step_open(channel, link))
			return false;
		channel->finished = channel->failed;
		if (channel->finished)
			return true;
	}
	if (!channel->started && !channel->failed)
		moved = step_start(channel, link);
	if (!channel->dropped && !channel->failed)
		moved = step_data(channel, link) || moved;
	return step_close(channel, link) || moved;
}

short uc_channel_events(const struct uc_channel *channel, const struct uc_link *link)
{
	short events = 0;

	if (!channel->raw || channel->fd < 0)
		return 0;
	if (!channel->local_eof && !channel->to_net.len && link->out_len < UC_LINK_BUSY &&
	    (channel->started || channel->kind == UC_CHANNEL_EXEC))
		events |= POLLIN;
	if (channel->to_user.len && !channel->gone)
		events |= POLLOUT;
	return events;
}
