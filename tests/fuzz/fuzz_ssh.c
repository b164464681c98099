/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What lib/ssh reads besides known_hosts. The first byte tells what the rest is: 'k' a
 * file with a key, 'a' an agent's answer, 'e' what ssh says when it cannot log in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ssh/agent.h"
#include "ssh/identity.h"
#include "ssh/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void fuzz_key(const char *text, size_t len)
{
	struct uc_identity identity = { 0 };

	uc_buf_addn(&identity.text, text, len);
	if (!memchr(text, '\0', len) && uc_identity_parse(&identity)) {
		check(identity.text.len == 0 || identity.text.len == len);
		if (identity.blob.len)
			(void)uc_identity_beyond((unsigned char *)identity.blob.data,
						 identity.blob.len);
	}
	uc_identity_free(&identity);
}

static void fuzz_agent(const char *text, size_t len)
{
	struct uc_agent agent = { .fd = -1 };

	uc_buf_addn(&agent.list, text, len);
	if (len && uc_agent_take(&agent)) {
		check(agent.count <= UC_AGENT_KEYS);
		for (size_t i = 0; i < agent.count; i++) {
			const char *blob = (const char *)agent.key[i].blob;

			check(blob >= agent.list.data &&
			      blob + agent.key[i].len <= agent.list.data + len);
			(void)uc_identity_beyond(agent.key[i].blob, agent.key[i].len);
		}
	}
	uc_agent_free(&agent);
}

static void fuzz_said(const char *text, size_t len)
{
	uc_auto(buf) struct uc_buf said = { 0 };
	struct uc_error err = { 0 };

	uc_buf_addn(&said, text, len);
	check(uc_openssh_fail(uc_buf_text(&said), "host", &err) == -1);
	check(err.code == UC_DENIED || err.code == UC_UNREACHABLE ||
	      err.code == UC_USAGE);
	check(err.text[0] && !strpbrk(err.text, "\n\r\x1b\a"));
	check(!strpbrk(err.hint, "\n\r\x1b\a") && err.at.line >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (!size || size > 1 << 16)
		return 0;
	if (*data == 'k')
		fuzz_key(text, size - 1);
	else if (*data == 'a')
		fuzz_agent(text, size - 1);
	else if (*data == 'e')
		fuzz_said(text, size - 1);
	return 0;
}
