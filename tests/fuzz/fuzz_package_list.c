/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Lists of packages beside images: names come out that are names, in order. */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <ucluster/image.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uc_image *image = NULL;
	struct uc_error err = { 0 };
	size_t skipped = 0;

	if (uc_package_list_parse((const char *)data, size, &image, &skipped, &err) < 0)
		return 0;
	assert(skipped <= size + 1);
	for (size_t i = 0; i < image->package_count; i++) {
		const struct uc_package *package = &image->packages[i];

		assert(package->name.bytes[0] > ' ' &&
		       strlen(package->name.bytes) <= 200);
		assert(i == 0 || package[-1].kind <= package->kind);
		for (const char *c = package->name.bytes; *c; c++)
			assert(*c > ' ' && *c < 0x7f);
		for (const char *c = package->version.bytes; c && *c; c++)
			assert(*c > ' ' && *c < 0x7f);
		assert(uc_image_find(image, package->name.bytes));
	}
	uc_image_free(image);
	return 0;
}
