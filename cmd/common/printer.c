/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/printer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/json.h"

#define LINE_MAX (1 << 16) /* longer lines come in pieces */

int uc_write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EAGAIN) /* somebody else's O_NONBLOCK */
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 1000);
		else if (done < 0 && errno != EINTR)
			return -1;
		if (done < 0)
			continue;
		bytes += done;
		len -= (size_t)done;
	}
	return 0;
}

int uc_printer_open(struct uc_printer *p, struct uc_error *err)
{
	char why[120];
	int rc;

	if (!p->grep)
		return 0;
	rc = regcomp(&p->pattern, p->grep, REG_EXTENDED | REG_NOSUB);
	if (rc) {
		regerror(rc, &p->pattern, why, sizeof(why));
		return uc_fail(err, UC_USAGE, "'%s' is no regular expression: %s",
			       p->grep, why);
	}
	p->has_pattern = true;
	return 0;
}

void uc_printer_close(struct uc_printer *p)
{
	static const char reset[] = "\x1b[0m";

	if (p->has_pattern)
		regfree(&p->pattern);
	p->has_pattern = false;
	if (p->colours && uc_write_all(STDOUT_FILENO, reset, sizeof(reset) - 1) == 0)
		p->colours = false;
	uc_buf_free(&p->line);
}

void uc_channel_free(struct uc_channel *channel)
{
	uc_buf_free(&channel->label);
	uc_buf_free(&channel->job);
	uc_buf_free(&channel->held);
}

static int file_of(const struct uc_channel *channel)
{
	return channel->error ? STDERR_FILENO : STDOUT_FILENO;
}

static bool is_screen(const struct uc_printer *p, const struct uc_channel *channel)
{
	return !p->raw && !p->json &&
	       (channel->error ? p->run->stderr_tty : p->run->stdout_tty);
}

static bool wants_lines(const struct uc_printer *p, const struct uc_channel *channel)
{
	return p->json || p->grep || channel->label.len > 0;
}

static int out_of_memory(void)
{
	errno = ENOMEM;
	return -1;
}

/* Safe text; remember that a colour may be on. */
static void add_safe(struct uc_printer *p, struct uc_buf *out, const char *bytes,
		     size_t len)
{
	uc_buf_safen(out, bytes, len,
		     p->run->safe | UC_SAFE_COLOUR | UC_SAFE_NEWLINE | UC_SAFE_RETURN);
	p->colours |= memchr(bytes, '\x1b', len) != NULL;
}

/* What grep sees: without colours and line ends. */
static bool matches(struct uc_printer *p, const char *line, size_t len)
{
	uc_auto(buf) struct uc_buf plain = { 0 };

	if (!p->has_pattern)
		return true;
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\x1b' && i + 1 < len && line[i + 1] == '[') {
			for (i += 2; i < len && strchr("0123456789;", line[i]);)
				i++;
			continue;
		}
		if (line[i] != '\r' && line[i])
			uc_buf_addc(&plain, line[i]);
	}
	return !plain.failed &&
	       regexec(&p->pattern, uc_buf_text(&plain), 0, NULL, 0) == 0;
}

static int put_event(struct uc_printer *p, const struct uc_channel *channel,
		     const char *line, size_t len)
{
	uc_auto(buf) struct uc_buf text = { 0 }, object = { 0 };
	struct uc_json json = { .out = &object };

	for (size_t i = 0; i < len; i++)
		if (line[i])
			uc_buf_addc(&text, line[i]);
		else
			uc_buf_addc(&text,
				    '\xff'); /* a NUL ends strings; shown as invalid */
	uc_json_open(&json, NULL, '{');
	uc_json_text(&json, "event", uc_raw("output"));
	uc_json_time(&json, "time", (int64_t)time(NULL));
	uc_json_text(&json, "job", uc_raw(uc_buf_text(&channel->job)));
	uc_json_text(&json, "stream", uc_raw(channel->error ? "stderr" : "stdout"));
	uc_json_text(&json, "text", uc_raw(uc_buf_text(&text)));
	uc_json_close(&json, '}');
	object.failed |= text.failed;
	return uc_printer_event(p, &object);
}

int uc_printer_event(struct uc_printer *p, struct uc_buf *object)
{
	(void)p;
	uc_buf_addc(object, '\n');
	if (object->failed)
		return out_of_memory();
	return uc_write_all(STDOUT_FILENO, object->data, object->len);
}

/* A progress bar that wrote over itself: what was seen last. */
static void last_state(const char **line, size_t *len)
{
	const char *last;

	while (*len > 0 && (*line)[*len - 1] == '\r')
		--*len;
	last = memrchr(*line, '\r', *len);
	if (!last)
		return;
	*len -= (size_t)(last + 1 - *line);
	*line = last + 1;
}

/* Without its line end. */
static int put_line(struct uc_printer *p, const struct uc_channel *channel,
		    const char *line, size_t len)
{
	if (!matches(p, line, len))
		return 0;
	if (p->json)
		return put_event(p, channel, line, len);
	uc_buf_reset(&p->line);
	uc_buf_add(&p->line, uc_buf_text(&channel->label));
	if (is_screen(p, channel)) {
		const bool colour = memchr(line, '\x1b', len) != NULL;

		last_state(&line, &len);
		add_safe(p, &p->line, line, len);
		/* the next line may be another job's */
		if (colour && channel->label.len > 0)
			uc_buf_add(&p->line, "\x1b[0m");
	} else {
		uc_buf_addn(&p->line, line, len);
	}
	uc_buf_addc(&p->line, '\n');
	if (p->line.failed)
		return out_of_memory();
	return uc_write_all(file_of(channel), p->line.data, p->line.len);
}

static void keep(struct uc_buf *held, size_t from)
{
	const size_t left = held->len - from;

	if (held->data)
		memmove(held->data, held->data + from, left);
	held->len = left;
}

/* All whole lines; one that is too long is cut. */
static int put_lines(struct uc_printer *p, struct uc_channel *channel)
{
	struct uc_buf *held = &channel->held;
	size_t at = 0;

	while (at < held->len) {
		const char *line = held->data + at;
		const char *end = memchr(line, '\n', held->len - at);
		size_t len = end ? (size_t)(end - line) : held->len - at;

		if (!end && len < LINE_MAX)
			break;
		if (put_line(p, channel, line, len) < 0)
			return -1;
		at += len + (end != NULL);
	}
	keep(held, at);
	return 0;
}

static int put_screen(struct uc_printer *p, struct uc_channel *channel, size_t hold)
{
	struct uc_buf *held = &channel->held;
	const size_t len = held->len - hold;

	uc_buf_reset(&p->line);
	if (len > 0)
		add_safe(p, &p->line, held->data, len);
	keep(held, len);
	if (p->line.failed)
		return out_of_memory();
	return uc_write_all(file_of(channel), uc_buf_text(&p->line), p->line.len);
}

int uc_printer_put(struct uc_printer *p, struct uc_channel *channel, const char *bytes,
		   size_t len)
{
	struct uc_buf *held = &channel->held;

	if (!wants_lines(p, channel) && !is_screen(p, channel))
		return uc_write_all(file_of(channel), bytes, len);
	uc_buf_addn(held, bytes, len);
	if (held->failed)
		return out_of_memory();
	if (wants_lines(p, channel))
		return put_lines(p, channel);
	return put_screen(p, channel, uc_text_unfinished(held->data, held->len));
}

int uc_printer_flush(struct uc_printer *p, struct uc_channel *channel)
{
	struct uc_buf *held = &channel->held;
	int rc;

	if (held->len == 0)
		return 0;
	if (!wants_lines(p, channel))
		return put_screen(p, channel, 0);
	rc = put_line(p, channel, held->data, held->len);
	held->len = 0;
	return rc;
}
