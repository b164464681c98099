/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/delta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LITERAL   (256u << 10) /* bytes handed on at once */
#define PIECE     (256u << 10) /* bytes read at once, or one block */
#define PROBES    32u          /* slots looked at; the sums may be a stranger's */
#define STRONG    0xffffffffffffu
#define ROUND     1024u
#define ROUND_BIG 4096u /* so that file systems can share blocks */
/*
 * Bytes that may be summed for nothing, for each byte of the new file and at first: sums
 * that match everywhere and confirm nowhere cost no more than this.
 */
#define WASTE_RATE  4u
#define WASTE_START (16u << 20)

uint32_t uc_delta_block(uint64_t size)
{
	uint64_t block = UC_DELTA_BLOCK_MIN, round;

	while (block < UC_DELTA_BLOCK_MAX && block * block < size)
		block *= 2;
	/* between half of it and it: the root, by Newton */
	for (int i = 0; i < 4 && block * block > size; i++)
		block = (block + size / block) / 2;
	round = block > 16 * ROUND ? ROUND_BIG : ROUND;
	block = (block + round - 1) / round * round;
	if (block < UC_DELTA_BLOCK_MIN)
		return UC_DELTA_BLOCK_MIN;
	return block > UC_DELTA_BLOCK_MAX ? UC_DELTA_BLOCK_MAX : (uint32_t)block;
}

/* Sums */

/* Two sums of 16 bits: of the bytes, and of the bytes each times its distance. */
struct rolling {
	uint32_t a, b;
};

#ifdef __SSE2__
static uint32_t add_lanes(__m128i v)
{
	v = _mm_add_epi32(v, _mm_shuffle_epi32(v, _MM_SHUFFLE(1, 0, 3, 2)));
	v = _mm_add_epi32(v, _mm_shuffle_epi32(v, _MM_SHUFFLE(2, 3, 0, 1)));
	return (uint32_t)_mm_cvtsi128_si32(v);
}

/* 16 bytes at a time; `before` is the sum of a after each 16, but for the last. */
static struct rolling roll_over_16(const unsigned char *bytes, size_t count)
{
	const __m128i zero = _mm_setzero_si128();
	const __m128i high = _mm_setr_epi16(16, 15, 14, 13, 12, 11, 10, 9);
	const __m128i low = _mm_setr_epi16(8, 7, 6, 5, 4, 3, 2, 1);
	__m128i a = zero, b = zero, before = zero;

	for (; count > 0; count--, bytes += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)bytes);

		before = _mm_add_epi32(before, a);
		a = _mm_add_epi32(a, _mm_sad_epu8(x, zero));
		b = _mm_add_epi32(b, _mm_madd_epi16(_mm_unpacklo_epi8(x, zero), high));
		b = _mm_add_epi32(b, _mm_madd_epi16(_mm_unpackhi_epi8(x, zero), low));
	}
	return (struct rolling){ .a = add_lanes(a),
				 .b = add_lanes(b) + 16 * add_lanes(before) };
}
#endif

static struct rolling roll_over(const unsigned char *bytes, size_t len)
{
	struct rolling r = { 0 };

#ifdef __SSE2__
	r = roll_over_16(bytes, len / 16);
	bytes += len / 16 * 16;
	len %= 16;
#endif
	for (; len >= 4; bytes += 4, len -= 4) {
		uint32_t x0 = bytes[0], x1 = bytes[1], x2 = bytes[2], x3 = bytes[3];

		r.b += 4 * (r.a + x0) + 3 * x1 + 2 * x2 + x3;
		r.a += x0 + x1 + x2 + x3;
	}
	for (; len > 0; bytes++, len--) {
		r.a += *bytes;
		r.b += r.a;
	}
	return r;
}

static inline uint32_t roll_sum(struct rolling r)
{
	return (r.a & 0xffff) | r.b << 16;
}

static uint64_t strong_sum(const void *bytes, size_t len)
{
	return XXH3_64bits(bytes, len) & STRONG;
}

void uc_delta_sums_free(struct uc_delta_sums *sums)
{
	free(sums->weak);
	free(sums->strong);
	*sums = (struct uc_delta_sums){ 0 };
}

static int read_whole(int fd, unsigned char *bytes, size_t len, uint64_t from)
{
	while (len > 0) {
		ssize_t got = pread(fd, bytes, len, (off_t)from);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			errno = got < 0 ? errno : ESTALE; /* it is shorter now */
			return -1;
		}
		bytes += got;
		from += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
}

static int read_sums(struct uc_delta_sums *sums, int fd)
{
	uint32_t block = sums->block;
	uint32_t many = block < PIECE ? PIECE / block : 1;
	unsigned char *piece = malloc((size_t)many * block);

	if (!piece) {
		errno = ENOMEM;
		return -1;
	}
	for (uint32_t i = 0; i < sums->count; i += many) {
		uint32_t left = sums->count - i, some = left < many ? left : many;

		if (read_whole(fd, piece, (size_t)some * block, (uint64_t)i * block) <
		    0) {
			free(piece);
			return -1;
		}
		for (uint32_t k = 0; k < some; k++) {
			const unsigned char *at = piece + (size_t)k * block;

			sums->weak[i + k] = roll_sum(roll_over(at, block));
			sums->strong[i + k] = strong_sum(at, block);
		}
	}
	free(piece);
	return 0;
}

int uc_delta_sums_read(struct uc_delta_sums *sums, int fd, uint64_t size, uint32_t block,
		       struct uc_error *err)
{
	uint64_t count;

	*sums = (struct uc_delta_sums){ 0 };
	if (block < UC_DELTA_BLOCK_MIN || block > UC_DELTA_BLOCK_MAX)
		return uc_fail(err, UC_INVALID, "blocks of %u bytes", block);
	count = size / block;
	if (count > UC_DELTA_BLOCKS_MAX)
		count = UC_DELTA_BLOCKS_MAX;
	sums->size = size;
	sums->block = block;
	sums->count = (uint32_t)count;
	sums->weak = calloc(count + 1, sizeof(*sums->weak));
	sums->strong = calloc(count + 1, sizeof(*sums->strong));
	if (sums->weak && sums->strong && read_sums(sums, fd) == 0)
		return 0;
	(void)uc_fail_errno(err, UC_FAILED, errno, "cannot read the old file");
	uc_delta_sums_free(sums);
	return -1;
}

/* Looking for blocks */

struct uc_delta {
	const struct uc_delta_sums *sums;
	struct uc_delta_sink sink;
	uint32_t *slot;       /* 1 + index of a block, by its weak sum; 0: empty */
	uint64_t *seen;       /* a bit for each weak sum's hash: most are not there */
	unsigned slots, bits; /* logarithms of how many */
	uint32_t block;       /* 0: there is nothing to look for */
	/* What is not decided begins at `start`, the block in question at `at`. */
	unsigned char *buffer;
	size_t start, at, end, room;
	struct rolling rolling; /* of the block in question, when `rolled` */
	bool rolled;
	uint32_t likely;            /* the block after the last one found */
	uint64_t copy_from, copied; /* found, and not handed on yet */
	uint64_t waste;             /* bytes that may still be summed for nothing */
};

/* Once a byte: one multiplication, whose upper bits depend on all of the sum. */
static inline uint32_t mix(uint32_t weak, unsigned log)
{
	return weak * 0x9e3779b1u >> (32 - log);
}

static inline uint32_t *slot_at(const struct uc_delta *delta, uint32_t weak, uint32_t i)
{
	uint32_t at = mix(weak, delta->slots) + i;

	return &delta->slot[at & ((1u << delta->slots) - 1)];
}

/* The same block again is left out; so is one whose slots are taken. */
static void insert(struct uc_delta *delta, uint32_t index)
{
	const struct uc_delta_sums *sums = delta->sums;
	uint32_t bit = mix(sums->weak[index], delta->bits);

	for (uint32_t i = 0; i < PROBES; i++) {
		uint32_t *slot = slot_at(delta, sums->weak[index], i);

		if (!*slot) {
			*slot = index + 1;
			delta->seen[bit / 64] |= 1ull << bit % 64;
			return;
		}
		if (sums->weak[*slot - 1] == sums->weak[index] &&
		    sums->strong[*slot - 1] == sums->strong[index])
			return;
	}
}

static bool are_sane(const struct uc_delta_sums *sums)
{
	return sums->count == 0 ||
	       (sums->block >= UC_DELTA_BLOCK_MIN && sums->block <= UC_DELTA_BLOCK_MAX &&
		sums->count <= UC_DELTA_BLOCKS_MAX &&
		(uint64_t)sums->count * sums->block <= sums->size);
}

struct uc_delta *uc_delta_new(const struct uc_delta_sums *sums,
			      const struct uc_delta_sink *sink)
{
	uc_auto(delta) struct uc_delta *delta = calloc(1, sizeof(*delta));

	if (!delta || !are_sane(sums))
		return NULL;
	delta->sums = sums;
	delta->sink = *sink;
	delta->block = sums->count ? sums->block : 0;
	delta->waste = WASTE_START;
	delta->likely = sums->count;
	delta->room = LITERAL + 2 * (size_t)delta->block;
	delta->buffer = malloc(delta->room);
	for (delta->slots = 6; 1u << delta->slots < sums->count * 2; delta->slots++)
		;
	delta->bits = delta->slots + 4;
	delta->slot = calloc(1u << delta->slots, sizeof(*delta->slot));
	delta->seen = calloc((1u << delta->bits) / 64, sizeof(*delta->seen));
	if (!delta->buffer || !delta->slot || !delta->seen)
		return NULL;
	for (uint32_t i = 0; i < sums->count; i++)
		insert(delta, i);
	return uc_take(&delta);
}

void uc_delta_free(struct uc_delta *delta)
{
	if (!delta)
		return;
	free(delta->buffer);
	free(delta->slot);
	free(delta->seen);
	free(delta);
}

/* The block of the old file that is at `at`, or its count. */
static uint32_t find(struct uc_delta *delta, uint32_t weak)
{
	const struct uc_delta_sums *sums = delta->sums;
	uint32_t none = sums->count, likely = delta->likely;
	bool first = likely < none && sums->weak[likely] == weak, candidate = first;
	uint64_t strong;

	for (uint32_t i = 0; i < PROBES && !candidate; i++) {
		uint32_t slot = *slot_at(delta, weak, i);

		if (!slot)
			return none;
		candidate = sums->weak[slot - 1] == weak;
	}
	if (!candidate || delta->waste < delta->block)
		return none;
	strong = strong_sum(delta->buffer + delta->at, delta->block);
	if (first && sums->strong[likely] == strong)
		return likely;
	for (uint32_t i = 0; i < PROBES; i++) {
		uint32_t slot = *slot_at(delta, weak, i);

		if (!slot)
			break;
		if (sums->weak[slot - 1] == weak && sums->strong[slot - 1] == strong)
			return slot - 1;
	}
	delta->waste -= delta->block;
	return none;
}

/* Handing on */

static int give_copy(struct uc_delta *delta, struct uc_error *err)
{
	uint64_t len = delta->copied;

	delta->copied = 0;
	return len ? delta->sink.copy(delta->sink.arg, delta->copy_from, len, err) : 0;
}

/* What is before `to` is in no block. */
static int give_bytes(struct uc_delta *delta, size_t to, struct uc_error *err)
{
	while (delta->start < to) {
		size_t len = to - delta->start;

		if (len > LITERAL)
			len = LITERAL;
		if (give_copy(delta, err) < 0 ||
		    delta->sink.bytes(delta->sink.arg, delta->buffer + delta->start, len,
				      err) < 0)
			return -1;
		delta->start += len;
	}
	return 0;
}

static int take_block(struct uc_delta *delta, uint32_t index, struct uc_error *err)
{
	uint64_t from = (uint64_t)index * delta->block;

	if (give_bytes(delta, delta->at, err) < 0)
		return -1;
	if (delta->copied && delta->copy_from + delta->copied != from &&
	    give_copy(delta, err) < 0)
		return -1;
	if (!delta->copied)
		delta->copy_from = from;
	delta->copied += delta->block;
	delta->at += delta->block;
	delta->start = delta->at;
	delta->likely = index + 1;
	delta->rolled = false;
	return 0;
}

/* Whether anything has this weak sum: almost always no. */
static inline bool is_seen(const struct uc_delta *delta, uint32_t weak)
{
	uint32_t bit = mix(weak, delta->bits);

	return delta->seen[bit / 64] >> bit % 64 & 1;
}

/* Go on byte by byte to where a block may be, or to where the bytes end. */
static void skip(struct uc_delta *delta)
{
	const unsigned char *bytes = delta->buffer;
	size_t at = delta->at, last = delta->end - delta->block;
	struct rolling r = delta->rolling;
	uint32_t block = delta->block;

	while (at < last) {
		uint32_t out = bytes[at], in = bytes[at + block];

		r.a += in - out;
		r.b += r.a - block * out;
		at++;
		if (is_seen(delta, roll_sum(r)))
			break;
	}
	delta->at = at;
	delta->rolling = r;
}

/* Decide as far as there are whole blocks. `rolled` afterwards: `at` was looked at. */
static int scan(struct uc_delta *delta, struct uc_error *err)
{
	while (delta->end - delta->at >= delta->block) {
		uint32_t weak, index;

		if (!delta->rolled) {
			delta->rolling =
				roll_over(delta->buffer + delta->at, delta->block);
			delta->rolled = true;
		} else if (delta->end - delta->at > delta->block) {
			skip(delta);
		} else {
			return 0;
		}
		weak = roll_sum(delta->rolling);
		index = is_seen(delta, weak) ? find(delta, weak) : delta->sums->count;
		if (index < delta->sums->count) {
			if (take_block(delta, index, err) < 0)
				return -1;
		} else if (delta->at - delta->start >= LITERAL &&
			   give_bytes(delta, delta->at, err) < 0) {
			return -1;
		}
	}
	return 0;
}

int uc_delta_feed(struct uc_delta *delta, const void *bytes, size_t len,
		  struct uc_error *err)
{
	const unsigned char *from = bytes;

	while (len > 0) {
		size_t some = delta->room - delta->end;

		if (some > len)
			some = len;
		memcpy(delta->buffer + delta->end, from, some);
		delta->end += some;
		from += some;
		len -= some;
		if (delta->waste < UINT32_MAX)
			delta->waste += (uint64_t)some * WASTE_RATE;
		if (!delta->block)
			delta->at = delta->end;
		else if (scan(delta, err) < 0)
			return -1;
		if (delta->end < delta->room)
			continue;
		/* full: less than a block of it is still in question */
		if (give_bytes(delta, delta->at, err) < 0)
			return -1;
		memmove(delta->buffer, delta->buffer + delta->at, delta->end - delta->at);
		delta->end -= delta->at;
		delta->start = delta->at = 0;
	}
	return 0;
}

int uc_delta_end(struct uc_delta *delta, struct uc_error *err)
{
	if (give_bytes(delta, delta->end, err) < 0)
		return -1;
	delta->at = delta->end;
	return give_copy(delta, err);
}
