/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh/identity.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"

#define BEGIN   "-----BEGIN "
#define OPENSSH "-----BEGIN OPENSSH PRIVATE KEY-----"
#define MAGIC   "openssh-key-v1" /* with its NUL */

const char *uc_identity_beyond(const unsigned char *blob, size_t len)
{
	static const struct {
		const char *type, *name;
	} types[] = {
		{ "ssh-ed25519", NULL },
		{ "ecdsa-sha2-nistp256", NULL },
		{ "ecdsa-sha2-nistp384", NULL },
		{ "ecdsa-sha2-nistp521", NULL },
		{ "ssh-rsa", "RSA" },
		{ "ssh-dss", "DSA" },
		{ "sk-ssh-ed25519@openssh.com", "FIDO" },
		{ "sk-ecdsa-sha2-nistp256@openssh.com", "FIDO" },
	};
	struct uc_bytes rest = { blob, len }, type;

	if (!uc_bytes_string(&rest, &type))
		return "unknown";
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (uc_bytes_are(&type, types[i].type))
			return types[i].name;
	return type.left > 9 && memmem(type.at, type.left, "-cert-v0", 8) ? "certified"
									  : "unknown";
}

/* The base64 text in `text`, blanks and line ends left out. */
static bool decode(struct uc_buf *out, const char *text, size_t len)
{
	uc_auto(buf) struct uc_buf joined = { 0 };
	bool good;

	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", text[i]))
			uc_buf_addc(&joined, text[i]);
	good = !joined.failed && joined.len && uc_base64_decode(out, joined.data);
	if (joined.data)
		explicit_bzero(joined.data, joined.len);
	return good;
}

/* PROTOCOL.key of OpenSSH: cipher, kdf, its options, number of keys, public key, ... */
static bool take_openssh(struct uc_identity *identity, const char *text)
{
	const char *begin = text + strlen(OPENSSH), *end = strstr(begin, "-----END ");
	uc_auto(buf) struct uc_buf raw = { 0 };
	struct uc_bytes rest, cipher, skip, blob;
	uint32_t keys;
	bool good;

	if (!end || !decode(&raw, begin, (size_t)(end - begin)) ||
	    raw.len < sizeof(MAGIC) || memcmp(raw.data, MAGIC, sizeof(MAGIC)) != 0)
		return false;
	rest = (struct uc_bytes){ (unsigned char *)raw.data + sizeof(MAGIC),
				  raw.len - sizeof(MAGIC) };
	good = uc_bytes_string(&rest, &cipher) && uc_bytes_string(&rest, &skip) &&
	       uc_bytes_string(&rest, &skip) && uc_bytes_number(&rest, &keys) &&
	       keys == 1 && uc_bytes_string(&rest, &blob) && blob.left > 4;
	if (good) {
		identity->encrypted = !uc_bytes_are(&cipher, "none");
		uc_buf_addn(&identity->blob, blob.at, blob.left);
	}
	explicit_bzero(raw.data, raw.len);
	return good;
}

/* TYPE BASE64 [COMMENT] */
static bool take_public(struct uc_identity *identity, const char *text)
{
	const char *key = strchr(text, ' ');

	if (!key || (strncmp(text, "ssh-", 4) != 0 && strncmp(text, "ecdsa-", 6) != 0 &&
		     strncmp(text, "sk-", 3) != 0))
		return false;
	key += strspn(key, " ");
	return decode(&identity->blob, key, strcspn(key, " \r\n"));
}

bool uc_identity_parse(struct uc_identity *identity)
{
	const char *text = uc_buf_text(&identity->text);

	if (strncmp(text, OPENSSH, strlen(OPENSSH)) == 0)
		return take_openssh(identity, text);
	if (strncmp(text, BEGIN, strlen(BEGIN)) != 0) {
		bool good = take_public(identity, text); /* its other half: an agent's */

		uc_buf_reset(&identity->text);
		return good;
	}
	identity->encrypted = strstr(text, "ENCRYPTED") != NULL;
	if (strstr(text, "BEGIN RSA "))
		identity->beyond = "RSA";
	else if (strstr(text, "BEGIN DSA "))
		identity->beyond = "DSA";
	return strstr(text, "PRIVATE KEY-----") != NULL;
}

static void read_public(struct uc_identity *identity)
{
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 };

	uc_buf_addf(&path, "%s.pub", identity->path);
	if (!path.failed &&
	    uc_file_read(uc_buf_text(&path), UC_IDENTITY_MAX, &text, NULL) == 0 &&
	    !take_public(identity, uc_buf_text(&text)))
		uc_buf_reset(&identity->blob);
}

static bool certified(const char *path)
{
	uc_auto(buf) struct uc_buf name = { 0 };

	uc_buf_addf(&name, "%s-cert.pub", path);
	return !name.failed && access(uc_buf_text(&name), R_OK) == 0;
}

bool uc_identity_load(struct uc_identity *identity, const char *path)
{
	struct stat st;

	identity->path = path;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
		read_public(identity); /* the agent may have its other half */
		return identity->blob.len && !identity->blob.failed;
	}
	if (uc_file_read(path, UC_IDENTITY_MAX, &identity->text, NULL) < 0 ||
	    memchr(uc_buf_text(&identity->text), '\0', identity->text.len) ||
	    !uc_identity_parse(identity))
		return false;
	/* as ssh: what others can read is no secret any more */
	if (identity->text.len && st.st_uid == geteuid() && (st.st_mode & 077))
		return false;
	if (!identity->blob.len)
		read_public(identity);
	if (!identity->beyond && identity->blob.len)
		identity->beyond = uc_identity_beyond(
			(const unsigned char *)identity->blob.data, identity->blob.len);
	if (!identity->beyond && certified(path))
		identity->beyond = "certified";
	return !identity->text.failed && !identity->blob.failed;
}

void uc_identity_free(struct uc_identity *identity)
{
	if (identity->text.data)
		explicit_bzero(identity->text.data, identity->text.cap);
	uc_buf_free(&identity->text);
	uc_buf_free(&identity->blob);
	memset(identity, 0, sizeof(*identity));
}
