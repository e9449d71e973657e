// SPDX-License-Identifier: Apache-2.0
// The kernel without a C library: the probe runs in images that have none, or any.
#ifndef PYCDS_PROBE_SYSCALL_H
#define PYCDS_PROBE_SYSCALL_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)

enum { SYS_read = 0, SYS_write = 1, SYS_close = 3, SYS_nanosleep = 35, SYS_socket = 41, SYS_connect = 42 };
enum { SYS_fcntl = 72, SYS_clock_gettime = 228, SYS_exit_group = 231, SYS_openat = 257, SYS_ppoll = 271 };

static inline long syscall5(long number, long a, long b, long c, long d, long e) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

/* The stack of a new process: argc, then argv. */
__asm__(".global _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call probe_main\n");

#elif defined(__aarch64__)

enum { SYS_fcntl = 25, SYS_openat = 56, SYS_close = 57, SYS_read = 63, SYS_write = 64, SYS_ppoll = 73 };
enum { SYS_exit_group = 94, SYS_nanosleep = 101, SYS_clock_gettime = 113, SYS_socket = 198, SYS_connect = 203 };

static inline long syscall5(long number, long a, long b, long c, long d, long e) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}

__asm__(".global _start\n_start:\n  mov x29, #0\n  mov x0, sp\n  bl probe_main\n");

#else
#error "unknown architecture: add its system calls above"
#endif

static inline long syscall3(long number, long a, long b, long c) { return syscall5(number, a, b, c, 0, 0); }

#endif
