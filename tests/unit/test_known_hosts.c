/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Keys of known hosts: which lines mean a host is judged by ssh-keygen -F. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/file.h"
#include "ssh/known_hosts.h"
#include "judge_unit.h"

/* E and F are of one type. */
static const struct {
	char letter;
	const char *type, *bits;
} made[] = {
	{ 'E', "ed25519", "256" }, { 'F', "ed25519", "256" }, { 'C', "ecdsa", "256" },
	{ 'D', "ecdsa", "521" },   { 'R', "rsa", "2048" },
};

static struct {
	char folder[64];
	char file[96];
	struct uc_buf text[ARRAY_SIZE(made)]; /* "ssh-ed25519 AAAA..." */
	struct uc_buf wire[ARRAY_SIZE(made)];
} world;

static size_t key_of(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		if (made[i].letter == letter)
			return i;
	fail_msg("no key '%c'", letter);
	return 0;
}

static int run_keygen(const char *const *words, struct uc_buf *out)
{
	const struct judge keygen = { .words = words, .quiet = true };

	return judge_run(&keygen, out);
}

static void make_key(size_t i)
{
	uc_auto(buf) struct uc_buf path = { 0 }, out = { 0 };
	const char *words[] = { "ssh-keygen", "-q", "-t", made[i].type, "-b", NULL, "-N",
				"",           "-C", "",   "-f",         NULL, NULL };
	char *end;

	uc_buf_addf(&path, "%s/key-%c", world.folder, made[i].letter);
	words[5] = made[i].bits;
	words[11] = path.data;
	assert_int_equal(run_keygen(words, &out), 0);
	uc_buf_add(&path, ".pub");
	assert_int_equal(uc_file_read(path.data, 1 << 16, &world.text[i], NULL), 0);
	end = strchr(strchr(world.text[i].data, ' ') + 1, ' ');
	if (!end)
		end = strchr(world.text[i].data, '\n');
	*end = '\0';
	assert_true(
		uc_base64_decode(&world.wire[i], strchr(world.text[i].data, ' ') + 1));
}

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	(void)snprintf(world.folder, sizeof(world.folder), "%s/uc-known-XXXXXX",
		       tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(world.folder));
	(void)snprintf(world.file, sizeof(world.file), "%s/known_hosts", world.folder);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		make_key(i);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		uc_buf_free(&world.text[i]);
		uc_buf_free(&world.wire[i]);
	}
	return remove_folder(world.folder);
}

/* "$E" is a key with its type, "$e" its base64 alone. */
static void fill_in(struct uc_buf *out, const char *text)
{
	for (; *text; text++) {
		const char *key;

		if (*text != '$') {
			uc_buf_addc(out, *text);
			continue;
		}
		text++;
		key = world.text[key_of((char)(*text & ~0x20))].data;
		uc_buf_add(out, *text & 0x20 ? strchr(key, ' ') + 1 : key);
	}
}

static void read_text(struct uc_known_hosts *known, const char *text)
{
	uc_auto(buf) struct uc_buf full = { 0 };
	struct uc_error err = { 0 };

	fill_in(&full, text);
	assert_int_equal(
		uc_file_write(world.file, uc_buf_text(&full), full.len, 0600, &err), 0);
	assert_int_equal(uc_known_hosts_read(known, world.file, &err), 0);
}

static const char *name_of(struct uc_buf *name, const char *host, int port)
{
	uc_buf_reset(name);
	uc_buf_addf(name, port == 22 ? "%s" : "[%s]:%d", host, port);
	return name->data;
}

/* "1,3 CA,": the lines that mean the host, as ssh-keygen finds them and as we do. */
static void lines_of_keygen(struct uc_buf *out, const char *name)
{
	const char *words[] = { "ssh-keygen", "-l", "-F", name, "-f", world.file, NULL };
	uc_auto(buf) struct uc_buf answer = { 0 };
	const char *mark = " found: line ";

	(void)run_keygen(words, &answer);
	for (const char *at = uc_buf_text(&answer); (at = strstr(at, mark));) {
		size_t len;

		at += strlen(mark);
		len = strcspn(at, "\n");
		while (len > 0 && at[len - 1] == ' ')
			len--;
		uc_buf_addn(out, at, len);
		uc_buf_addc(out, ',');
	}
}

static void lines_of_ours(struct uc_buf *out, const struct uc_known_hosts *known,
			  const char *name)
{
	static const char *const marks[] = { "", " CA", " REVOKED" };
	char lower[256];

	(void)snprintf(lower, sizeof(lower), "%s", name);
	for (char *at = lower; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at |= 0x20;
	for (size_t i = 0; i < known->count; i++)
		if (!known->line[i].fault &&
		    uc_known_line_names(&known->line[i], lower) > 0)
			uc_buf_addf(out, "%d%s,", known->line[i].line,
				    marks[known->line[i].marker]);
}

/* Returns how many bytes of answer there were. */
static size_t keygen_agrees(const struct uc_known_hosts *known, const char *name,
			    const char *text)
{
	uc_auto(buf) struct uc_buf theirs = { 0 }, ours = { 0 };

	lines_of_keygen(&theirs, name);
	lines_of_ours(&ours, known, name);
	if (strcmp(uc_buf_text(&theirs), uc_buf_text(&ours)) != 0)
		fail_msg("'%s' in\n%s\nssh-keygen finds lines '%s', we '%s'", name, text,
			 uc_buf_text(&theirs), uc_buf_text(&ours));
	return theirs.len;
}

static struct uc_known_answer ask(const struct uc_known_hosts *known, const char *host,
				  int port, char letter)
{
	const struct uc_buf *wire = &world.wire[key_of(letter)];
	struct uc_known_peer peer = { host, port };
	struct uc_host_key key = { (const unsigned char *)wire->data, wire->len };

	return uc_known_hosts_check(known, &peer, &key);
}

#define UNKNOWN  UC_KNOWN_UNKNOWN
#define DAMAGED  UC_KNOWN_DAMAGED
#define OTHER    UC_KNOWN_OTHER
#define MISMATCH UC_KNOWN_MISMATCH
#define MATCH    UC_KNOWN_MATCH
#define BANNED   UC_KNOWN_BANNED

/* What the host shows is key E. */
static const struct a_case {
	const char *text, *host;
	int port;
	enum uc_known_verdict verdict;
	int line; /* that says so */
} cases[] = {
	/* plain names */
	{ "", "a", 22, UNKNOWN, 0 },
	{ "a $E\n", "a", 22, MATCH, 1 },
	{ "a $E", "a", 22, MATCH, 1 },
	{ "a $E\n", "b", 22, UNKNOWN, 0 },
	{ "a $E\n", "aa", 22, UNKNOWN, 0 },
	{ "aa $E\n", "a", 22, UNKNOWN, 0 },
	{ "a $E comment of several words\n", "a", 22, MATCH, 1 },
	{ "  \t a \t $E\n", "a", 22, MATCH, 1 },
	{ "a\t$E\n", "a", 22, MATCH, 1 },
	{ "# a $E\n\n   \n\t# a $E\na $E\n", "a", 22, MATCH, 5 },
	{ "a $E\r\nb $E\r\n", "b", 22, MATCH, 2 },
	{ "\r\na $E\r\n", "a", 22, MATCH, 2 },
	{ "A.Example.ORG $E\n", "a.example.org", 22, MATCH, 1 },
	{ "a.example.org $E\n", "A.EXAMPLE.org", 22, MATCH, 1 },
	{ "::1 $E\n", "::1", 22, MATCH, 1 },
	{ "fe80::1%eth0 $E\n", "fe80::1%eth0", 22, MATCH, 1 },
	{ "192.0.2.7 $E\n", "192.0.2.7", 22, MATCH, 1 },
	{ "\xc3\xa9 $E\n", "\xc3\xa9", 22, MATCH, 1 },
	/* lists, wildcards, negation */
	{ "b,a,c $E\n", "a", 22, MATCH, 1 },
	{ "b,a,c $E\n", "c", 22, MATCH, 1 },
	{ ",,a,, $E\n", "a", 22, MATCH, 1 },
	{ "b, a $E\n", "a", 22, UNKNOWN, 0 },
	{ "*.org $E\n", "a.org", 22, MATCH, 1 },
	{ "*.org $E\n", "org", 22, UNKNOWN, 0 },
	{ "*.ORG $E\n", "x.y.org", 22, MATCH, 1 },
	{ "gpu?? $E\n", "gpu07", 22, MATCH, 1 },
	{ "gpu?? $E\n", "gpu7", 22, UNKNOWN, 0 },
	{ "* $E\n", "anything", 22, MATCH, 1 },
	{ "** $E\n", "x", 22, MATCH, 1 },
	{ "*a*b*c $E\n", "xxaabbabcxbc", 22, MATCH, 1 },
	{ "*a*b*c $E\n", "xxaabbabcxbcd", 22, UNKNOWN, 0 },
	{ "?*? $E\n", "x", 22, UNKNOWN, 0 },
	{ "[ab] $E\n", "a", 22, UNKNOWN, 0 },
	{ "\\* $E\n", "*", 22, UNKNOWN, 0 },
	{ "*.org,!bad.org $E\n", "bad.org", 22, UNKNOWN, 0 },
	{ "!bad.org,*.org $E\n", "bad.org", 22, UNKNOWN, 0 },
	{ "!bad.org,*.org $E\n", "good.org", 22, MATCH, 1 },
	{ "!bad.org $E\n", "good.org", 22, UNKNOWN, 0 },
	{ "!!a $E\n", "!a", 22, UNKNOWN, 0 },
	{ "!*,a $E\n", "a", 22, UNKNOWN, 0 },
	{ "*,!a $E\na $F\n", "a", 22, MISMATCH, 2 },
	/* ports */
	{ "[a]:2222 $E\n", "a", 2222, MATCH, 1 },
	{ "[a]:2222 $E\n", "a", 22, UNKNOWN, 0 },
	{ "[a]:2222 $E\n", "a", 2223, UNKNOWN, 0 },
	{ "[::1]:2222 $E\n", "::1", 2222, MATCH, 1 },
	{ "[a]:22 $E\n", "a", 22, UNKNOWN, 0 },
	{ "[a]:* $E\n", "a", 2222, MATCH, 1 },
	{ "[*.org]:2222,b $E\n", "x.org", 2222, MATCH, 1 },
	{ "* $E\n", "a", 2222, MATCH, 1 },
	/* several lines, several keys */
	{ "a $F\n", "a", 22, MISMATCH, 1 },
	{ "a $F\na $E\n", "a", 22, MATCH, 2 },
	{ "a $F\n*a $F\n", "a", 22, MISMATCH, 1 },
	{ "a $C\n", "a", 22, OTHER, 1 },
	{ "a $C\na $R\n", "a", 22, OTHER, 1 },
	{ "a $C\na $D\na $R\na $F\n", "a", 22, MISMATCH, 4 },
	{ "a $C\nb $F\na $E\n", "a", 22, MATCH, 3 },
	/* markers */
	{ "@revoked a $E\n", "a", 22, BANNED, 1 },
	{ "@revoked * $E\na $E\n", "a", 22, BANNED, 1 },
	{ "a $E\n@revoked * $E\n", "a", 22, BANNED, 2 },
	{ "a $E\n@revoked b $E\n", "a", 22, MATCH, 1 },
	{ "a $E\n@revoked a $F\n", "a", 22, MATCH, 1 },
	{ "@revoked a $F\n", "a", 22, UNKNOWN, 0 },
	{ "a $F\n@revoked a $F\n", "a", 22, MISMATCH, 1 },
	{ "@cert-authority a $E\n", "a", 22, UNKNOWN, 0 },
	{ "@cert-authority *.org $F\na.org $E\n", "a.org", 22, MATCH, 2 },
	{ " @revoked   a $E\n", "a", 22, BANNED, 1 },
	{ "@revoked @revoked a $E\n", "a", 22, DAMAGED, 1 },
	{ "@revoked @cert-authority a $E\n", "a", 22, DAMAGED, 1 },
	{ "@Revoked a $E\n", "a", 22, DAMAGED, 1 },
	{ "@unknown a $E\na $E\n", "a", 22, MATCH, 2 },
	{ "@revoked\n", "a", 22, UNKNOWN, 0 },
	{ "@ a $E\n", "a", 22, DAMAGED, 1 },
	/* damage */
	{ "a\n", "a", 22, DAMAGED, 1 },
	{ "a ssh-ed25519\n", "a", 22, DAMAGED, 1 },
	{ "a ssh-ed25519 \n", "a", 22, DAMAGED, 1 },
	{ "a ssh-ed25519 AAAA\n", "a", 22, DAMAGED, 1 },
	{ "a ssh-ed25519 !!!!\n", "a", 22, DAMAGED, 1 },
	{ "a ssh-ed25519 $c\n", "a", 22, DAMAGED, 1 },
	{ "a ssh-rsa $e\n", "a", 22, DAMAGED, 1 },
	{ "a # $E\n", "a", 22, DAMAGED, 1 },
	{ "a $e\n", "a", 22, DAMAGED, 1 },
	{ "a ssh-ed25519 x$e\n", "a", 22, DAMAGED, 1 },
	{ "a ssh-ed25519 $eAAAA\n", "a", 22, DAMAGED, 1 },
	{ "a 1024 35 1234567\n", "a", 22, DAMAGED, 1 },
	{ "a 1024 35 1234567\na $E\n", "a", 22, MATCH, 2 },
	{ "b ssh-ed25519 AAAA\nnonsense\na $E\n", "a", 22, MATCH, 3 },
	{ "a ssh-ed25519 AAAA\na $F\n", "a", 22, MISMATCH, 2 },
	{ "@revoked a ssh-ed25519 AAAA\na $E\n", "a", 22, MATCH, 2 },
	{ "|1|AAAA|AAAA $E\na $E\n", "a", 22, MATCH, 2 },
	{ "|1| $E\n|2|x|y $E\n| $E\n", "a", 22, UNKNOWN, 0 },
	{ "ssh-ed25519 $E\n", "ssh-ed25519", 22, MATCH, 1 },
	/* other words for a type */
	{ "a ED25519 $e\n", "a", 22, DAMAGED, 1 },
	{ "a ecdsa-sha2-nistp384 $c\n", "a", 22, DAMAGED, 1 },
	{ "a rsa-sha2-256 $r\n", "a", 22, OTHER, 1 },
	{ "a rsa-sha2-512 $r\n", "a", 22, OTHER, 1 },
	{ "a RSA $r\n", "a", 22, DAMAGED, 1 },
};

static void test_cases(void **state)
{
	(void)state;
	assert_true(ARRAY_SIZE(cases) >= 60);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(known_hosts) struct uc_known_hosts known = { 0 };
		const struct a_case *c = &cases[i];
		uc_auto(buf) struct uc_buf name = { 0 };
		struct uc_known_answer answer;

		read_text(&known, c->text);
		(void)keygen_agrees(&known, name_of(&name, c->host, c->port), c->text);
		answer = ask(&known, c->host, c->port, 'E');
		if (answer.verdict != c->verdict ||
		    (answer.line ? answer.line->line : 0) != c->line)
			fail_msg("'%s' in\n%s\nis %d by line %d", c->host, c->text,
				 (int)answer.verdict,
				 answer.line ? answer.line->line : 0);
	}
}

/* On another port ssh asks for the host itself too; ssh-keygen does not. */
static void test_port_falls_back(void **state)
{
	static const struct a_case own[] = {
		{ "a $E\n", "a", 2222, MATCH, 1 },
		{ "a $F\n", "a", 2222, UNKNOWN, 0 },
		{ "a $C\n", "a", 2222, UNKNOWN, 0 },
		{ "a ssh-ed25519 AAAA\n", "a", 2222, DAMAGED, 1 },
		{ "a $E\n[a]:2222 $F\n", "a", 2222, MISMATCH, 2 },
		{ "a $E\n[a]:2222 $C\n", "a", 2222, OTHER, 2 },
		{ "@revoked a $E\n[a]:2222 $E\n", "a", 2222, BANNED, 1 },
		{ "a $E\n@revoked [a]:2222 $E\n", "a", 2222, BANNED, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		uc_auto(known_hosts) struct uc_known_hosts known = { 0 };
		struct uc_known_answer answer;

		read_text(&known, own[i].text);
		answer = ask(&known, own[i].host, own[i].port, 'E');
		if (answer.verdict != own[i].verdict ||
		    (answer.line ? answer.line->line : 0) != own[i].line)
			fail_msg("%s: %d", own[i].text, (int)answer.verdict);
	}
}

/* ssh-keygen hashes what we then find, and the other way round. */
static void test_hashed(void **state)
{
	static const char *const hosts[] = { "a",        "b.example.org", "[c]:2222",
					     "[::1]:22", "192.0.2.7",     "*.org" };
	const char *words[] = { "ssh-keygen", "-q", "-H", "-f", world.file, NULL };
	uc_auto(known_hosts) struct uc_known_hosts plain = { 0 }, known = { 0 };
	uc_auto(buf) struct uc_buf out = { 0 };

	(void)state;
	read_text(&plain, "a,b.example.org $E\n[c]:2222 $C\n# c\nB.example.org $R\n"
			  "*.org $F\n@revoked a $F\n192.0.2.7,[::1]:22 $F\n");
	assert_int_equal(run_keygen(words, &out), 0);
	assert_int_equal(uc_known_hosts_read(&known, world.file, NULL), 0);
	assert_true(known.count > plain.count && known.line[0].names[0] == '|');
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		assert_true(keygen_agrees(&known, hosts[i], "hashed") > 0);
	assert_int_equal(ask(&known, "A", 22, 'E').verdict, MATCH);
	assert_int_equal(ask(&known, "a", 22, 'F').verdict, BANNED);
	assert_int_equal(ask(&known, "c", 2222, 'C').verdict, MATCH);
	assert_int_equal(ask(&known, "c", 22, 'C').verdict, UNKNOWN);
	assert_int_equal(ask(&known, "192.0.2.7", 22, 'E').verdict, MISMATCH);
}

static void test_what_else_is_told(void **state)
{
	uc_auto(known_hosts) struct uc_known_hosts known = { 0 };
	struct uc_known_answer answer;

	(void)state;
	read_text(&known, "a $C\n@cert-authority * $F\n@revoked a what\na $E\nwho\n");
	answer = ask(&known, "a", 22, 'E');
	assert_int_equal(answer.verdict, MATCH);
	assert_string_equal(answer.line->type, "ssh-ed25519");
	assert_string_equal(answer.line->path, world.file);
	assert_int_equal(answer.authority->line, 2);
	assert_int_equal(answer.damaged->line, 3);
	assert_string_equal(answer.damaged->fault, "it has no key");
	assert_int_equal(known.count, 5);
	assert_string_equal(known.line[4].fault, "it has no key");
	answer = ask(&known, "x", 22, 'F'); /* an authority's key is no host's */
	assert_int_equal(answer.verdict, UNKNOWN);
	assert_int_equal(answer.authority->line, 2);
}

static void types_are(const struct uc_known_hosts *known, const char *host, int port,
		      const char *expected)
{
	uc_auto(strv) struct uc_strv types = { 0 };
	uc_auto(buf) struct uc_buf joined = { 0 };
	struct uc_known_peer peer = { host, port };

	uc_known_hosts_types(known, &peer, &types);
	for (size_t i = 0; i < types.count; i++)
		uc_buf_addf(&joined, "%s%s", i ? "," : "", types.item[i]);
	assert_string_equal(uc_buf_text(&joined), expected);
}

static void test_types(void **state)
{
	uc_auto(known_hosts) struct uc_known_hosts known = { 0 };

	(void)state;
	read_text(&known,
		  "a $R\na rsa-sha2-512 $r\na $E\n@revoked a $E\na $F\n[a]:2222 $C\n"
		  "@cert-authority c $D\nc ssh-rsa what\nb $E\n@revoked * $E\n"
		  "a ssh-new AAAAB3NzaC1uZXcAAAAA\n");
	types_are(&known, "a", 22, "ssh-rsa,ssh-ed25519,ssh-new");
	types_are(&known, "a", 2222, "ecdsa-sha2-nistp256");
	types_are(&known, "A", 2223, "ssh-rsa,ssh-ed25519,ssh-new");
	types_are(&known, "b", 22, "");
	types_are(&known, "c", 22, "");
}

/* The user's file, the system's; one that is not there says nothing. */
static void test_files(void **state)
{
	uc_auto(known_hosts) struct uc_known_hosts known = { 0 };
	uc_auto(buf) struct uc_buf missing = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	uc_buf_addf(&missing, "%s/none/known_hosts", world.folder);
	assert_int_equal(uc_known_hosts_read(&known, missing.data, &err), 0);
	assert_int_equal(uc_known_hosts_read(&known, "/dev/null", &err), 0);
	assert_int_equal(known.count, 0);
	assert_int_equal(ask(&known, "a", 22, 'E').verdict, UNKNOWN);
	read_text(&known, "a $C\n");
	assert_int_equal(
		uc_known_hosts_parse(&known, "system", "@revoked * x\n", 13, &err), 0);
	read_text(&known, "\na $E\n");
	assert_int_equal(ask(&known, "a", 22, 'E').line->line, 2);
	assert_string_equal(ask(&known, "b", 22, 'E').damaged->path, "system");
	assert_int_equal(uc_known_hosts_read(&known, world.folder, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
}

static void test_bounds(void **state)
{
	uc_auto(known_hosts) struct uc_known_hosts known = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error err = { 0 };
	char name[UC_KNOWN_NAME_MAX + 3];

	(void)state;
	/* a line with a NUL, one that is too long, a name that is */
	uc_buf_add(&text, "a ssh-ed25519 ");
	uc_buf_addn(&text, "\0\n", 2);
	fill_in(&text, "b $E ");
	while (text.len < UC_KNOWN_LINE_MAX + 100)
		uc_buf_add(&text, "comment ");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	uc_buf_addf(&text, "\nc,%s", name);
	fill_in(&text, " $E\nd $E\n");
	assert_int_equal(uc_known_hosts_parse(&known, "f", text.data, text.len, &err), 0);
	assert_int_equal(known.count, 4);
	assert_string_equal(known.line[0].fault, "it has a NUL byte");
	assert_string_equal(known.line[1].fault, "it is longer than 64 KiB");
	assert_string_equal(known.line[2].fault, "a name in it is too long");
	assert_int_equal(ask(&known, "a", 22, 'E').verdict, DAMAGED);
	assert_int_equal(ask(&known, "b", 22, 'E').verdict, DAMAGED);
	assert_int_equal(ask(&known, "c", 22, 'E').verdict, DAMAGED);
	assert_int_equal(ask(&known, "d", 22, 'E').verdict, MATCH);
	assert_int_equal(ask(&known, name, 22, 'E').verdict, UNKNOWN);
	assert_int_equal(ask(&known, name, 2222, 'E').verdict, UNKNOWN);
	/* a file without end */
	assert_int_equal(truncate(world.file, UC_KNOWN_FILE_MAX + 1), 0);
	assert_int_equal(uc_known_hosts_read(&known, world.file, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
}

/* A pattern that costs a backtracking matcher for ever. */
static void test_time_is_bounded(void **state)
{
	uc_auto(known_hosts) struct uc_known_hosts known = { 0 };
	char host[1001];

	(void)state;
	read_text(&known, "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b $E\n");
	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	assert_int_equal(ask(&known, host, 22, 'E').verdict, UNKNOWN);
}

#define ROUNDS 120
#define LINES  12

static void add_lines(struct uc_buf *text, unsigned *seed)
{
	static const char *const before[] = { "",  "",          "",
					      "",  "@revoked ", "@cert-authority ",
					      " ", "#",         "@x " };
	static const char *const name[] = { "a", "b", "*", "?",   ",",    "!",   ",",
					    "A", ".", "[", "]:7", "*,!a", "a,b", "" };
	static const char *const key[] = { " $E", " $F",  " $C c", " $E\r",
					   " $R", "\t$D", " $E",   " ssh-rsa $e",
					   "",    " $e",  " #",    " ssh-ed25519 A" };

	for (int i = 0; i < LINES; i++) {
		uc_buf_add(text, before[random_below(seed, ARRAY_SIZE(before))]);
		add_random(text, seed, name, ARRAY_SIZE(name), 5);
		uc_buf_add(text, key[random_below(seed, ARRAY_SIZE(key))]);
		uc_buf_addc(text, '\n');
	}
}

static void test_random_files(void **state)
{
	static const char *const hosts[] = { "a", "b", "ab", "[a]:7", "b.a" };
	size_t found = 0;
	unsigned seed = 11;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uc_auto(known_hosts) struct uc_known_hosts known = { 0 };
		uc_auto(buf) struct uc_buf text = { 0 };

		add_lines(&text, &seed);
		read_text(&known, text.data);
		for (size_t k = 0; k < ARRAY_SIZE(hosts); k++)
			found += keygen_agrees(&known, hosts[k], text.data) > 0;
	}
	assert_true(found > ROUNDS && found < ROUNDS * ARRAY_SIZE(hosts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_port_falls_back),
		cmocka_unit_test(test_hashed),
		cmocka_unit_test(test_what_else_is_told),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_time_is_bounded),
		cmocka_unit_test(test_random_files),
	};

	return cmocka_run_group_tests_name("known_hosts", tests, set_up, tear_down);
}
