// SPDX-License-Identifier: Apache-2.0
// Invariants that are executed in the debug build (make DEBUG=1) and cost nothing in any other. What an
// archive or an image may hold is no invariant: that is checked in every build, and has an error of its own.
#ifndef PYCDS_ASSERT_H
#define PYCDS_ASSERT_H

#include <stdint.h>

#ifdef PYCDS_DEBUG
#include <string.h>
#include <unistd.h>

/* Only write(2): this also runs under a GIL, in a signal handler, or while memory is short. */
__attribute__((noreturn, cold, noinline, unused)) static void pycds_assert_failed(const char *what) {
  ssize_t written = write(2, what, strlen(what));
  (void)written;
  __builtin_trap();
}

#define PYCDS_ASSERT_TEXT_(x) #x
#define PYCDS_ASSERT_TEXT(x) PYCDS_ASSERT_TEXT_(x)
#define PYCDS_ASSERT_AT(where, condition) ((condition) ? (void)0 : pycds_assert_failed(where))
#define PYCDS_ASSERT(condition)                                                                                        \
  PYCDS_ASSERT_AT(__FILE__ ":" PYCDS_ASSERT_TEXT(__LINE__) ": assertion failed: " #condition "\n", condition)
#else
#define PYCDS_ASSERT(condition) ((void)sizeof(condition)) /* not evaluated, but its names count as used */
#endif

/* A number that is known to fit a narrower unsigned type: a cast to `type` that asserts it. Where the length of
 * something is too large to be told, that is no broken invariant: see pycds_buffer_narrow. */
#ifdef PYCDS_DEBUG
static inline uint64_t pycds_narrow(uint64_t value, uint64_t maximum, const char *where) {
  PYCDS_ASSERT_AT(where, value <= maximum);
  return value;
}
#define PYCDS_NARROW(type, value)                                                                                      \
  ((type)pycds_narrow((uint64_t)(value), (type)-1,                                                                     \
                      __FILE__ ":" PYCDS_ASSERT_TEXT(__LINE__) ": does not fit " #type ": " #value "\n"))
#else
#define PYCDS_NARROW(type, value) ((type)(value))
#endif

#endif
