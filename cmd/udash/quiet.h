/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_QUIET_H
#define UC_UDASH_QUIET_H
/* What libraries write to standard error while there is a screen: kept, shown after it.
 */

struct dash_quiet {
	int terminal, kept; /* descriptors, or -1 */
};
#define DASH_QUIET                                                                       \
	{                                                                                \
		-1, -1                                                                   \
	}

void dash_quiet_begin(struct dash_quiet *quiet);
/* Another program has the terminal, until _return(). Both may be called by a handler. */
void dash_quiet_leave(const struct dash_quiet *quiet);
void dash_quiet_return(const struct dash_quiet *quiet);
/* Print what was kept, made harmless. */
void dash_quiet_end(struct dash_quiet *quiet);

#endif
