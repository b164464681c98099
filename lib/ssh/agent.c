/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh/agent.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "base/linux.h"
#include "ssh/bytes.h"

#define LIST_MS    5000
#define SIGN_MS    30000
#define ANSWER_MAX (256U << 10) /* as much as ssh takes */

enum {
	ASK_KEYS = 11,
	KEYS = 12,
	ASK_SIGNATURE = 13,
	SIGNATURE = 14
};

static bool wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd ready = { .fd = fd, .events = events };
	int64_t left;

	while ((left = deadline - uc_monotonic_ms()) > 0) {
		int rc = poll(&ready, 1, (int)left);

		if (rc > 0)
			return true;
		if (rc < 0 && errno != EINTR)
			return false;
	}
	return false;
}

static bool send_all(int fd, const char *bytes, size_t len, int64_t deadline)
{
	while (len) {
		ssize_t sent = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN && wait_for(fd, POLLOUT, deadline))
			continue;
		if (sent < 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool receive(int fd, struct uc_buf *answer, size_t len, int64_t deadline)
{
	char chunk[4096];

	while (len) {
		ssize_t got;

		if (!wait_for(fd, POLLIN, deadline))
			return false;
		got = recv(fd, chunk, len < sizeof(chunk) ? len : sizeof(chunk),
			   MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (got > 0) {
			uc_buf_addn(answer, chunk, (size_t)got);
			len -= (size_t)got;
		}
	}
	return !answer->failed;
}

/* Ask and set `answer` to what comes back, from its type on. */
static bool exchange(int fd, const struct uc_buf *question, struct uc_buf *answer,
		     int64_t deadline)
{
	uc_auto(buf) struct uc_buf framed = { 0 }, head = { 0 };
	struct uc_bytes size;
	uint32_t len = 0;

	uc_buf_add_string(&framed, question->data, question->len);
	if (framed.failed || question->failed ||
	    !send_all(fd, framed.data, framed.len, deadline) ||
	    !receive(fd, &head, 4, deadline))
		return false;
	size = (struct uc_bytes){ (unsigned char *)head.data, head.len };
	return uc_bytes_number(&size, &len) && len > 0 && len <= ANSWER_MAX &&
	       receive(fd, answer, len, deadline);
}

bool uc_agent_take(struct uc_agent *agent)
{
	struct uc_bytes rest = { (unsigned char *)agent->list.data, agent->list.len };
	uint32_t count;

	agent->count = 0;
	if (!rest.left || rest.at[0] != KEYS)
		return false;
	rest.at++;
	rest.left--;
	if (!uc_bytes_number(&rest, &count))
		return false;
	while (count-- && agent->count < UC_AGENT_KEYS) {
		struct uc_bytes blob, comment;

		if (!uc_bytes_string(&rest, &blob) || !uc_bytes_string(&rest, &comment))
			return false;
		agent->key[agent->count++] = (struct uc_agent_key){ blob.at, blob.left };
	}
	return true;
}

bool uc_agent_open(struct uc_agent *agent, const char *path)
{
	uc_auto(buf) struct uc_buf question = { 0 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int64_t deadline = uc_monotonic_ms() + LIST_MS;

	agent->fd = -1;
	if (strlen(path) >= sizeof(to.sun_path))
		return false;
	memcpy(to.sun_path, path, strlen(path));
	agent->fd = uc_socket(AF_UNIX, SOCK_STREAM, 0);
	if (agent->fd < 0 || connect(agent->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return false;
	uc_buf_addc(&question, ASK_KEYS);
	return exchange(agent->fd, &question, &agent->list, deadline) &&
	       uc_agent_take(agent);
}

void uc_agent_free(struct uc_agent *agent)
{
	if (agent->fd > 0)
		close(agent->fd);
	uc_buf_free(&agent->list);
	memset(agent, 0, sizeof(*agent));
}

bool uc_agent_sign(struct uc_agent *agent, const struct uc_agent_key *key,
		   const unsigned char *data, size_t len, struct uc_buf *signature)
{
	uc_auto(buf) struct uc_buf question = { 0 }, answer = { 0 };
	struct uc_bytes rest, whole, type, bytes;

	uc_buf_addc(&question, ASK_SIGNATURE);
	uc_buf_add_string(&question, key->blob, key->len);
	uc_buf_add_string(&question, data, len);
	uc_buf_add_number(&question, 0);
	if (!exchange(agent->fd, &question, &answer, uc_monotonic_ms() + SIGN_MS))
		return false;
	rest = (struct uc_bytes){ (unsigned char *)answer.data + 1, answer.len - 1 };
	if (answer.data[0] != SIGNATURE || !uc_bytes_string(&rest, &whole) ||
	    !uc_bytes_string(&whole, &type) || !uc_bytes_string(&whole, &bytes))
		return false;
	uc_buf_addn(signature, bytes.at, bytes.left);
	return !signature->failed;
}
