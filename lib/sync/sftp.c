/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Requests that are under way, and the stream they travel on. */
#include "sync/sftp.h"
#include "sync/frame.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define IN_SIZE       (2 * (UC_SFTP_PACKET_MAX + 4))
#define SLOTS_MAX     65536u

struct uc_sftp_request {
	struct uc_sftp_call call;
	uint32_t id;   /* index | times used << 16 */
	uint32_t next; /* unused: the next of these */
	uint8_t type;
	bool used;
	uint8_t wants; /* type of a good answer; 0 = the one after VERSION */
};

static const struct {
	enum uc_sftp_extension bit;
	uint8_t wants;
	const char *name, *version;
} extensions[] = {
	{ UC_SFTP_POSIX_RENAME, UC_SFTP_STATUS, "posix-rename@openssh.com", "1" },
	{ UC_SFTP_HARDLINK, UC_SFTP_STATUS, "hardlink@openssh.com", "1" },
	{ UC_SFTP_FSYNC, UC_SFTP_STATUS, "fsync@openssh.com", "1" },
	{ UC_SFTP_STATVFS, UC_SFTP_EXTENDED_REPLY, "statvfs@openssh.com", "2" },
	{ UC_SFTP_LSETSTAT, UC_SFTP_STATUS, "lsetstat@openssh.com", "1" },
	{ UC_SFTP_LIMITS, UC_SFTP_EXTENDED_REPLY, "limits@openssh.com", "1" },
	{ UC_SFTP_EXPAND_PATH, UC_SFTP_NAME, "expand-path@openssh.com", "1" },
};

static uint8_t wanted(enum uc_sftp_type type)
{
	switch (type) {
	case UC_SFTP_OPEN:
	case UC_SFTP_OPENDIR:
		return UC_SFTP_HANDLE;
	case UC_SFTP_READ:
		return UC_SFTP_DATA;
	case UC_SFTP_LSTAT:
	case UC_SFTP_FSTAT:
	case UC_SFTP_STAT:
		return UC_SFTP_ATTRS;
	case UC_SFTP_READDIR:
	case UC_SFTP_REALPATH:
	case UC_SFTP_READLINK:
		return UC_SFTP_NAME;
	default:
		return UC_SFTP_STATUS;
	}
}

int uc_sftp_start(struct uc_sftp *sftp, struct uc_stream *stream, uint64_t rate,
		  struct uc_error *err)
{
	*sftp = (struct uc_sftp){ .rate = rate,
				  .silence_ms = UC_SFTP_SILENCE_MS,
				  .filled = uc_monotonic_ms(),
				  .heard = uc_monotonic_ms() };
	sftp->in = malloc(IN_SIZE);
	uc_sftp_add_u32(sftp, 5);
	uc_buf_addc(&sftp->out, UC_SFTP_INIT);
	uc_sftp_add_u32(sftp, 3);
	if (!sftp->in || sftp->out.failed) {
		free(sftp->in);
		uc_buf_free(&sftp->out);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	sftp->stream = *stream;
	*stream = (struct uc_stream){ .in = -1, .out = -1 };
	return 0;
}

void uc_sftp_stop(struct uc_sftp *sftp)
{
	if (sftp->in)
		(void)uc_stream_close(&sftp->stream, 1000, NULL);
	free(sftp->in);
	free(sftp->request);
	uc_buf_free(&sftp->out);
	*sftp = (struct uc_sftp){ 0 };
}

size_t uc_sftp_waiting(const struct uc_sftp *sftp)
{
	return sftp->out.len - sftp->sent;
}

/* Requests */

static bool grow(struct uc_sftp *sftp)
{
	uint32_t slots = sftp->slots ? sftp->slots * 2 : 256;
	struct uc_sftp_request *request;

	if (slots > SLOTS_MAX)
		return false;
	request = reallocarray(sftp->request, slots, sizeof(*request));
	if (!request)
		return false;
	for (uint32_t i = sftp->slots; i < slots; i++)
		request[i] = (struct uc_sftp_request){ .id = i, .next = i + 1 };
	sftp->request = request;
	sftp->unused = sftp->slots;
	sftp->slots = slots;
	return true;
}

static struct uc_sftp_request *begin(struct uc_sftp *sftp, enum uc_sftp_type type,
				     struct uc_sftp_call call)
{
	struct uc_sftp_request *request;

	if (sftp->unused == sftp->slots && !grow(sftp)) {
		sftp->out.failed = true;
		return NULL;
	}
	request = &sftp->request[sftp->unused];
	sftp->unused = request->next;
	request->used = true;
	request->call = call;
	request->type = (uint8_t)type;
	request->wants = wanted(type);
	if (sftp->open++ == 0)
		sftp->heard = uc_monotonic_ms();
	sftp->packet = sftp->out.len;
	uc_sftp_add_u32(sftp, 0); /* its length */
	uc_buf_addc(&sftp->out, (char)type);
	uc_sftp_add_u32(sftp, request->id);
	return request;
}

void uc_sftp_ask(struct uc_sftp *sftp, enum uc_sftp_type type, struct uc_sftp_call call)
{
	(void)begin(sftp, type, call);
}

void uc_sftp_ask_extended(struct uc_sftp *sftp, enum uc_sftp_extension extension,
			  struct uc_sftp_call call)
{
	struct uc_sftp_request *request = begin(sftp, UC_SFTP_EXTENDED, call);

	for (size_t i = 0; request && i < ARRAY_SIZE(extensions); i++) {
		if (extensions[i].bit != extension)
			continue;
		request->wants = extensions[i].wants;
		uc_sftp_add_bytes(sftp, extensions[i].name, strlen(extensions[i].name));
	}
}

void uc_sftp_send(struct uc_sftp *sftp)
{
	size_t len = sftp->out.len - sftp->packet - 4;
	unsigned char *at;

	if (sftp->out.failed)
		return;
	at = (unsigned char *)sftp->out.data + sftp->packet;
	at[0] = (unsigned char)(len >> 24);
	at[1] = (unsigned char)(len >> 16);
	at[2] = (unsigned char)(len >> 8);
	at[3] = (unsigned char)len;
}

/* Answers */

static int take_version(struct uc_sftp *sftp, const unsigned char *packet, size_t len,
			struct uc_error *err)
{
	struct uc_sftp_reader reader = { packet + 1, packet + len, false };
	uint32_t version = uc_sftp_read_u32(&reader);

	if (packet[0] != UC_SFTP_VERSION || reader.bad)
		return uc_fail(err, UC_INVALID, "the other side does not speak SFTP");
	if (version != 3)
		return uc_fail(err, UC_INVALID,
			       "the server speaks version %u of SFTP, expected 3",
			       version);
	while (reader.at < reader.end && !reader.bad) {
		size_t name_len, value_len;
		const void *name = uc_sftp_read_string(&reader, &name_len);
		const void *value = uc_sftp_read_string(&reader, &value_len);

		for (size_t i = 0; value && i < ARRAY_SIZE(extensions); i++)
			if (name_len == strlen(extensions[i].name) &&
			    memcmp(name, extensions[i].name, name_len) == 0 &&
			    value_len == 1 &&
			    memcmp(value, extensions[i].version, 1) == 0)
				sftp->extensions |= extensions[i].bit;
	}
	if (reader.bad)
		return uc_fail(err, UC_INVALID, "the SFTP server sent a damaged version");
	sftp->greeted = true;
	return 0;
}

static int take_answer(struct uc_sftp *sftp, const unsigned char *packet, size_t len,
		       struct uc_error *err)
{
	struct uc_sftp_request *request;
	struct uc_sftp_answer answer;
	struct uc_sftp_call call;
	uint8_t wants;

	if (uc_sftp_answer_read(&answer, packet, len, err) < 0)
		return -1;
	request = (answer.id & 0xffff) < sftp->slots ? &sftp->request[answer.id & 0xffff]
						     : NULL;
	if (!request || !request->used || request->id != answer.id)
		return uc_fail(err, UC_INVALID,
			       "the SFTP server answered what nobody asked (%u)",
			       answer.id);
	call = request->call;
	wants = request->wants;
	if (answer.type != UC_SFTP_STATUS && answer.type != wants)
		return uc_fail(err, UC_INVALID,
			       "the SFTP server answered request %u with %u",
			       request->type, answer.type);
	if (answer.type == UC_SFTP_STATUS && wants != UC_SFTP_STATUS &&
	    answer.status == UC_SFTP_OK)
		return uc_fail(err, UC_INVALID,
			       "the SFTP server answered request %u with nothing",
			       request->type);
	request->used = false;
	request->id += 1u << 16;
	request->next = sftp->unused;
	sftp->unused = answer.id & 0xffff;
	sftp->open--;
	return call.reply ? call.reply(call.arg, call.note, &answer, err) : 0;
}

/* Handle the whole packets that are there; how many, or -1. */
static int take_packets(struct uc_sftp *sftp, struct uc_error *err)
{
	size_t at = 0;
	int count = 0;

	while (sftp->have - at >= 4) {
		struct uc_sftp_reader reader = { sftp->in + at, sftp->in + sftp->have,
						 false };
		uint32_t len = uc_sftp_read_u32(&reader);
		int status;

		if (len == 0 || len > UC_SFTP_PACKET_MAX) {
			if (!sftp->greeted)
				return uc_fail(err, UC_INVALID,
					       "the other side does not speak SFTP");
			return uc_fail(err, UC_INVALID,
				       "the SFTP server sent a packet of %u bytes", len);
		}
		if (sftp->have - at - 4 < len)
			break;
		status = sftp->greeted ? take_answer(sftp, reader.at, len, err)
				       : take_version(sftp, reader.at, len, err);
		if (status < 0)
			return -1;
		at += 4 + len;
		count++;
	}
	memmove(sftp->in, sftp->in + at, sftp->have - at);
	sftp->have -= at;
	return count;
}

/* The stream */

/* Bytes that may pass now, of at most a fifth of a second. */
static void allow(struct uc_sftp *sftp)
{
	int64_t now = uc_monotonic_ms(), past = now - sftp->filled;
	uint64_t most = sftp->rate / 5 + 1, more;

	if (!sftp->rate) {
		sftp->may_in = sftp->may_out = SIZE_MAX;
		return;
	}
	if (past <= 0)
		return;
	more = sftp->rate / 1000 * (uint64_t)(past > 1000 ? 1000 : past) + 1;
	sftp->filled = now;
	sftp->may_in = sftp->may_in + more > most ? most : sftp->may_in + more;
	sftp->may_out = sftp->may_out + more > most ? most : sftp->may_out + more;
}

static size_t least(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

static void push(struct uc_sftp *sftp)
{
	size_t len = least(sftp->may_out, uc_sftp_waiting(sftp));
	ssize_t done;

	if (len == 0 || sftp->cut)
		return;
	done = uc_talk_write(sftp->stream.out, sftp->out.data + sftp->sent, len);
	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (done < 0) { /* what it said before tells more */
		sftp->cut = true;
		return;
	}
	sftp->sent += (size_t)done;
	sftp->bytes_out += (uint64_t)done;
	sftp->may_out -= (uint64_t)done;
	if (sftp->sent == sftp->out.len) {
		uc_buf_reset(&sftp->out);
		sftp->sent = 0;
	} else if (sftp->sent > 1u << 20) {
		sftp->out.len -= sftp->sent;
		memmove(sftp->out.data, sftp->out.data + sftp->sent, sftp->out.len);
		sftp->sent = 0;
	}
}

static int pull(struct uc_sftp *sftp, struct uc_error *err)
{
	size_t len = least(sftp->may_in, IN_SIZE - sftp->have);
	ssize_t got = len ? read(sftp->stream.in, sftp->in + sftp->have, len) : -1;
	int count;

	if (got < 0 && (len == 0 || errno == EAGAIN || errno == EINTR))
		return 0;
	if (got < 0)
		return uc_fail_errno(err, UC_UNREACHABLE, errno,
				     "the connection to the SFTP server ended");
	if (got == 0)
		return uc_fail(err, UC_UNREACHABLE, "the SFTP server %s",
			       sftp->greeted ? "ended" : "did not start");
	sftp->have += (size_t)got;
	sftp->bytes_in += (uint64_t)got;
	sftp->may_in -= (uint64_t)got;
	count = take_packets(sftp, err);
	if (count > 0)
		sftp->heard = uc_monotonic_ms();
	return count;
}

static int wait_for(struct uc_sftp *sftp, int timeout)
{
	struct pollfd fds[2] = { { .fd = sftp->stream.in, .events = POLLIN },
				 { .fd = -1, .events = POLLOUT } };

	if (sftp->may_in == 0)
		fds[0].fd = -1;
	if (sftp->may_out && uc_sftp_waiting(sftp) && !sftp->cut)
		fds[1].fd = sftp->stream.out;
	if (sftp->rate && timeout > 10) /* for new allowances */
		timeout = 10;
	return poll(fds, 2, timeout);
}

int uc_sftp_turn(struct uc_sftp *sftp, int timeout, struct uc_error *err)
{
	int64_t quiet = uc_monotonic_ms() - sftp->heard;
	int count;

	if (sftp->out.failed)
		return uc_fail(err, UC_FAILED, "out of memory for requests");
	if ((sftp->open || !sftp->greeted) && quiet > sftp->silence_ms)
		return uc_fail(err, UC_UNREACHABLE,
			       "the SFTP server said nothing for %d seconds",
			       sftp->silence_ms / 1000);
	allow(sftp);
	push(sftp);
	if (wait_for(sftp, timeout) < 0 && errno != EINTR)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot wait for the server");
	count = pull(sftp, err);
	if (count == 0 && sftp->cut)
		return uc_fail(err, UC_UNREACHABLE,
			       "the connection to the SFTP server ended");
	push(sftp);
	return count;
}
