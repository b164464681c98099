/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SESSION_MODES_H
#define UC_SESSION_MODES_H
#include <ucluster/session.h>

/* What a terminal's next byte belongs to: uc_modes.state. */
enum uc_modes_state {
	UC_MODES_GROUND,
	UC_MODES_ESCAPE,       /* ESC */
	UC_MODES_DESIGNATE,    /* ESC ( or ESC ): the next byte is a character set */
	UC_MODES_INTERMEDIATE, /* ESC and a byte that another one follows */
	UC_MODES_CSI,          /* ESC [ */
	UC_MODES_STRING,       /* OSC, DCS, SOS, PM, APC: up to BEL or ST */
	UC_MODES_STRING_END,   /* ESC in it */
};

/* Is CSI top;bottom r (0: not given) one that terminals obey? */
bool uc_modes_is_region(unsigned top, unsigned bottom);

#endif
