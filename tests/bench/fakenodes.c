/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * fakenodes PORT PIDFILE: one process that plays the slurmd of thousands of nodes, which
 * all have the address 127.0.0.1 and this port. It answers every request that slurmctld
 * authenticates with "done", so that nodes are idle and jobs run without any process; a
 * request to end a job is answered with "has ended".
 *
 * It calls what Slurm's own daemons use, which no header declares; tried with 22.05.
 * Needs TreeWidth above the number of nodes, as it does not forward.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIBRARY "/usr/lib/x86_64-linux-gnu/slurm-wlm/libslurmfull.so"
#define THREADS 4

enum {
	KILL_TIMELIMIT = 6009,
	TERMINATE_JOB = 6011,
	ALREADY_COMPLETE = 4010,
};

static struct {
	void (*message_init)(void *);
	int (*receive)(int, void *, int);
	int (*send_rc)(void *, int);
	void (*free_members)(void *);
} slurm;

/* The kind of request is one of the first numbers of the head, in network order. */
static bool ends_job(int fd)
{
	uint8_t head[24];
	ssize_t n = recv(fd, head, sizeof(head), MSG_PEEK | MSG_WAITALL);

	for (int i = 4; i + 1 < n && i < 14; i += 2) {
		int number = head[i] << 8 | head[i + 1];

		if (number == TERMINATE_JOB || number == KILL_TIMELIMIT)
			return true;
	}
	return false;
}

static void *serve(void *listener)
{
	for (;;) {
		int fd = accept4((int)(intptr_t)listener, NULL, NULL, SOCK_CLOEXEC);
		uint64_t message[512] = { 0 }; /* slurm_msg_t is far below 4 KiB */
		int rc;

		if (fd < 0)
			continue;
		rc = ends_job(fd) ? ALREADY_COMPLETE : 0;
		slurm.message_init(message);
		if (slurm.receive(fd, message, 0) == 0)
			slurm.send_rc(message, rc);
		slurm.free_members(message);
		close(fd);
	}
	return NULL;
}

static void *find(void *library, const char *name)
{
	void *symbol = dlsym(library, name);

	if (symbol)
		return symbol;
	fprintf(stderr, "fakenodes: no '%s' in this Slurm\n", name);
	exit(1);
}

static void load_slurm(void)
{
	const char *path = getenv("SLURMFULL");
	/* deep, else the library's error() is glibc's error(3) and crashes */
	void *library =
		dlopen(path ? path : LIBRARY, RTLD_NOW | RTLD_GLOBAL | RTLD_DEEPBIND);

	if (!library) {
		fprintf(stderr, "fakenodes: %s\n", dlerror());
		exit(1);
	}
	slurm.message_init = find(library, "slurm_msg_t_init");
	slurm.receive = find(library, "slurm_receive_msg");
	slurm.send_rc = find(library, "slurm_send_rc_msg");
	slurm.free_members = find(library, "slurm_free_msg_members");
	((int (*)(const char *))find(library, "slurm_conf_init"))(NULL);
	((int (*)(char *))find(library, "slurm_auth_init"))(NULL);
	((int (*)(void))find(library, "hash_g_init"))();
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	FILE *file;

	if (argc != 3)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	load_slurm();
	address.sin_port = htons((uint16_t)atoi(argv[1]));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4096) < 0 || daemon(1, 0) < 0) {
		perror("fakenodes");
		return 1;
	}
	file = fopen(argv[2], "w");
	if (!file)
		return 1;
	fprintf(file, "%d\n", (int)getpid());
	fclose(file);
	for (int i = 1; i < THREADS; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd);
	}
	serve((void *)(intptr_t)fd);
}
