/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Reservations (one RPC). */
#include <errno.h>
#include <time.h>
#include <ucluster/reservation.h>
#include "slurm/compat.h"
#include "slurm/backend.h"
#include "slurm/wire.h"

static struct uc_raw set_or_null(const char *text)
{
	return uc_raw(text && *text ? text : NULL);
}

static uint32_t reservation_flags(const reserve_info_t *from)
{
	static const struct {
		uint64_t slurm;
		uint32_t ours;
	} map[] = {
		{ RESERVE_FLAG_MAINT, UC_RESERVATION_MAINT },
		{ RESERVE_FLAG_FLEX, UC_RESERVATION_FLEX },
		{ RESERVE_FLAG_DAILY, UC_RESERVATION_REPEATS },
		{ RESERVE_FLAG_WEEKLY, UC_RESERVATION_REPEATS },
		{ RESERVE_FLAG_WEEKDAY, UC_RESERVATION_REPEATS },
		{ RESERVE_FLAG_WEEKEND, UC_RESERVATION_REPEATS },
#ifdef RESERVE_FLAG_HOURLY /* since 22.05 */
		{ RESERVE_FLAG_HOURLY, UC_RESERVATION_REPEATS },
#endif
		{ RESERVE_FLAG_ANY_NODES, UC_RESERVATION_ANY_NODES },
		{ RESERVE_FLAG_MAGNETIC, UC_RESERVATION_MAGNETIC },
		{ RESERVE_FLAG_TIME_FLOAT, UC_RESERVATION_FLOATS },
	};
	uint32_t ours = from->core_spec_cnt ? UC_RESERVATION_PARTIAL : 0;

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (from->flags & map[i].slurm)
			ours |= map[i].ours;
	return ours;
}

static void fill_reservation(const reserve_info_t *from, struct uc_reservation *to)
{
	to->name = set_or_null(from->name);
	to->nodes = set_or_null(from->node_list);
	to->partition = set_or_null(from->partition);
	to->features = set_or_null(from->features);
	to->licenses = set_or_null(from->licenses);
	to->tres = set_or_null(from->tres_str);
	to->users = set_or_null(from->users);
	to->accounts = set_or_null(from->accounts);
	to->groups = set_or_null(from->groups);
	to->start_time = from->start_time;
	to->end_time = from->end_time;
	to->node_count = from->node_cnt == NO_VAL ? 0 : from->node_cnt;
	to->cores = from->core_cnt == NO_VAL ? 0 : from->core_cnt;
	to->flags = reservation_flags(from);
}

int backend_reservations(const struct uc_frame *question, struct uc_frame *answer,
			 struct uc_error *err)
{
	const struct uc_rows_type *type = uc_rows_type(UC_ROWS_RESERVATIONS);
	uc_auto(wire) struct uc_wire *wire = uc_wire_new(UC_ROWS_RESERVATIONS);
	reserve_info_msg_t *msg = NULL;

	(void)question;
	if (!wire)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (slurm_load_reservations(0, &msg) != SLURM_SUCCESS)
		return backend_fail(err, errno, "loading reservations");
	for (uint32_t i = 0; i < msg->record_count; i++) {
		struct uc_reservation row;

		uc_row_clear(type, &row);
		fill_reservation(&msg->reservation_array[i], &row);
		uc_wire_add(wire, &row);
	}
	answer->fd = uc_wire_finish(wire, (int64_t)time(NULL), msg->last_update, err);
	slurm_free_reservation_info_msg(msg);
	return answer->fd < 0 ? -1 : 0;
}
