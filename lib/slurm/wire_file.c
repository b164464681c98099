/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Rows kept in files. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include "slurm/wire.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static bool copy(int from, int to, size_t size)
{
	while (size > 0) {
		ssize_t n = sendfile(to, from, NULL, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		size -= (size_t)n;
	}
	return true;
}

int uc_wire_load(int file, size_t size, enum uc_rows_kind kind, struct uc_rows **out)
{
	int memory = memfd_create("ucluster-cache", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int status = -1;

	if (memory >= 0 && copy(file, memory, size) &&
	    fcntl(memory, F_ADD_SEALS, SEALS) == 0)
		status = uc_wire_map(memory, kind, out, NULL);
	if (memory >= 0)
		close(memory);
	return status;
}

bool uc_wire_save(const struct uc_rows *rows, enum uc_rows_kind kind, int file)
{
	const struct uc_rows_type *type = uc_rows_type(kind);
	uc_auto(wire) struct uc_wire *wire = uc_wire_new(kind);
	bool saved = false;
	struct stat st;
	int memory;

	for (size_t i = 0; wire && i < rows->count; i++)
		uc_wire_add(wire, uc_rows_at(rows, type->row_size, i));
	memory = wire ? uc_wire_finish(wire, rows->now, rows->updated, NULL) : -1;
	if (memory >= 0 && fstat(memory, &st) == 0 && lseek(memory, 0, SEEK_SET) == 0)
		saved = copy(memory, file, (size_t)st.st_size);
	if (memory >= 0)
		close(memory);
	return saved;
}
