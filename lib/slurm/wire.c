/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* Recently written strings: users, partitions and accounts repeat in every row. */
#define RECENT 8192

struct uc_wire {
	const struct uc_rows_type *type;
	struct uc_buf rows, items, strings;
	uint64_t recent[RECENT]; /* references, 0 = free */
};

struct uc_wire *uc_wire_new(enum uc_rows_kind kind)
{
	struct uc_wire *wire = calloc(1, sizeof(*wire));

	if (wire)
		wire->type = uc_rows_type(kind);
	return wire;
}

void uc_wire_free(struct uc_wire *wire)
{
	if (!wire)
		return;
	uc_buf_free(&wire->rows);
	uc_buf_free(&wire->items);
	uc_buf_free(&wire->strings);
	free(wire);
}

static uint64_t add_string(struct uc_wire *wire, const char *text)
{
	uint64_t hash = 0xcbf29ce484222325, ref;
	size_t len;

	if (!text)
		return 0;
	for (len = 0; text[len]; len++)
		hash = (hash ^ (unsigned char)text[len]) * 0x100000001b3;
	hash = (hash ^ hash >> 32) % RECENT;
	ref = wire->recent[hash];
	if (ref && !strcmp(wire->strings.data + ref - 1, text))
		return ref;
	ref = wire->strings.len + 1;
	uc_buf_addn(&wire->strings, text, len + 1);
	if (!wire->strings.failed)
		wire->recent[hash] = ref;
	return ref;
}

static void put_list(struct uc_wire *wire, const struct uc_raw_list *list,
		     unsigned char *slot)
{
	uint64_t first = list->count ? wire->items.len / sizeof(uint64_t) + 1 : 0;
	uint64_t count = list->count;

	for (size_t i = 0; i < list->count; i++) {
		uint64_t ref = add_string(wire, list->item[i].bytes);

		uc_buf_addn(&wire->items, &ref, sizeof(ref));
	}
	memcpy(slot + offsetof(struct uc_raw_list, item), &first, sizeof(first));
	memcpy(slot + offsetof(struct uc_raw_list, count), &count, sizeof(count));
}

void uc_wire_add(struct uc_wire *wire, const void *row)
{
	const struct uc_rows_type *type = wire->type;
	size_t at = wire->rows.len;

	uc_buf_addn(&wire->rows, row, type->row_size);
	if (wire->rows.failed)
		return;
	for (size_t i = 0; i < type->field_count; i++) {
		const struct uc_field *f = &type->fields[i];
		unsigned char *slot = (unsigned char *)wire->rows.data + at + f->offset;

		if (f->type == UC_FIELD_RAW) {
			const struct uc_raw *raw = uc_row_field(row, f);
			uint64_t ref = add_string(wire, raw->bytes);

			memcpy(slot, &ref, sizeof(ref));
		} else if (f->type == UC_FIELD_LIST) {
			put_list(wire, uc_row_field(row, f), slot);
		}
	}
}

static int write_all(int fd, struct iovec *part, int count)
{
	while (count) {
		ssize_t n;

		if (!part->iov_len) {
			part++;
			count--;
			continue;
		}
		n = writev(fd, part, count);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		for (size_t left = (size_t)n; left && count;) {
			size_t step = left < part->iov_len ? left : part->iov_len;

			part->iov_base = (char *)part->iov_base + step;
			part->iov_len -= step;
			left -= step;
			if (!part->iov_len) {
				part++;
				count--;
			}
		}
	}
	return 0;
}

int uc_wire_finish(struct uc_wire *wire, int64_t now, int64_t updated,
		   struct uc_error *err)
{
	struct uc_wire_head head = {
		.magic = UC_WIRE_MAGIC,
		.version = UC_WIRE_VERSION,
		.kind = wire->type->kind,
		.row_size = wire->type->row_size,
		.checksum = uc_rows_checksum(wire->type),
		.row_count = wire->rows.len / wire->type->row_size,
		.item_count = wire->items.len / sizeof(uint64_t),
		.string_size = wire->strings.len,
		.now = now,
		.updated = updated,
	};
	struct iovec parts[] = {
		{ &head, sizeof(head) },
		{ wire->rows.data, wire->rows.len },
		{ wire->items.data, wire->items.len },
		{ wire->strings.data, wire->strings.len },
	};
	int fd;

	if (wire->rows.failed || wire->items.failed || wire->strings.failed)
		return uc_fail(err, UC_FAILED, "out of memory for %zu rows",
			       (size_t)head.row_count);
	fd = memfd_create("ucluster-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "memory for a snapshot");
	if (write_all(fd, parts, 4) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
		uc_fail_errno(err, UC_FAILED, errno, "writing a snapshot");
		close(fd);
		return -1;
	}
	return fd;
}

/* The areas of a blob, checked against its size. */
struct areas {
	char *rows;
	uint64_t *items;
	char *strings;
	const struct uc_wire_head *head;
};

static bool is_our_head(const struct uc_wire_head *head, const struct uc_rows_type *type)
{
	return head->magic == UC_WIRE_MAGIC && head->version == UC_WIRE_VERSION &&
	       head->kind == (uint32_t)type->kind && head->row_size == type->row_size &&
	       head->checksum == uc_rows_checksum(type);
}

static bool find_areas(void *blob, size_t size, const struct uc_rows_type *type,
		       struct areas *areas)
{
	const struct uc_wire_head *head = blob;
	uint64_t rows, items, total = sizeof(*head);

	if (size < sizeof(*head) || size > UC_WIRE_MAX || !is_our_head(head, type) ||
	    __builtin_mul_overflow(head->row_count, type->row_size, &rows) ||
	    __builtin_mul_overflow(head->item_count, sizeof(uint64_t), &items) ||
	    __builtin_add_overflow(total, rows, &total) ||
	    __builtin_add_overflow(total, items, &total) ||
	    __builtin_add_overflow(total, head->string_size, &total) || total != size)
		return false;
	areas->head = head;
	areas->rows = (char *)blob + sizeof(*head);
	areas->items = (uint64_t *)(areas->rows + rows);
	areas->strings = areas->rows + rows + items;
	return !head->string_size || !areas->strings[head->string_size - 1];
}

/* Reference to pointer, in place. References are 1-based; strings cannot run off the end,
 * as the last byte of their area is NUL. */
static bool bind_string(const struct areas *areas, void *slot)
{
	uint64_t ref;
	const char *text;

	memcpy(&ref, slot, sizeof(ref));
	if (ref > areas->head->string_size)
		return false;
	text = ref ? areas->strings + ref - 1 : NULL;
	memcpy(slot, &text, sizeof(text));
	return true;
}

static bool bind_list(const struct areas *areas, void *slot)
{
	struct uc_raw_list *list = slot;
	uint64_t first, count = list->count;

	memcpy(&first, &list->item, sizeof(first));
	if (!first != !count || first > areas->head->item_count ||
	    (first && count > areas->head->item_count - (first - 1)))
		return false;
	list->item = first ? (struct uc_raw *)(areas->items + first - 1) : NULL;
	return true;
}

static bool bind_row(const struct areas *areas, const struct uc_rows_type *type,
		     char *row)
{
	for (size_t i = 0; i < type->field_count; i++) {
		const struct uc_field *f = &type->fields[i];
		unsigned char *slot = (unsigned char *)row + f->offset;

		if (f->type == UC_FIELD_RAW) {
			if (!bind_string(areas, slot))
				return false;
		} else if (f->type == UC_FIELD_LIST) {
			if (!bind_list(areas, slot))
				return false;
		} else if (f->type == UC_FIELD_BOOL && *slot > 1) {
			return false;
		}
	}
	return true;
}

int uc_wire_open(void *blob, size_t size, enum uc_rows_kind kind, struct uc_rows *rows,
		 struct uc_error *err)
{
	const struct uc_rows_type *type = uc_rows_type(kind);
	struct areas areas;

	_Static_assert(sizeof(char *) == sizeof(uint64_t) &&
			       sizeof(size_t) == sizeof(uint64_t) &&
			       sizeof(struct uc_raw) == sizeof(uint64_t),
		       "pointers are rewritten in place");
	if (!find_areas(blob, size, type, &areas))
		return uc_fail(err, UC_INVALID, "the worker sent no valid table of %s",
			       type->name);
	for (uint64_t i = 0; i < areas.head->item_count; i++)
		if (!bind_string(&areas, &areas.items[i]))
			return uc_fail(err, UC_INVALID,
				       "the worker sent a broken list in its table of %s",
				       type->name);
	for (uint64_t i = 0; i < areas.head->row_count; i++)
		if (!bind_row(&areas, type, areas.rows + i * type->row_size))
			return uc_fail(err, UC_INVALID,
				       "the worker sent a broken row in its table of %s",
				       type->name);
	*rows = (struct uc_rows){
		.count = areas.head->row_count,
		.row = areas.rows,
		.now = areas.head->now,
		.updated = areas.head->updated,
	};
	return 0;
}

/* Only a sealed file can be mapped safely: nobody can shrink or change it afterwards. */
static void *map_sealed(int fd, size_t *size, struct uc_error *err)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	void *map;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0 ||
	    st.st_size < (off_t)sizeof(struct uc_wire_head) ||
	    (uint64_t)st.st_size > UC_WIRE_MAX) {
		uc_fail(err, UC_INVALID, "the worker sent no sealed table");
		return NULL;
	}
	*size = (size_t)st.st_size;
	map = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		uc_fail_errno(err, UC_FAILED, errno, "mapping a table of %zu bytes",
			      *size);
		return NULL;
	}
	return map;
}

int uc_wire_map(int fd, enum uc_rows_kind kind, struct uc_rows **out,
		struct uc_error *err)
{
	size_t size = 0;
	struct uc_rows *rows;
	struct uc_owner *owner;
	void *map = map_sealed(fd, &size, err);

	if (!map)
		return -1;
	rows = calloc(1, sizeof(*rows));
	owner = calloc(1, sizeof(*owner));
	if (!rows || !owner) {
		uc_fail(err, UC_FAILED, "out of memory");
		goto fail;
	}
	if (uc_wire_open(map, size, kind, rows, err) < 0)
		goto fail;
	owner->map = map;
	owner->map_size = size;
	rows->owner = owner;
	*out = rows;
	return 0;
fail:
	free(rows);
	free(owner);
	munmap(map, size);
	return -1;
}
