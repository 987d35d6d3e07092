/*
 * Answers that come a while after they were asked for, in order, as those of a DLM across a
 * network do: a thread keeps them until they are due.
 */
#ifndef LATE_ANSWERS_H
#define LATE_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

/* Every answer has this size: struct dlm_lock_result of linux/dlm_device.h. */
#define LATE_ANSWER_BYTES 72

/* How late, in us, by HOLDFAST_STUB_LATENCY_US; 0 when that is not set. */
int64_t late_answer_us(void);

/* Starts the thread that sends to this descriptor. Returns 0, or -1 with errno. */
int late_answers_start(int fd, int64_t late_us);

/* Keeps a copy of the answer. Returns 0, or -1 when too many are kept. */
int late_answer(const void *answer);

#endif
