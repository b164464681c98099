/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* requirements.txt: what is taken can be looked for in any image. */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <ucluster/requirement.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char list[] = "torch==2.1.0a0+32f93b1\nnumpy==1.26.4\nsix==1.16.0\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uc_requirements *wanted = NULL;
	struct uc_image *image = NULL;
	struct uc_error err = { 0 };
	struct uc_meeting met;

	if (uc_package_list_parse(list, strlen(list), &image, NULL, &err) < 0)
		return 0;
	if (uc_requirements_parse(&wanted, "fuzz.txt", (const char *)data, size, &err) <
	    0)
		assert(err.code != UC_OK && err.text[0]);
	for (size_t i = 0; wanted && i < wanted->count; i++) {
		assert(wanted->row[i].name[0] && wanted->row[i].line > 0);
		uc_requirement_meet(&wanted->row[i], image, &met);
		assert(met.met != UC_MET_YES || met.package);
	}
	uc_requirements_free(wanted);
	uc_image_free(image);
	return 0;
}
