/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Runs a fuzz target once over every file of the folders named: the corpus as a test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t got;

	if (!f || fstat(fileno(f), &st) < 0)
		return perror(path), -1;
	data = malloc(st.st_size ? st.st_size : 1);
	got = data ? fread(data, 1, st.st_size, f) : 0;
	fclose(f);
	LLVMFuzzerTestOneInput(data, got);
	free(data);
	return 0;
}

static int replay_folder(const char *folder, int *count)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return perror(folder), -1;
	while ((entry = readdir(dir))) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (replay_file(path) < 0)
			return closedir(dir), -1;
		++*count;
	}
	closedir(dir);
	return 0;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++)
		if (replay_folder(argv[i], &count) < 0)
			return 1;
	printf("%d inputs replayed\n", count);
	return count > 0 ? 0 : 1;
}
