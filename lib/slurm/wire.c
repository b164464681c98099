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

/* Memory from here on is worth huge pages. */
#define HUGE_FROM ((size_t)8 << 20)

/* Recently written strings: users, partitions and accounts repeat in every row. */
#define RECENT 8192

/* The chosen fields of a row, one after the other. */
struct plan {
	size_t count, size; /* size: bytes of a row on the wire */
	struct {
		uint16_t offset; /* in the row */
		uint8_t type;
	} step[UC_FIELDS_MAX];
};

static const uint8_t sizes[] = {
	[UC_FIELD_U32] = 4,  [UC_FIELD_U64] = 8, [UC_FIELD_I64] = 8,
	[UC_FIELD_BOOL] = 1, [UC_FIELD_RAW] = 4, [UC_FIELD_LIST] = 8,
};

static void make_plan(const struct uc_rows_type *type, const struct uc_fields *fields,
		      struct plan *plan)
{
	*plan = (struct plan){ 0 };
	for (size_t i = 0; i < type->field_count; i++) {
		const struct uc_field *f = &type->fields[i];

		if (!uc_fields_have(fields, i))
			continue;
		plan->step[plan->count].offset = f->offset;
		plan->step[plan->count++].type = f->type;
		plan->size += sizes[f->type];
	}
}

struct uc_wire {
	const struct uc_rows_type *type;
	struct uc_fields fields;
	struct plan plan;
	uint64_t count;
	struct uc_buf rows, items, strings;
	uint32_t recent[RECENT]; /* references, 0 = free */
};

struct uc_wire *uc_wire_new(enum uc_rows_kind kind)
{
	struct uc_wire *wire = calloc(1, sizeof(*wire));
	struct uc_fields all;

	if (!wire)
		return NULL;
	wire->type = uc_rows_type(kind);
	uc_fields_all(wire->type, &all);
	uc_wire_choose(wire, &all);
	return wire;
}

void uc_wire_choose(struct uc_wire *wire, const struct uc_fields *fields)
{
	wire->fields = *fields;
	make_plan(wire->type, fields, &wire->plan);
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

static uint32_t add_string(struct uc_wire *wire, const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;
	uint32_t ref;
	size_t len;

	if (!text)
		return 0;
	for (len = 0; text[len]; len++)
		hash = (hash ^ (unsigned char)text[len]) * 0x100000001b3;
	hash = (hash ^ hash >> 32) % RECENT;
	ref = wire->recent[hash];
	if (ref && !strcmp(wire->strings.data + ref - 1, text))
		return ref;
	/* what cannot be sent must not wrap around meanwhile */
	if (wire->strings.len + len >= UC_WIRE_MAX)
		wire->strings.failed = true;
	ref = (uint32_t)wire->strings.len + 1;
	uc_buf_addn(&wire->strings, text, len + 1);
	if (!wire->strings.failed)
		wire->recent[hash] = ref;
	return ref;
}

static void put_list(struct uc_wire *wire, const struct uc_raw_list *list, char *to)
{
	uint32_t count = (uint32_t)list->count;
	uint32_t first = count ? (uint32_t)(wire->items.len / sizeof(uint32_t)) + 1 : 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t ref = add_string(wire, list->item[i].bytes);

		uc_buf_addn(&wire->items, &ref, sizeof(ref));
	}
	memcpy(to, &first, sizeof(first));
	memcpy(to + sizeof(first), &count, sizeof(count));
}

void uc_wire_add(struct uc_wire *wire, const void *row)
{
	const struct plan *plan = &wire->plan;
	char packed[8 * UC_FIELDS_MAX], *to = packed;

	for (size_t i = 0; i < plan->count; i++) {
		const void *from = (const char *)row + plan->step[i].offset;
		unsigned type = plan->step[i].type;
		uint32_t ref;

		if (type == UC_FIELD_RAW) {
			ref = add_string(wire, ((const struct uc_raw *)from)->bytes);
			memcpy(to, &ref, sizeof(ref));
		} else if (type == UC_FIELD_LIST) {
			put_list(wire, from, to);
		} else {
			memcpy(to, from, sizes[type]);
		}
		to += sizes[type];
	}
	uc_buf_addn(&wire->rows, packed, plan->size);
	wire->count++;
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
		.row_count = wire->count,
		.item_count = wire->items.len / sizeof(uint32_t),
		.string_size = wire->strings.len,
		.now = now,
		.updated = updated,
		.fields = wire->fields,
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

/* A blob whose size and head are right; `item` are its items, made into pointers. */
struct areas {
	const struct uc_wire_head *head;
	const char *rows, *items, *strings;
	struct uc_raw *item;
	struct plan plan;
};

static bool is_our_head(const struct uc_wire_head *head, const struct uc_rows_type *type)
{
	struct uc_fields all;

	uc_fields_all(type, &all);
	for (size_t i = 0; i < UC_FIELDS_MAX / 64; i++)
		if (head->fields.word[i] & ~all.word[i])
			return false;
	return head->magic == UC_WIRE_MAGIC && head->version == UC_WIRE_VERSION &&
	       head->kind == (uint32_t)type->kind && head->row_size == type->row_size &&
	       head->checksum == uc_rows_checksum(type);
}

static bool find_areas(const void *blob, size_t size, const struct uc_rows_type *type,
		       struct areas *areas)
{
	const struct uc_wire_head *head = blob;
	uint64_t rows, items, total = sizeof(*head);

	if (size < sizeof(*head) || size > UC_WIRE_MAX || !is_our_head(head, type))
		return false;
	make_plan(type, &head->fields, &areas->plan);
	if ((head->row_count && !areas->plan.size) ||
	    __builtin_mul_overflow(head->row_count, areas->plan.size, &rows) ||
	    __builtin_mul_overflow(head->item_count, sizeof(uint32_t), &items) ||
	    __builtin_add_overflow(total, rows, &total) ||
	    __builtin_add_overflow(total, items, &total) ||
	    __builtin_add_overflow(total, head->string_size, &total) || total != size)
		return false;
	areas->head = head;
	areas->rows = (const char *)blob + sizeof(*head);
	areas->items = areas->rows + rows;
	areas->strings = areas->items + items;
	return !head->string_size || !areas->strings[head->string_size - 1];
}

/* Strings cannot run off the end, as the last byte of their area is NUL. */
static bool get_string(const struct areas *areas, const char *from, struct uc_raw *to)
{
	uint32_t ref;

	memcpy(&ref, from, sizeof(ref));
	if (ref > areas->head->string_size)
		return false;
	to->bytes = ref ? areas->strings + ref - 1 : NULL;
	return true;
}

static bool get_list(const struct areas *areas, const char *from, struct uc_raw_list *to)
{
	uint32_t first, count;

	memcpy(&first, from, sizeof(first));
	memcpy(&count, from + sizeof(first), sizeof(count));
	if (!first != !count || first > areas->head->item_count ||
	    (first && count > areas->head->item_count - (first - 1)))
		return false;
	to->item = first ? areas->item + first - 1 : NULL;
	to->count = count;
	return true;
}

static bool get_row(const struct areas *areas, const char *from, char *row)
{
	const struct plan *plan = &areas->plan;

	for (size_t i = 0; i < plan->count; i++) {
		void *to = row + plan->step[i].offset;
		unsigned type = plan->step[i].type;

		if (type == UC_FIELD_RAW) {
			if (!get_string(areas, from, to))
				return false;
		} else if (type == UC_FIELD_LIST) {
			if (!get_list(areas, from, to))
				return false;
		} else if (type == UC_FIELD_U32) {
			memcpy(to, from, sizeof(uint32_t));
		} else if (type == UC_FIELD_BOOL) {
			if ((unsigned char)*from > 1)
				return false;
			*(bool *)to = *from;
		} else {
			memcpy(to, from, sizeof(uint64_t));
		}
		from += sizes[type];
	}
	return true;
}

static int get_rows(struct areas *areas, const struct uc_rows_type *type, char *row,
		    struct uc_error *err)
{
	const struct uc_wire_head *head = areas->head;

	for (uint64_t i = 0; i < head->item_count; i++)
		if (!get_string(areas, areas->items + i * sizeof(uint32_t),
				&areas->item[i]))
			return uc_fail(err, UC_INVALID,
				       "the worker sent a broken list in its table of %s",
				       type->name);
	if (head->row_count)
		uc_row_clear(type, row);
	for (uint64_t i = 0; i < head->row_count; i++, row += type->row_size) {
		/* each clears the next, while it is clear itself */
		if (i + 1 < head->row_count)
			memcpy(row + type->row_size, row, type->row_size);
		if (!get_row(areas, areas->rows + i * areas->plan.size, row))
			return uc_fail(err, UC_INVALID,
				       "the worker sent a broken row in its table of %s",
				       type->name);
	}
	return 0;
}

/* Rows and items; in huge pages where there are many: 36 ms become 11 for 100,000 jobs.
 */
static void *new_block(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *block = malloc(size), *start;

	if (!block || size < HUGE_FROM)
		return block;
	start = (char *)(((uintptr_t)block + page - 1) & ~(page - 1));
	/* a hint: it does not matter when it is not taken */
	(void)madvise(start, (size - (size_t)(start - block)) & ~(page - 1),
		      MADV_HUGEPAGE);
	return block;
}

int uc_wire_read(const void *blob, size_t size, enum uc_rows_kind kind,
		 struct uc_rows **out, struct uc_error *err)
{
	const struct uc_rows_type *type = uc_rows_type(kind);
	struct uc_rows *rows;
	struct areas areas;
	size_t space;

	if (!find_areas(blob, size, type, &areas))
		return uc_fail(err, UC_INVALID, "the worker sent no valid table of %s",
			       type->name);
	/* neither can overflow: each row and item is part of a blob of 2 GiB at most */
	space = areas.head->row_count * type->row_size;
	rows = calloc(1, sizeof(*rows));
	if (rows)
		rows->owner = calloc(1, sizeof(*rows->owner));
	if (rows && rows->owner)
		rows->owner->rows = new_block(
			space + areas.head->item_count * sizeof(struct uc_raw) + 1);
	if (!rows || !rows->owner || !rows->owner->rows) {
		uc_rows_free(rows);
		return uc_fail(err, UC_FAILED, "out of memory for %zu rows",
			       (size_t)areas.head->row_count);
	}
	areas.item = (struct uc_raw *)((char *)rows->owner->rows + space);
	rows->count = areas.head->row_count;
	rows->row = rows->owner->rows;
	rows->now = areas.head->now;
	rows->updated = areas.head->updated;
	if (get_rows(&areas, type, rows->owner->rows, err) < 0) {
		uc_rows_free(rows);
		return -1;
	}
	*out = rows;
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
	map = mmap(NULL, *size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
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
	void *map = map_sealed(fd, &size, err);

	if (!map)
		return -1;
	if (uc_wire_read(map, size, kind, out, err) < 0) {
		munmap(map, size);
		return -1;
	}
	(*out)->owner->map = map;
	(*out)->owner->map_size = size;
	return 0;
}
