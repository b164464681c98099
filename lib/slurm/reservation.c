/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/reservation.h>

#include <string.h>
#include "slurm/rows.h"

void uc_reservations_free(struct uc_reservations *reservations)
{
	uc_rows_free((struct uc_rows *)reservations);
}

static bool is_one_of(const char *word, size_t len, const char *const *names)
{
	for (; names && *names; names++)
		if (strlen(*names) == len && memcmp(*names, word, len) == 0)
			return true;
	return false;
}

/*
 * "bob,eve", or "-bob,-eve": all but these. 1: admitted, 0: not told, -1: kept out.
 */
static int judge(struct uc_raw list, const char *const *names)
{
	const char *at = list.bytes;
	bool denies = false, found = false;

	if (uc_raw_empty(list))
		return 0;
	while (*at) {
		size_t len = strcspn(at, ",");
		bool minus = *at == '-';

		denies = denies || minus;
		if (is_one_of(at + minus, len - minus, names))
			found = true;
		at += len + (at[len] == ',');
	}
	return found == denies ? -1 : 1;
}

bool uc_reservation_admits(const struct uc_reservation *reservation,
			   const struct uc_identity *who)
{
	const char *const user[] = { who->user, NULL };
	const int by_user = judge(reservation->users, user);
	const int by_account = judge(reservation->accounts, who->accounts);
	const int by_group = judge(reservation->groups, who->groups);

	if (who->user_id == 0)
		return true;
	/* with users and accounts both must fit; groups stand for users */
	if (by_user < 0 || by_account < 0 || by_group < 0)
		return false;
	return by_user > 0 || by_account > 0 || by_group > 0;
}
