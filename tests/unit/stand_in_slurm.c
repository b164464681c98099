/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A libslurm.so.N with nothing in it but its number; for test_workers.c. */
long slurm_api_version(void);

long slurm_api_version(void)
{
	return STAND_IN;
}
