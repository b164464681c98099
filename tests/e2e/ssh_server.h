/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TEST_SSH_SERVER_H
#define UC_TEST_SSH_SERVER_H
/*
 * The server's side of SSH, for tests: curve25519, Ed25519, aes128-ctr, hmac-sha2-256,
 * and whatever packet the test wants to send. It looks at nothing that the client claims.
 * The process ends when the connection does.
 */
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucluster/text.h>

enum {
	MSG_DISCONNECT = 1,
	MSG_IGNORE = 2,
	MSG_UNIMPLEMENTED = 3,
	MSG_DEBUG = 4,
	MSG_SERVICE_REQUEST = 5,
	MSG_SERVICE_ACCEPT = 6,
	MSG_EXT_INFO = 7,
	MSG_KEXINIT = 20,
	MSG_NEWKEYS = 21,
	MSG_KEX_INIT = 30,
	MSG_KEX_REPLY = 31,
	MSG_AUTH_REQUEST = 50,
	MSG_AUTH_FAILURE = 51,
	MSG_AUTH_SUCCESS = 52,
	MSG_AUTH_BANNER = 53,
	MSG_AUTH_60 = 60, /* PK_OK, PASSWD_CHANGEREQ, INFO_REQUEST */
	MSG_AUTH_ANSWER = 61,
	MSG_GLOBAL_REQUEST = 80,
	MSG_REQUEST_FAILURE = 82,
	MSG_OPEN = 90,
	MSG_OPENED = 91,
	MSG_OPEN_FAILURE = 92,
	MSG_WINDOW = 93,
	MSG_DATA = 94,
	MSG_EXTENDED = 95,
	MSG_EOF = 96,
	MSG_CLOSE = 97,
	MSG_REQUEST = 98,
	MSG_SUCCESS = 99,
	MSG_FAILURE = 100,
};

struct server {
	int fd;
	uint32_t sent, received;  /* packets */
	EVP_CIPHER_CTX *out, *in; /* NULL: no keys yet */
	unsigned char mac_out[32], id[32];
	bool has_id;
	char client[256];          /* its version */
	struct uc_buf packet;      /* the last one: its payload */
	struct uc_buf theirs, own; /* KEXINIT of both */
	EVP_PKEY *key, *other;
};

/* What is done otherwise while keys are agreed on. */
struct lie_of_kex {
	bool silent, cut, no_reply, wrong_signature, other_signs, other_key, wrong_type,
		empty_key, long_key, signature_type;
	int point; /* bytes of it, when not 32; -1: 32 zeros */
	bool wrong_mac, wrong_length;
};

/* One with keys of its own; it has no connection yet. */
struct server *server_new(void);
void server_free(struct server *s);
/* Versions and the first keys. */
void server_greet(struct server *s, const struct lie_of_kex *lie);
/* New keys, from a KEXINIT of ours on; what comes in between is dropped. */
void server_agree(struct server *s, const struct lie_of_kex *lie);
/* The next packet, in s->packet; its type. A KEXINIT is answered. */
int server_next(struct server *s);
void server_send(struct server *s, const struct uc_buf *payload);
/*
 * Send one packet. In `shape`: b a byte (int), u a number (uint32_t), s a string with its
 * length in front (const char *), r the same as bytes, and how many (const char *,
 * size_t), o a byte of 0 or 1 (int).
 */
void server_say(struct server *s, int type, const char *shape, ...);
void server_raw(struct server *s, const void *bytes, size_t len);
/* Wait for the end of the client, without a word. */
_Noreturn void server_wait(struct server *s);

void put_number(struct uc_buf *out, uint32_t n);
void put_string(struct uc_buf *out, const void *bytes, size_t len);
uint32_t get_number(const void *at);

#endif
