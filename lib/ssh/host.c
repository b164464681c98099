/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh/host.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/path.h"
#include "ssh/bytes.h"

#define SSH_PORT 22
#define SALT_LEN 20

int uc_host_load(struct uc_host *host, const struct uc_ssh_config *config,
		 const struct uc_ssh_asker *asker, struct uc_error *err)
{
	const struct uc_strv *lists[] = { &config->user_known, &config->global_known };
	const char *alias = config->host_key_alias;
	const struct uc_host_key none = { (const unsigned char *)"", 0 };

	host->config = config;
	host->asker = asker;
	host->peer.host = alias ? alias : config->hostname;
	host->peer.port = alias ? SSH_PORT : config->port;
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < lists[i]->count; j++)
			if (uc_known_hosts_read(&host->known, lists[i]->item[j], err) < 0)
				return uc_context(err, "known hosts");
	uc_known_hosts_types(&host->known, &host->peer, &host->types);
	host->certified =
		uc_known_hosts_check(&host->known, &host->peer, &none).authority != NULL;
	if (host->types.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

void uc_host_free(struct uc_host *host)
{
	uc_known_hosts_free(&host->known);
	uc_strv_free(&host->types);
}

/* As ssh-keygen -l has it. */
static void add_fingerprint(struct uc_buf *buf, const unsigned char *key, size_t len)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (EVP_Digest(key, len, digest, &size, EVP_sha256(), NULL) != 1)
		size = 0;
	uc_buf_add(buf, "SHA256:");
	uc_base64_encode(buf, digest, size);
	while (buf->len && buf->data[buf->len - 1] == '=')
		buf->data[--buf->len] = '\0';
}

/* The name in front of a key, as ssh writes it: "ED25519". */
static void add_type(struct uc_buf *buf, const unsigned char *key, size_t len)
{
	static const char *const names[][2] = { { "ssh-ed25519", "ED25519" },
						{ "ecdsa-sha2-nistp256", "ECDSA" },
						{ "ecdsa-sha2-nistp384", "ECDSA" },
						{ "ecdsa-sha2-nistp521", "ECDSA" },
						{ "ssh-rsa", "RSA" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size = strlen(names[i][0]);

		if (len > 4 + size && memcmp(key + 4, names[i][0], size) == 0) {
			uc_buf_add(buf, names[i][1]);
			return;
		}
	}
	uc_buf_add(buf, "unknown");
}

static void add_key(struct uc_buf *buf, const unsigned char *key, size_t len)
{
	add_type(buf, key, len);
	uc_buf_addc(buf, ' ');
	add_fingerprint(buf, key, len);
}

static void say(const struct uc_host *host, int weight, const char *text)
{
	if (host->asker && host->asker->say)
		host->asker->say(host->asker->arg, weight, text);
}

/* The host as a file of known hosts has it; hashed when the user wants that. */
static bool add_name(struct uc_buf *line, const struct uc_host *host)
{
	uc_auto(buf) struct uc_buf name = { 0 };
	unsigned char salt[SALT_LEN], digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (host->peer.port == SSH_PORT)
		uc_buf_add(&name, host->peer.host);
	else
		uc_buf_addf(&name, "[%s]:%d", host->peer.host, host->peer.port);
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] >= 'A' && name.data[i] <= 'Z')
			name.data[i] = (char)(name.data[i] - 'A' + 'a');
	if (!host->config->hash_names || strcmp(host->config->hash_names, "yes") != 0) {
		uc_buf_add(line, uc_buf_text(&name));
		return !name.failed;
	}
	if (RAND_bytes(salt, SALT_LEN) != 1 ||
	    !HMAC(EVP_sha1(), salt, SALT_LEN, (const unsigned char *)uc_buf_text(&name),
		  name.len, digest, &size))
		return false;
	uc_buf_add(line, "|1|");
	uc_base64_encode(line, salt, SALT_LEN);
	uc_buf_addc(line, '|');
	uc_base64_encode(line, digest, size);
	return !name.failed;
}

/* One write, so that two who add at once do not mix. */
static int append(const char *path, struct uc_buf *line)
{
	struct stat st;
	char last = '\n';
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	ssize_t wrote = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_size == 0 || pread(fd, &last, 1, st.st_size - 1) == 1)) {
		const char *text = uc_buf_text(line) + (last == '\n');
		size_t len = line->len - (last == '\n');

		wrote = write(fd, text, len);
		if (wrote >= 0 && (size_t)wrote != len)
			wrote = -1;
	}
	if (fsync(fd) < 0)
		wrote = -1;
	close(fd);
	return wrote < 0 ? -1 : 0;
}

static void remember(const struct uc_host *host, const struct uc_host_key *key)
{
	uc_auto(buf) struct uc_buf line = { 0 }, folder = { 0 }, text = { 0 };
	const struct uc_strv *files = &host->config->user_known;
	size_t len = (size_t)key->bytes[3]; /* of the type; see uc_host_judge */

	if (!files->count || strcmp(files->item[0], "/dev/null") == 0)
		return;
	uc_buf_addc(&line, '\n'); /* for a file whose last line has none */
	if (!add_name(&line, host))
		line.failed = true;
	uc_buf_addc(&line, ' ');
	uc_buf_addn(&line, key->bytes + 4, len);
	uc_buf_addc(&line, ' ');
	uc_base64_encode(&line, key->bytes, key->len);
	uc_buf_addc(&line, '\n');
	uc_path_folder(&folder, files->item[0]);
	(void)!uc_file_mkdirs(uc_buf_text(&folder), 0700, NULL);
	if (line.failed || append(files->item[0], &line) < 0)
		uc_buf_addf(&text, "cannot add '%s' to '%s': %s", host->peer.host,
			    files->item[0], strerror(errno));
	else
		uc_buf_addf(&text, "'%s' was added to '%s'", host->peer.host,
			    files->item[0]);
	uc_buf_reset(&folder);
	uc_buf_safe(&folder, uc_raw(uc_buf_text(&text)), 0);
	say(host, 0, uc_buf_text(&folder));
}

static int refuse_unknown(const struct uc_host *host, const char *shown,
			  struct uc_error *err)
{
	uc_fail(err, UC_DENIED, "the key of '%s' is not known, it shows %s",
		host->peer.host, shown);
	return uc_hint(err,
		       "connect once with ssh -p %d '%s' and compare the fingerprint",
		       host->config->port, host->peer.host);
}

static int judge_unknown(const struct uc_host *host, const struct uc_host_key *key,
			 const char *shown, struct uc_error *err)
{
	const char *strict = host->config->strict ? host->config->strict : "ask";
	uc_auto(buf) struct uc_buf text = { 0 }, safe = { 0 };

	if (strcmp(strict, "true") == 0 || strcmp(strict, "yes") == 0)
		return refuse_unknown(host, shown, err);
	if (strcmp(strict, "ask") == 0) {
		if (!host->asker || !host->asker->host)
			return refuse_unknown(host, shown, err);
		uc_buf_addf(&text,
			    "The host '%s' (port %d) was never seen before.\n"
			    "It shows the key %s.\n"
			    "Compare that with what its administrators publish.",
			    host->peer.host, host->config->port, shown);
		uc_buf_safe(&safe, uc_raw(uc_buf_text(&text)), UC_SAFE_NEWLINE);
		if (safe.failed)
			return uc_fail(err, UC_FAILED, "out of memory");
		if (host->asker->host(host->asker->arg, uc_buf_text(&safe)) != 0)
			return uc_fail(err, UC_DENIED, "the key of '%s' was not trusted",
				       host->peer.host);
	}
	/* "accept-new", and "no", which here means nothing more */
	remember(host, key);
	return 0;
}

/* What the line says that speaks against it. */
static int refuse(const struct uc_host *host, const struct uc_known_answer *answer,
		  const char *shown, struct uc_error *err)
{
	const struct uc_known_line *line = answer->line;
	uc_auto(buf) struct uc_buf known = { 0 };

	switch (answer->verdict) {
	case UC_KNOWN_BANNED:
		uc_fail(err, UC_DENIED, "the key of '%s' is revoked: %s", host->peer.host,
			shown);
		break;
	case UC_KNOWN_DAMAGED:
		uc_fail(err, UC_DENIED,
			"what is known of '%s' cannot be read, it shows %s",
			host->peer.host, shown);
		uc_hint(err, "repair or remove that line");
		break;
	default:
		if (line)
			add_key(&known, line->key, line->key_len);
		uc_fail(err, UC_DENIED,
			"'%s' is not the known host: it shows %s, known is %s",
			host->peer.host, shown, uc_buf_text(&known));
		uc_hint(err,
			"somebody may be listening in between; if its key was "
			"changed on purpose, remove the old line with ssh-keygen -R");
	}
	return line ? uc_at(err, line->path, line->line, 0) : -1;
}

/* A type, what belongs to it, and nothing behind: with more, one key would be many. */
static bool is_whole(const struct uc_host_key *key)
{
	struct uc_bytes bytes = { key->bytes, key->len }, type, part;
	bool good = uc_bytes_string(&bytes, &type);

	for (int parts = uc_bytes_are(&type, "ssh-ed25519") ? 1 : 2; good && parts;
	     parts--)
		good = uc_bytes_string(&bytes, &part);
	return good && bytes.left == 0;
}

int uc_host_judge(const struct uc_host *host, const struct uc_host_key *key,
		  struct uc_error *err)
{
	uc_auto(buf) struct uc_buf shown = { 0 };
	struct uc_known_answer answer;

	/* the type comes first, and is one of those that were asked for */
	if (key->len < 8 || key->bytes[0] || key->bytes[1] || key->bytes[2] ||
	    !is_whole(key))
		return uc_fail(err, UC_INVALID, "the key of '%s' makes no sense",
			       host->peer.host);
	add_key(&shown, key->bytes, key->len);
	if (shown.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	answer = uc_known_hosts_check(&host->known, &host->peer, key);
	if (answer.verdict == UC_KNOWN_MATCH)
		return 0;
	if (answer.verdict == UC_KNOWN_UNKNOWN)
		return judge_unknown(host, key, uc_buf_text(&shown), err);
	return refuse(host, &answer, uc_buf_text(&shown), err);
}
