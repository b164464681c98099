/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UIMAGE_CLEAN_H
#define UC_UIMAGE_CLEAN_H
/* uimage clean: what is left over, and what nobody has used for long. */
#include <stdint.h>
#include <ucluster/job.h>
#include "common/table.h"

enum clean_kind {
	CLEAN_IMPORT,    /* of an import, or a save, that was killed */
	CLEAN_LAYERS,    /* a folder of layers; some of them */
	CLEAN_CONTAINER, /* enroot's, unpacked */
	CLEAN_IMAGE,     /* an own image */
};
const char *clean_kind_name(enum clean_kind kind);

struct clean_item {
	enum clean_kind kind;
	char *path;
	uint64_t size;
	uint64_t files; /* LAYERS: of those that go */
	int64_t used;   /* when it was last; seconds since 1970 */
	char *note;     /* why it stays, or what it is; or NULL */
	bool stays;
};

struct clean {
	struct uc_run *run;
	int64_t now, older; /* seconds; older -1: as each kind has it */
	bool images;        /* own images go, too */
	struct clean_item *item;
	size_t count;
	uint64_t unused_images, unused_bytes; /* that were left alone */
	struct uc_jobs *jobs;                 /* everybody's, NULL: not known */
	bool asked;
};

/* Add one; it owns copies. `note` may be NULL. NULL: out of memory, which is said. */
struct clean_item *clean_add(struct clean *c, enum clean_kind kind, const char *path);
void clean_note(struct clean_item *item, bool stays, const char *note);
/* The jobs in the queue; asked for once. */
const struct uc_jobs *clean_jobs(struct clean *c);
/* Is a job of that number in the queue? Also where nobody can tell. */
bool clean_job_lives(struct clean *c, uint32_t job_id);

/* --- clean_imports.c --- */
void clean_find_imports(struct clean *c);
/* Under the lock of what it belongs to. -1 with errno, EBUSY: somebody imports to it. */
int clean_remove_import(struct clean *c, const struct clean_item *item);

/* --- clean_enroot.c --- */
void clean_find_layers(struct clean *c);
int clean_remove_layers(struct clean *c, const struct clean_item *item);
void clean_find_containers(struct clean *c);
/* -1 with errno, EBUSY: it was started since it was listed. */
int clean_remove_container(const struct clean_item *item);

/* --- clean_images.c --- */
void clean_find_images(struct clean *c);
int clean_remove_image(const struct clean_item *item);

extern const struct uc_column clean_columns[];

#endif
