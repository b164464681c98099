/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/signals.h"

void uc_signals_heeded(sigset_t *set, const int *numbers, size_t count)
{
	struct sigaction action;

	sigemptyset(set);
	for (size_t i = 0; i < count; i++)
		if (sigaction(numbers[i], NULL, &action) == 0 &&
		    action.sa_handler != SIG_IGN)
			sigaddset(set, numbers[i]);
}

void uc_signals_ending(sigset_t *set)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };

	uc_signals_heeded(set, ends, sizeof(ends) / sizeof(ends[0]));
}
