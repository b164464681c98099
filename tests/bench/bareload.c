/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * bareload jobs|nodes: what the library call alone costs that a listing cannot do
 * without: slurm_load_jobs or slurm_load_node, nothing printed, nothing freed.
 */
#include <slurm/slurm.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	partition_info_msg_t *partitions = NULL;
	node_info_msg_t *nodes = NULL;
	job_info_msg_t *jobs = NULL;
	int rc;

	if (argc != 2)
		return 2;
	slurm_init(NULL);
	if (!strcmp(argv[1], "jobs"))
		rc = slurm_load_jobs(0, &jobs, SHOW_LOCAL);
	else if ((rc = slurm_load_partitions(0, &partitions, SHOW_ALL)) == SLURM_SUCCESS)
		rc = slurm_load_node(0, &nodes, SHOW_ALL | SHOW_DETAIL | SHOW_MIXED);
	if (rc != SLURM_SUCCESS)
		slurm_perror("bareload");
	_exit(rc != SLURM_SUCCESS);
}
