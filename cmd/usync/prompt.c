/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What connecting has to ask: passwords, and whether a host is the one that was meant. */
#include <stdio.h>
#include <string.h>
#include "common/ask.h"
#include "usync/command.h"

static int ask_secret(void *arg, const char *text, bool echo, struct uc_buf *answer)
{
	struct usync *u = arg;
	uc_auto(buf) struct uc_buf prompt = { 0 };
	const size_t len = strlen(text);

	usync_progress_clear(&u->show);
	uc_buf_safe(&prompt, uc_raw(text), u->run->safe | UC_SAFE_NEWLINE);
	if (len && text[len - 1] != ' ')
		uc_buf_addc(&prompt, ' ');
	return uc_ask_line(uc_buf_text(&prompt), echo, answer);
}

/* Nothing but the whole word counts: a fingerprint is to be looked at. */
static int ask_host(void *arg, const char *text)
{
	struct usync *u = arg;
	uc_auto(buf) struct uc_buf prompt = { 0 }, answer = { 0 };

	usync_progress_clear(&u->show);
	uc_buf_safe(&prompt, uc_raw(text), u->run->safe | UC_SAFE_NEWLINE);
	uc_buf_addf(&prompt,
		    "\n%s: is this the host, and shall it be remembered? "
		    "Type 'yes' or 'no': ",
		    u->run->prog);
	if (uc_ask_line(uc_buf_text(&prompt), true, &answer) < 0)
		return -1;
	return strcmp(uc_buf_text(&answer), "yes") == 0 ? 0 : -1;
}

static void say(void *arg, int weight, const char *text)
{
	struct usync *u = arg;

	if (weight > u->run->parsed.verbose)
		return;
	usync_progress_clear(&u->show);
	uc_run_say(u->run, weight, "%s", text);
}

void usync_prompts(struct usync *u)
{
	u->asker = (struct uc_ssh_asker){ .say = say, .arg = u };
	if (uc_ask_possible(u->run) && !u->args.json) {
		u->asker.secret = ask_secret;
		u->asker.host = ask_host;
	}
	u->request.ssh.asker = &u->asker;
}
