/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh_server.h"

#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VERSION    "SSH-2.0-OpenSSH_9.2"
#define PACKET_MAX (1U << 20)

uint32_t get_number(const void *at)
{
	const unsigned char *b = at;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

void put_number(struct uc_buf *out, uint32_t n)
{
	const char bytes[] = { (char)(n >> 24), (char)(n >> 16), (char)(n >> 8),
			       (char)n };

	uc_buf_addn(out, bytes, 4);
}

void put_string(struct uc_buf *out, const void *bytes, size_t len)
{
	put_number(out, (uint32_t)len);
	uc_buf_addn(out, bytes, len);
}

/* A positive number of 32 bytes, as SSH writes it. */
static void put_secret(struct uc_buf *out, const unsigned char *bytes)
{
	size_t skip = 0;

	while (skip < 32 && !bytes[skip])
		skip++;
	put_number(out, (uint32_t)(32 - skip + (skip < 32 && bytes[skip] & 0x80)));
	if (skip < 32 && bytes[skip] & 0x80)
		uc_buf_addc(out, '\0');
	uc_buf_addn(out, bytes + skip, 32 - skip);
}

void server_raw(struct server *s, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t done = send(s->fd, at, len, MSG_NOSIGNAL);

		if (done <= 0)
			_exit(0);
		at += done;
		len -= (size_t)done;
	}
}

static void hear(struct server *s, void *bytes, size_t len)
{
	char *at = bytes;

	while (len > 0) {
		ssize_t got = recv(s->fd, at, len, 0);

		if (got <= 0)
			_exit(0);
		at += got;
		len -= (size_t)got;
	}
}

_Noreturn void server_wait(struct server *s)
{
	char bytes[65536];

	while (recv(s->fd, bytes, sizeof(bytes), 0) > 0)
		;
	_exit(0);
}

static void sum_packet(const unsigned char *key, uint32_t number, const void *bytes,
		       size_t len, unsigned char sum[32])
{
	uc_auto(buf) struct uc_buf all = { 0 };

	put_number(&all, number);
	uc_buf_addn(&all, bytes, len);
	HMAC(EVP_sha256(), key, 32, (unsigned char *)all.data, all.len, sum, NULL);
}

void server_send(struct server *s, const struct uc_buf *payload)
{
	const size_t block = s->out ? 16 : 8;
	size_t padding = block - (5 + payload->len) % block;
	uc_auto(buf) struct uc_buf packet = { 0 };
	unsigned char sum[32];
	int len;

	padding += padding < 4 ? block : 0;
	put_number(&packet, (uint32_t)(1 + payload->len + padding));
	uc_buf_addc(&packet, (char)padding);
	uc_buf_addn(&packet, payload->data, payload->len);
	for (size_t i = 0; i < padding; i++)
		uc_buf_addc(&packet, '\0');
	if (s->out) {
		sum_packet(s->mac_out, s->sent, packet.data, packet.len, sum);
		len = (int)packet.len;
		EVP_CipherUpdate(s->out, (unsigned char *)packet.data, &len,
				 (unsigned char *)packet.data, len);
		uc_buf_addn(&packet, sum, sizeof(sum));
	}
	s->sent++;
	server_raw(s, packet.data, packet.len);
}

void server_say(struct server *s, int type, const char *shape, ...)
{
	uc_auto(buf) struct uc_buf payload = { 0 };
	const char *bytes;
	va_list args;

	va_start(args, shape);
	uc_buf_addc(&payload, (char)type);
	for (; *shape; shape++) {
		switch (*shape) {
		case 'u':
			put_number(&payload, va_arg(args, uint32_t));
			break;
		case 's':
			bytes = va_arg(args, const char *);
			put_string(&payload, bytes, strlen(bytes));
			break;
		case 'r':
			bytes = va_arg(args, const char *);
			put_string(&payload, bytes, va_arg(args, size_t));
			break;
		default:
			uc_buf_addc(&payload, (char)va_arg(args, int));
		}
	}
	va_end(args);
	server_send(s, &payload);
}

static void decrypt(struct server *s, unsigned char *bytes, size_t size)
{
	int len = (int)size;

	if (s->in)
		EVP_CipherUpdate(s->in, bytes, &len, bytes, len);
}

static int receive(struct server *s)
{
	static unsigned char packet[PACKET_MAX + 64];
	const size_t first = s->in ? 16 : 8;
	uint32_t len;

	hear(s, packet, first);
	decrypt(s, packet, first);
	len = get_number(packet);
	if (len < first - 4 || len > PACKET_MAX - 4 || packet[4] >= len)
		_exit(3);
	hear(s, packet + first, len + 4 - first);
	decrypt(s, packet + first, len + 4 - first);
	if (s->in)
		hear(s, packet + 4 + len, 32);
	s->received++;
	uc_buf_reset(&s->packet);
	uc_buf_addn(&s->packet, packet + 5, len - 1 - packet[4]);
	return s->packet.len ? (unsigned char)s->packet.data[0] : -1;
}

int server_next(struct server *s)
{
	static const struct lie_of_kex none = { 0 };
	int type = receive(s);

	while (type == MSG_KEXINIT || type == MSG_IGNORE || type == MSG_DEBUG) {
		if (type == MSG_KEXINIT) {
			uc_buf_reset(&s->theirs);
			uc_buf_addn(&s->theirs, s->packet.data, s->packet.len);
			server_agree(s, &none);
		}
		type = receive(s);
	}
	return type;
}

/* --- keys --- */

static void make_kexinit(struct server *s)
{
	static const char *const lists[] = {
		"curve25519-sha256,curve25519-sha256@libssh.org",
		"ssh-ed25519",
		"aes128-ctr",
		"aes128-ctr",
		"hmac-sha2-256",
		"hmac-sha2-256",
		"none",
		"none",
		"",
		""
	};

	uc_buf_reset(&s->own);
	uc_buf_addc(&s->own, MSG_KEXINIT);
	uc_buf_addn(&s->own, "0123456789abcdef", 16);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		put_string(&s->own, lists[i], strlen(lists[i]));
	uc_buf_addn(&s->own, "\0\0\0\0\0", 5);
}

static void public_of(EVP_PKEY *key, unsigned char bytes[32])
{
	size_t len = 32;

	EVP_PKEY_get_raw_public_key(key, bytes, &len);
}

static void put_key(struct uc_buf *out, EVP_PKEY *key, const struct lie_of_kex *lie)
{
	const char *type = lie->wrong_type ? "ecdsa-sha2-nistp256" : "ssh-ed25519";
	uc_auto(buf) struct uc_buf blob = { 0 };
	unsigned char bytes[32];

	public_of(key, bytes);
	put_string(&blob, type, strlen(type));
	put_string(&blob, bytes, sizeof(bytes));
	for (int i = 0; lie->long_key && i < 30000; i++)
		uc_buf_addc(&blob, 'x');
	put_string(out, blob.data, lie->empty_key ? 0 : blob.len);
}

static void sign(struct uc_buf *out, EVP_PKEY *key, const unsigned char hash[32],
		 const struct lie_of_kex *lie)
{
	const char *type = lie->signature_type ? "ssh-rsa" : "ssh-ed25519";
	uc_auto(buf) struct uc_buf blob = { 0 };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char made[64];
	size_t len = sizeof(made);

	EVP_DigestSignInit(ctx, NULL, NULL, NULL, key);
	EVP_DigestSign(ctx, made, &len, hash, 32);
	EVP_MD_CTX_free(ctx);
	made[7] ^= lie->wrong_signature;
	put_string(&blob, type, strlen(type));
	put_string(&blob, made, len);
	put_string(out, blob.data, blob.len);
}

static void derive(const struct server *s, const struct uc_buf *secret,
		   const unsigned char hash[32], char letter, unsigned char out[32])
{
	uc_auto(buf) struct uc_buf all = { 0 };

	uc_buf_addn(&all, secret->data, secret->len);
	uc_buf_addn(&all, hash, 32);
	uc_buf_addc(&all, letter);
	uc_buf_addn(&all, s->id, 32);
	SHA256((unsigned char *)all.data, all.len, out);
}

static EVP_CIPHER_CTX *cipher(const struct server *s, const struct uc_buf *secret,
			      const unsigned char hash[32], char iv, char key)
{
	EVP_CIPHER_CTX *made = EVP_CIPHER_CTX_new();
	unsigned char iv_bytes[32], key_bytes[32];

	derive(s, secret, hash, iv, iv_bytes);
	derive(s, secret, hash, key, key_bytes);
	EVP_CipherInit_ex(made, EVP_aes_128_ctr(), NULL, key_bytes, iv_bytes, 1);
	return made;
}

/* X25519 with what the client sent; its packet is the last one. */
static void exchange(struct server *s, unsigned char point[32], unsigned char shared[32])
{
	EVP_PKEY *own = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	EVP_PKEY *theirs = s->packet.len >= 37
				   ? EVP_PKEY_new_raw_public_key(
					     EVP_PKEY_X25519, NULL,
					     (unsigned char *)s->packet.data + 5, 32)
				   : NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	size_t len = 32;

	if (!theirs)
		_exit(3);
	public_of(own, point);
	EVP_PKEY_derive_init(ctx);
	EVP_PKEY_derive_set_peer(ctx, theirs);
	EVP_PKEY_derive(ctx, shared, &len);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(own);
}

static void put_point(struct uc_buf *out, const unsigned char point[32],
		      const struct lie_of_kex *lie)
{
	static const unsigned char zeros[40000];

	if (lie->point < 0)
		put_string(out, zeros, 32);
	else if (lie->point)
		put_string(out, zeros, (size_t)lie->point - 1);
	else
		put_string(out, point, 32);
}

/* The hash of the exchange, and the answer to the client. */
static void reply(struct server *s, const struct uc_buf *secret,
		  const unsigned char point[32], unsigned char hash[32],
		  const struct lie_of_kex *lie)
{
	uc_auto(buf) struct uc_buf all = { 0 }, packet = { 0 };
	EVP_PKEY *shown = lie->other_key ? s->other : s->key;

	put_string(&all, s->client, strlen(s->client));
	put_string(&all, VERSION, strlen(VERSION));
	put_string(&all, s->theirs.data, s->theirs.len);
	put_string(&all, s->own.data, s->own.len);
	put_key(&all, shown, lie);
	put_string(&all, s->packet.data + 5, 32);
	put_point(&all, point, lie);
	uc_buf_addn(&all, secret->data, secret->len);
	SHA256((unsigned char *)all.data, all.len, hash);
	uc_buf_addc(&packet, MSG_KEX_REPLY);
	put_key(&packet, shown, lie);
	put_point(&packet, point, lie);
	sign(&packet, lie->other_signs ? s->other : shown, hash, lie);
	if (lie->cut) {
		packet.len /= 2;
		server_send(s, &packet);
		_exit(0);
	}
	server_send(s, &packet);
}

static void take_keys(struct server *s, const struct uc_buf *secret,
		      const unsigned char hash[32])
{
	EVP_CIPHER_CTX_free(s->out);
	s->out = cipher(s, secret, hash, 'B', 'D');
	derive(s, secret, hash, 'F', s->mac_out);
	while (receive(s) != MSG_NEWKEYS)
		;
	EVP_CIPHER_CTX_free(s->in);
	s->in = cipher(s, secret, hash, 'A', 'C');
}

void server_agree(struct server *s, const struct lie_of_kex *lie)
{
	unsigned char point[32], shared[32], hash[32];
	uc_auto(buf) struct uc_buf secret = { 0 };
	int type;

	make_kexinit(s);
	server_send(s, &s->own);
	while ((type = receive(s)) != MSG_KEX_INIT)
		if (type == MSG_KEXINIT) {
			uc_buf_reset(&s->theirs);
			uc_buf_addn(&s->theirs, s->packet.data, s->packet.len);
		}
	if (lie->silent)
		server_wait(s);
	exchange(s, point, shared);
	put_secret(&secret, shared);
	if (!lie->no_reply)
		reply(s, &secret, point, hash, lie);
	server_say(s, MSG_NEWKEYS, "");
	if (!s->has_id)
		memcpy(s->id, hash, sizeof(s->id));
	s->has_id = true;
	take_keys(s, &secret, hash);
	s->mac_out[0] ^= lie->wrong_mac;
	if (lie->wrong_length) {
		unsigned char head[16] = { 0x7f, 0xff, 0xff, 0xff, 4 };
		int len = sizeof(head);

		EVP_CipherUpdate(s->out, head, &len, head, len);
		server_raw(s, head, sizeof(head));
		server_wait(s);
	}
}

struct server *server_new(void)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s)
		_exit(3);
	s->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	s->other = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return s;
}

void server_free(struct server *s)
{
	EVP_PKEY_free(s->key);
	EVP_PKEY_free(s->other);
	free(s);
}

void server_greet(struct server *s, const struct lie_of_kex *lie)
{
	size_t len = 0;
	char byte = 0;

	server_raw(s, VERSION "\r\n", strlen(VERSION "\r\n"));
	while (byte != '\n' && len < sizeof(s->client) - 1) {
		hear(s, &byte, 1);
		if (byte != '\r' && byte != '\n')
			s->client[len++] = byte;
	}
	server_agree(s, lie);
}
