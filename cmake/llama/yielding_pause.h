// Included before every C file of ggml's CPU backend. Its threads wait for each other several hundred times per
// call, in loops that only pause; when other processes want the cores, the thread that is waited for may not run for a
// time slice while the others burn theirs. So every so many pauses the core is offered to whoever can use it. Measured
// with two threads on two cores beside ten busy processes: a call of 216 tokens took 1.1 s, as with one thread; without
// this, twelve such calls did not end within a minute.
#ifndef REDRAFT_YIELDING_PAUSE_H_
#define REDRAFT_YIELDING_PAUSE_H_

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include <sched.h>

static __thread unsigned redraft_pauses;

static inline void redraft_pause(void) {
  if (++redraft_pauses % 2048 == 0) sched_yield();
  else __builtin_ia32_pause();
}
#define _mm_pause redraft_pause
#endif

#endif  // REDRAFT_YIELDING_PAUSE_H_
