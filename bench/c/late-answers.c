#include "late-answers.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define KEPT_MAX (1u << 16)

struct kept {
	int64_t due_ns;
	char bytes[LATE_ANSWER_BYTES];
};

static struct kept ring[KEPT_MAX];
static uint32_t first, count;
static int target_fd;
static int64_t delay_ns, service_ns, served_ns;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void sleep_until(int64_t due_ns)
{
	struct timespec due = { .tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
}

/* All that is due goes at once: whoever reads may find several. */
static void *send_when_due(void *unused)
{
	struct kept head;

	(void)unused;
	pthread_mutex_lock(&lock);
	for (;;) {
		while (count == 0)
			pthread_cond_wait(&more, &lock);
		head = ring[first];
		pthread_mutex_unlock(&lock);
		if (head.due_ns > now_ns())
			sleep_until(head.due_ns);
		if (send(target_fd, head.bytes, sizeof(head.bytes), MSG_NOSIGNAL) < 0)
			return NULL;
		pthread_mutex_lock(&lock);
		first = (first + 1) % KEPT_MAX;
		count--;
	}
}

int64_t late_answer_us(void)
{
	const char *text = getenv("HOLDFAST_STUB_LATENCY_US");

	return text ? atoll(text) : 0;
}

int late_answers_start(int fd, int64_t late_us)
{
	const char *service = getenv("HOLDFAST_STUB_SERVICE_US");
	pthread_t thread;
	int status;

	target_fd = fd;
	delay_ns = late_us * 1000;
	service_ns = service ? atoll(service) * 1000 : 0;
	status = pthread_create(&thread, NULL, send_when_due, NULL);
	if (status != 0) {
		errno = status;
		return -1;
	}
	pthread_detach(thread);
	return 0;
}

int late_answer(const void *answer)
{
	struct kept *kept;
	int status = -1;
	int64_t now = now_ns();

	pthread_mutex_lock(&lock);
	if (count < KEPT_MAX) {
		kept = &ring[(first + count) % KEPT_MAX];
		served_ns = (served_ns > now ? served_ns : now) + service_ns;
		kept->due_ns = served_ns > now + delay_ns ? served_ns : now + delay_ns;
		memcpy(kept->bytes, answer, sizeof(kept->bytes));
		count++;
		status = 0;
		pthread_cond_signal(&more);
	}
	pthread_mutex_unlock(&lock);
	if (status != 0)
		errno = ENOBUFS;
	return status;
}
