/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * known_hosts: the first line of the input is a host, the rest is the file. What a good
 * line says holds whatever stands around it: its key is the host's or revoked.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ssh/known_hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_line(const struct uc_known_hosts *known,
		       const struct uc_known_line *line, const char *host)
{
	struct uc_known_peer peer = { host, 22 };
	struct uc_host_key key = { line->key, line->key_len };
	struct uc_known_answer answer;
	int names = uc_known_line_names(line, host);

	check(line->line > 0 && line->names && line->type);
	check(line->fault || (line->key_len > 4 && *line->type));
	if (names <= 0)
		return;
	answer = uc_known_hosts_check(known, &peer, &key);
	if (line->fault)
		check(answer.damaged && answer.verdict >= UC_KNOWN_DAMAGED);
	else if (line->marker == UC_KNOWN_REVOKED)
		check(answer.verdict == UC_KNOWN_BANNED);
	else if (line->marker == UC_KNOWN_AUTHORITY)
		check(answer.authority);
	else
		check(answer.verdict >= UC_KNOWN_MATCH && answer.line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uc_auto(known_hosts) struct uc_known_hosts known = { 0 };
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	const uint8_t *file = end ? end + 1 : data + size;
	uc_auto(strv) struct uc_strv types = { 0 };
	uc_auto(buf) struct uc_buf host = { 0 };
	struct uc_known_peer peer;

	uc_buf_addn(&host, data, end ? (size_t)(end - data) : size);
	uc_buf_addc(&host, '\0');
	if (host.failed)
		return 0;
	/* as connecting does; longer names than this are nobody's */
	host.data[host.len > 255 ? 255 : host.len - 1] = '\0';
	for (char *at = host.data; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at |= 0x20;
	check(uc_known_hosts_parse(&known, "fuzz", (const char *)file,
				   (size_t)(data + size - file), NULL) == 0);
	/* each line asks all: few lines suffice */
	for (size_t i = 0; i < known.count && i < 64 && host.data[0]; i++)
		check_line(&known, &known.line[i], host.data);
	peer = (struct uc_known_peer){ host.data, 2222 };
	uc_known_hosts_types(&known, &peer, &types);
	check(types.count <= known.count);
	return 0;
}
