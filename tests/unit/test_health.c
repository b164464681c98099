/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* munged's socket alive, stopped and gone; who may use a reservation. */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <ucluster/health.h>
#include <ucluster/reservation.h>

static char folder[64], conf[96];

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/ucluster-health-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(conf, sizeof(conf), "%s/slurm.conf", folder);
	return 0;
}

static int teardown(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s/munge", folder);
	unlink(path);
	unlink(conf);
	return rmdir(folder);
}

/* Each "@" is the folder. */
static void write_conf(const char *text)
{
	FILE *file = fopen(conf, "w");

	assert_non_null(file);
	for (; *text; text++)
		if (*text == '@')
			fputs(folder, file);
		else
			fputc(*text, file);
	fclose(file);
}

static int listen_on_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.64s/munge", folder);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void *answer_one(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);

	if (fd >= 0)
		close(fd);
	return NULL;
}

static void test_a_munged_that_answers(void **state)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error err = { 0 };
	pthread_t thread;
	int fd;

	(void)state;
	write_conf("ClusterName=x\nAuthInfo=cred_expire=60,socket=@/munge\n");
	fd = listen_on_socket();
	assert_int_equal(pthread_create(&thread, NULL, answer_one, &fd), 0);
	assert_int_equal(uc_health_munge(conf, 20000, &path, &err), 0);
	assert_non_null(strstr(uc_buf_text(&path), "/munge"));
	pthread_join(thread, NULL);
	close(fd);
}

static void test_a_munged_that_is_stopped(void **state)
{
	struct uc_error err = { 0 };
	int fd;

	(void)state;
	write_conf("AuthInfo=socket=@/munge\n");
	fd = listen_on_socket();
	/* the kernel takes the connection, nobody closes it */
	assert_int_equal(uc_health_munge(conf, 50, NULL, &err), -1);
	assert_int_equal(err.code, UC_UNREACHABLE);
	assert_non_null(strstr(err.text, "does not answer"));
	close(fd);
}

static void test_a_munged_that_is_gone(void **state)
{
	struct uc_error err = { 0 };

	(void)state;
	write_conf("AuthInfo=socket=@/munge,ttl=5\n");
	assert_int_equal(uc_health_munge(conf, 50, NULL, &err), -1);
	assert_int_equal(err.code, UC_UNREACHABLE);
	assert_non_null(strstr(err.text, "/munge'"));
}

static void test_controllers_are_counted(void **state)
{
	(void)state;
	write_conf("# SlurmctldHost=no\nSlurmctldHost=a(10.0.0.1)\nSlurmctldHost=b\n");
	assert_int_equal(uc_health_controller_count(conf), 2);
	write_conf("ClusterName=x\n");
	assert_int_equal(uc_health_controller_count(conf), 0);
	assert_int_equal(uc_health_controller_count("/nonexistent"), 0);
}

static void test_only_a_live_cluster_is_probed(void **state)
{
	uc_auto(source) struct uc_source *src = NULL;
	struct uc_controller_health health;
	struct uc_error err = { 0 };
	int64_t micros;

	(void)state;
	assert_int_equal(
		uc_source_open("synthetic:nodes=1,jobs=1,seed=1", NULL, &src, &err), 0);
	assert_int_equal(uc_health_controller(src, 0, &health, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
	assert_int_equal(uc_health_accounting(src, &micros, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
}

static bool admits(const char *users, const char *accounts, const char *groups)
{
	static const char *const own_accounts[] = { "lab", "guests", NULL };
	static const char *const own_groups[] = { "staff", NULL };
	const struct uc_identity bob = { .user_id = 1000,
					 .user = "bob",
					 .accounts = own_accounts,
					 .groups = own_groups };
	const struct uc_reservation reservation = { .users = { users },
						    .accounts = { accounts },
						    .groups = { groups } };

	return uc_reservation_admits(&reservation, &bob);
}

static void test_whom_a_reservation_admits(void **state)
{
	const struct uc_reservation closed = { .users = { "eve" } };
	const struct uc_identity root = { .user = "root" };
	const struct uc_identity stranger = { .user_id = 1 };

	(void)state;
	assert_true(admits("eve,bob", NULL, NULL));
	assert_false(admits("eve", NULL, NULL));
	assert_false(admits("bobby,bo", NULL, NULL));
	assert_true(admits("-eve", NULL, NULL));
	assert_false(admits("-eve,-bob", NULL, NULL));
	assert_true(admits(NULL, "lab", NULL));
	assert_false(admits(NULL, "other", NULL));
	assert_false(admits(NULL, "-lab", NULL));
	assert_false(admits("bob", "other", NULL));
	assert_true(admits(NULL, NULL, "staff,admin"));
	assert_false(admits(NULL, NULL, "admin"));
	assert_false(admits(NULL, NULL, NULL));
	assert_false(admits("", "", ""));
	assert_true(uc_reservation_admits(&closed, &root));
	assert_false(uc_reservation_admits(&closed, &stranger));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_munged_that_answers, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_munged_that_is_stopped, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_munged_that_is_gone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_controllers_are_counted, setup,
						teardown),
		cmocka_unit_test(test_only_a_live_cluster_is_probed),
		cmocka_unit_test(test_whom_a_reservation_admits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
