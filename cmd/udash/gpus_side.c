/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Beside the map: what its signs mean, how many are free of each model, who holds how
 * many, and one's own GPU hours. */
#include <string.h>
#include "udash/gpus.h"

const struct gpus_holder gpus_holders[UC_GPU_OUT + 1] = {
	[UC_GPU_FREE] = { '.', DASH_GOOD, "free" },
	[UC_GPU_MINE] = { '#', DASH_MINE, "yours" },
	[UC_GPU_OTHER] = { '?', DASH_PLAIN, "others'" },
	[UC_GPU_RESERVED] = { '=', DASH_WAIT, "reserved" },
	[UC_GPU_OUT] = { '-', DASH_BAD, "out of service" },
};
#define HOLDERS (sizeof(gpus_holders) / sizeof(gpus_holders[0]))
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

char gpus_user_letter(const struct dash *d, const struct gpus_pane *p, uint32_t user_id)
{
	size_t letter = 0;

	if (user_id == d->me)
		return gpus_holders[UC_GPU_MINE].letter;
	for (size_t i = 0; i < p->users && letter < sizeof(letters) - 1; i++) {
		if (p->user[i].id == d->me)
			continue;
		if (p->user[i].id == user_id)
			return letters[letter];
		letter++;
	}
	return gpus_holders[UC_GPU_OTHER].letter;
}

static void draw_holders(const struct gpus_pane *p, struct dash_area area)
{
	for (size_t i = 0; i < HOLDERS; i++)
		dash_putf(dash_from(area, (int)i, 0), gpus_holders[i].role, "%c %6ju %s",
			  gpus_holders[i].letter, (uintmax_t)p->total[i],
			  gpus_holders[i].meaning);
}

static void draw_models(const struct dash *d, struct dash_area area)
{
	for (size_t i = 0; i < d->sums.models; i++) {
		const struct dash_model *model = &d->sums.model[i];
		const struct dash_area line = dash_from(area, (int)i, 0);

		dash_put_raw(dash_span(line, 0, 0, 8), DASH_PLAIN, uc_raw(model->type));
		dash_putf(dash_from(line, 0, 9), model->free ? DASH_GOOD : DASH_BAD,
			  "%ju of %ju free", (uintmax_t)model->free,
			  (uintmax_t)model->total);
	}
}

static void draw_user(const struct dash *d, const struct gpus_pane *p, size_t which,
		      struct dash_area line)
{
	const struct gpus_user *user = &p->user[which];
	const enum dash_role role = user->id == d->me ? DASH_MINE : DASH_PLAIN;

	dash_putf(dash_from(line, 0, 0), role, "%c %6ju ",
		  gpus_user_letter(d, p, user->id), (uintmax_t)user->gpus);
	dash_put_raw(dash_span(line, 0, 9, line.columns - 9), role, user->name);
}

static void draw_users(const struct dash *d, const struct gpus_pane *p,
		       struct dash_area area)
{
	for (int row = 0; row < area.rows && (size_t)row < p->users; row++) {
		const struct dash_area line = dash_from(area, row, 0);
		const size_t left = p->users - (size_t)row;

		if (row + 1 == area.rows && left > 1) {
			dash_putf(line, DASH_FAINT, "  and %zu more users", left);
			return;
		}
		draw_user(d, p, (size_t)row, line);
	}
}

/* One's own GPU hours, a bar a day. */
static void draw_hours(const struct dash *d, struct dash_area area)
{
	const struct dash_past *past = &d->data->past;
	uint64_t most = 0, all = 0;

	for (size_t i = 0; i < past->days; i++) {
		most = past->gpu_seconds[i] > most ? past->gpu_seconds[i] : most;
		all += past->gpu_seconds[i];
	}
	dash_putf(dash_from(area, 0, 0), DASH_FAINT, "your GPU hours, %zu days",
		  past->days);
	dash_put_spark(dash_span(area, 1, 0, (int)past->days), DASH_MINE,
		       past->gpu_seconds, past->days, most);
	dash_putf(dash_from(area, 1, (int)past->days + 1), DASH_MINE, "%.*f",
		  all < 36000 ? 2 : 1, (double)all / 3600);
}

void gpus_draw_side(const struct dash *d, const struct gpus_pane *p,
		    struct dash_area side)
{
	draw_holders(p, dash_area_top(&side, (int)HOLDERS));
	dash_area_top(&side, 1);
	draw_models(d, dash_area_top(&side, (int)d->sums.models));
	dash_area_top(&side, 1);
	if (d->data->past.known && side.rows >= 8) {
		draw_hours(d, dash_area_bottom(&side, 2));
		dash_area_bottom(&side, 1);
	}
	draw_users(d, p, side);
}
