/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * For version_oracle.py: a line "VERSION<tab>SPECIFIERS" on stdin gives "yes", "no" or
 * "bad"; "A<tab><=>B" the order of two versions.
 */
#include <stdio.h>
#include <string.h>
#include <ucluster/requirement.h>

static const char *judge(const char *version, const char *asked)
{
	bool met;
	int order;

	if (strncmp(asked, "<=>", 3) == 0) {
		if (uc_version_compare(version, asked + 3, &order) < 0)
			return "bad";
		return order < 0 ? "less" : order > 0 ? "more" : "same";
	}
	if (!uc_version_is_valid(version) ||
	    uc_version_meets(version, asked, &met, NULL) < 0)
		return "bad";
	return met ? "yes" : "no";
}

int main(void)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin)) {
		char *tab = strchr(line, '\t');

		line[strcspn(line, "\n")] = '\0';
		if (!tab)
			return 1;
		*tab = '\0';
		puts(judge(line, tab + 1));
	}
	return 0;
}
