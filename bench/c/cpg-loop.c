/*
 * The C side of the CPG benches: what a careful single-threaded program does with libcpg.
 *
 * It joins the group named on the command line and then obeys one command per line of stdin,
 * answering each with one line of JSON:
 *
 *   rtt BYTES COUNT   sends a message, waits for its own copy, COUNT times
 *   flow BYTES MS     keeps a window of messages in flight for that long; every delivered payload
 *                     is copied to fresh memory and handed to a listener
 *   late BYTES MS     the same, but the listener's copies are freed only when KEPT_BYTES of newer
 *                     ones are there: what memory costs where a collector decides
 *
 * One thread; poll(2) on the descriptor and cpg_dispatch(CS_DISPATCH_ALL); the window is bound by
 * our own copies coming back, in messages and in bytes; after TRY_AGAIN it waits for an echo or
 * one millisecond. The commands end with stdin.
 */
#include <corosync/cpg.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define WINDOW_MESSAGES 128
#define WINDOW_BYTES (2u << 20)
#define PAYLOAD_BYTES_MAX 1047552
#define SAMPLES_MAX 100000
#define LINE_MAX_BYTES 256
/* V8 begins to collect when that much has been allocated outside of its heap. */
#define KEPT_BYTES (32u << 20)
#define KEPT_MAX 65536

static cpg_handle_t handle;
static int cpg_fd;
static unsigned int own_node;
static uint32_t own_pid;

static uint64_t delivered;      /* messages of anybody */
static uint64_t echoed;         /* messages of ours */
static uint64_t bytes_touched;  /* what the listener has seen; printed, so that nothing is elided */
static int is_late;
static struct { char *copy; size_t len; } kept[KEPT_MAX];  /* a ring, oldest at kept_first */
static size_t kept_first, kept_count, kept_bytes;
static char payload[PAYLOAD_BYTES_MAX];
static double samples[SAMPLES_MAX];

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_us(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void die(const char *what, int status)
{
	fprintf(stderr, "cpg-loop: %s: status %d\n", what, status);
	exit(1);
}

/* Lets go of the oldest copies until there is room for this one. */
static void keep(char *copy, size_t len)
{
	while (kept_count > 0 && (kept_count == KEPT_MAX || kept_bytes + len > KEPT_BYTES)) {
		free(kept[kept_first].copy);
		kept_bytes -= kept[kept_first].len;
		kept_first = (kept_first + 1) % KEPT_MAX;
		kept_count--;
	}
	kept[(kept_first + kept_count) % KEPT_MAX].copy = copy;
	kept[(kept_first + kept_count) % KEPT_MAX].len = len;
	kept_count++;
	kept_bytes += len;
}

/* What the program is for: takes the payload over and lets go of it. */
static void listener(uint32_t nodeid, uint32_t pid, char *copy, size_t len)
{
	bytes_touched += len > 0 ? (unsigned char)copy[len - 1] : 0;
	bytes_touched += nodeid + pid;
	if (is_late)
		keep(copy, len);
	else
		free(copy);
}

static void deliver(cpg_handle_t h, const struct cpg_name *group, uint32_t nodeid, uint32_t pid,
	void *msg, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	(void)h;
	(void)group;
	if (copy == NULL)
		die("malloc", 0);
	memcpy(copy, msg, len);
	delivered++;
	if (nodeid == own_node && pid == own_pid)
		echoed++;
	listener(nodeid, pid, copy, len);
}

static void confchg(cpg_handle_t h, const struct cpg_name *group,
	const struct cpg_address *members, size_t member_count,
	const struct cpg_address *left, size_t left_count,
	const struct cpg_address *joined, size_t joined_count)
{
	(void)h; (void)group; (void)members; (void)member_count;
	(void)left; (void)left_count; (void)joined; (void)joined_count;
}

static void dispatch(void)
{
	cs_error_t status = cpg_dispatch(handle, CS_DISPATCH_ALL);

	if (status != CS_OK && status != CS_ERR_TRY_AGAIN)
		die("cpg_dispatch", (int)status);
}

/* Waits for something to dispatch, or for the time to pass. */
static void await_readable(int timeout_ms)
{
	struct pollfd p = { .fd = cpg_fd, .events = POLLIN };

	if (poll(&p, 1, timeout_ms) > 0)
		dispatch();
}

/* 1 when sent, 0 when corosync has no room now. */
static int send_one(size_t bytes, uint64_t number)
{
	struct iovec iov = { .iov_base = payload, .iov_len = bytes };
	cs_error_t status;

	if (bytes >= sizeof number)
		memcpy(payload, &number, sizeof number);
	status = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1);
	if (status == CS_ERR_TRY_AGAIN)
		return 0;
	if (status != CS_OK)
		die("cpg_mcast_joined", (int)status);
	return 1;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void round_trips(size_t bytes, long count)
{
	long i;

	if (count > SAMPLES_MAX)
		count = SAMPLES_MAX;
	for (i = 0; i < count; i++) {
		uint64_t before = echoed;
		double begun = now_us();

		while (!send_one(bytes, (uint64_t)i))
			await_readable(1);
		while (echoed == before)
			await_readable(-1);
		samples[i] = now_us() - begun;
	}
	qsort(samples, (size_t)count, sizeof samples[0], ascending);
	printf("{\"p50\":%.2f,\"p90\":%.2f,\"count\":%ld}\n",
		samples[count / 2], samples[count * 9 / 10], count);
}

static void flow(size_t bytes, double ms)
{
	uint64_t first = delivered, sent = echoed;
	double begun = now_us(), cpu = cpu_us(), end = begun + ms * 1e3;

	while (now_us() < end) {
		int room = 1;

		while (room && sent - echoed < WINDOW_MESSAGES &&
				(sent == echoed || (sent - echoed + 1) * bytes <= WINDOW_BYTES)) {
			room = send_one(bytes, sent);
			sent += (uint64_t)room;
		}
		await_readable(room ? -1 : 1);
	}
	/* The end of the measured time; what is still in flight is waited for, not counted. */
	printf("{\"messages\":%llu,\"us\":%.0f,\"cpuUs\":%.0f,\"touched\":%llu}\n",
		(unsigned long long)(delivered - first), now_us() - begun, cpu_us() - cpu,
		(unsigned long long)bytes_touched);
	while (echoed < sent)
		await_readable(-1);
}

static void obey(const char *line)
{
	size_t bytes;
	long amount;

	if (sscanf(line, "rtt %zu %ld", &bytes, &amount) == 2 && bytes <= PAYLOAD_BYTES_MAX)
		round_trips(bytes, amount);
	else if (sscanf(line, "flow %zu %ld", &bytes, &amount) == 2 && bytes <= PAYLOAD_BYTES_MAX)
		flow(bytes, (double)amount);
	else if (sscanf(line, "late %zu %ld", &bytes, &amount) == 2 && bytes <= PAYLOAD_BYTES_MAX) {
		is_late = 1;
		flow(bytes, (double)amount);
		is_late = 0;
	} else
		die("unknown command", 0);
	fflush(stdout);
}

static void connect_and_join(const char *name)
{
	static cpg_model_v1_data_t model = {
		.model = CPG_MODEL_V1, .cpg_deliver_fn = deliver, .cpg_confchg_fn = confchg,
	};
	struct cpg_name group = { .length = (uint32_t)strlen(name) };
	cs_error_t status;

	if (group.length > CPG_MAX_NAME_LENGTH)
		die("group name too long", 0);
	memcpy(group.value, name, group.length);
	status = cpg_model_initialize(&handle, CPG_MODEL_V1, (cpg_model_data_t *)&model, NULL);
	if (status != CS_OK)
		die("cpg_model_initialize", (int)status);
	cpg_fd_get(handle, &cpg_fd);
	cpg_local_get(handle, &own_node);
	own_pid = (uint32_t)getpid();
	while ((status = cpg_join(handle, &group)) == CS_ERR_TRY_AGAIN)
		usleep(10000);
	if (status != CS_OK)
		die("cpg_join", (int)status);
}

int main(int argc, char **argv)
{
	struct pollfd both[2];
	char line[LINE_MAX_BYTES];

	if (argc != 2)
		die("usage: cpg-loop GROUP", 0);
	connect_and_join(argv[1]);
	printf("{\"ready\":true}\n");
	fflush(stdout);
	both[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	both[1] = (struct pollfd){ .fd = cpg_fd, .events = POLLIN };
	setvbuf(stdin, NULL, _IONBF, 0);
	for (;;) {
		if (poll(both, 2, -1) < 0)
			die("poll", 0);
		if (both[1].revents != 0)
			dispatch();
		if (both[0].revents == 0)
			continue;
		if (fgets(line, sizeof line, stdin) == NULL)
			break;
		obey(line);
	}
	cpg_finalize(handle);
	return 0;
}
