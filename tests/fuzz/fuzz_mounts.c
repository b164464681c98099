/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Two lines: mounts, and an image. What is taken is written for pyxis and read again, and
 * must be the same then.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/container.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct uc_where where = { .cwd = "/home/me/work",
				       .home = "/home/me",
				       .unchecked = true };

static void write_mounts(const struct uc_container *box, struct uc_strv *out)
{
	struct uc_error err = { 0 };

	if (uc_container_pyxis(box, out, &err) < 0)
		abort();
}

static void check_again(const struct uc_container *box)
{
	static const char option[] = "--container-mounts=";
	uc_auto(container) struct uc_container again = { 0 };
	uc_auto(strv) struct uc_strv first = { 0 };
	uc_auto(strv) struct uc_strv second = { 0 };
	struct uc_error err = { 0 };

	write_mounts(box, &first);
	if (uc_container_option(&again, "container-name", "x", &where, &err) < 0)
		abort();
	for (size_t i = 0; i < first.count; i++)
		if (strncmp(first.item[i], option, strlen(option)) == 0 &&
		    uc_container_add_mounts(&again, first.item[i] + strlen(option),
					    UC_MOUNT_NEW, &where, &err) < 0)
			abort();
	write_mounts(&again, &second);
	if (first.count != second.count)
		abort();
	for (size_t i = 0; i < first.count; i++)
		if (strcmp(first.item[i], second.item[i]) != 0)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uc_container box = { 0 };
	struct uc_error err = { 0 };
	char *text = malloc(size + 1), *image;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	image = strchr(text, '\n');
	if (image)
		*image++ = '\0';
	if (uc_container_option(&box, "container-name", "x", &where, &err) < 0)
		abort();
	if (uc_container_add_mounts(&box, text, UC_MOUNT_NEW, &where, &err) == 0)
		check_again(&box);
	else if (err.text[0] == '\0' || strchr(err.text, '\n'))
		abort();
	if (image && uc_container_set_image(&box, image, &where, &err) == 0 &&
	    box.image_is_path != (box.image[0] == '/'))
		abort();
	uc_container_free(&box);
	free(text);
	return 0;
}
