// SPDX-License-Identifier: Apache-2.0
// Runs between two worlds: unmaps the one, maps the other, goes on in it. Freestanding; linked into a flat image that
// may be mapped anywhere (restore.ld), reads nothing but the hand-over, and never returns.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "../../static/sys/syscalls.h"
#include "../../static/sys/text.h"
#include "../handover.h"

#define ARCH_SET_FS 0x1002
#define RSEQ_SIGNATURE 0x53053053u

#define EXIT_DENIED 127
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* ---- the way back ---- */

static const char *code_of(enum snapshot_reject reject) {
  /* No table of pointers: that would need relocations. */
  switch (reject) {
    case SNAPSHOT_REJECT_ADDRESS_TAKEN: return "ADDRESS_TAKEN";
    case SNAPSHOT_REJECT_MEMORY: return "MEMORY";
    case SNAPSHOT_REJECT_VDSO: return "VDSO";
    case SNAPSHOT_REJECT_DENIED: return "DENIED";
    default: return "REFUSED_AFTER";
  }
}

static char *append(char *at, const char *text) {
  while (*text) *at++ = *text++;
  *at = 0;
  return at;
}

static void restore_fallback(struct handover *handover, enum snapshot_reject reject) {
  char *at = append(handover->reason, HANDOVER_VARIABLE "=");
  append(append(append(at, code_of(reject)), ":"), handover->comm);
  /* Handlers become the default with the new program; the mask would stay as it is now. */
  CALL4(rt_sigprocmask, SIG_SETMASK, &handover->mask, 0, 8);
  CALL3(execve, handover->program, handover->arguments, handover->variables);
  const char *line = "pycds: the program cannot be started again after a snapshot was given up\n";
  CALL3(write, 2, line, text_length(line));
  CALL1(exit_group, EXIT_DENIED);
  __builtin_trap();
}

/* ---- memory ---- */

static bool unmap_old(const struct handover *handover) {
  uint64_t start = 0;
  for (uint64_t i = 0; i <= handover->keep_count; i++) {
    uint64_t end = i < handover->keep_count ? handover->keep[i].start : SNAPSHOT_HIGHEST;
    if (end > start && CALL2(munmap, start, end - start) < 0) return false;
    if (i < handover->keep_count) start = handover->keep[i].end;
  }
  return true;
}

static void advise(uint64_t address, uint64_t bytes, uint32_t advice) {
  if (advice & SNAPSHOT_DONT_FORK) CALL3(madvise, address, bytes, MADV_DONTFORK);
  if (advice & SNAPSHOT_DONT_DUMP) CALL3(madvise, address, bytes, MADV_DONTDUMP);
  if (advice & SNAPSHOT_HUGE_PAGES) CALL3(madvise, address, bytes, MADV_HUGEPAGE);
  if (advice & SNAPSHOT_NO_HUGE_PAGES) CALL3(madvise, address, bytes, MADV_NOHUGEPAGE);
  if (advice & SNAPSHOT_ONE_BY_ONE) CALL3(madvise, address, bytes, MADV_RANDOM);
}

static enum snapshot_reject map(const struct handover_late *region) {
  long at = call6(SYS_mmap, (long)region->address, (long)region->bytes, region->protection, region->flags, region->fd,
                  (long)region->offset);
  if (at == -ENOMEM) return SNAPSHOT_REJECT_MEMORY;
  if (at < 0 && at > -4096) return at == -EEXIST ? SNAPSHOT_REJECT_ADDRESS_TAKEN : SNAPSHOT_REJECT_DENIED;
  return (uint64_t)at == region->address ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_ADDRESS_TAKEN;
}

static enum snapshot_reject map_late(const struct handover *handover) {
  for (uint64_t i = 0; i < handover->late_count; i++) {
    const struct handover_late *late = &handover->late[i];
    enum snapshot_reject reject = map(late);
    if (reject) return reject;
    if (late->advice & SNAPSHOT_WIPE_ON_FORK && CALL3(madvise, late->address, late->bytes, MADV_WIPEONFORK) < 0)
      return SNAPSHOT_REJECT_DENIED;
    advise(late->address, late->bytes, late->advice);
  }
  return SNAPSHOT_ACCEPTED;
}

/* After the old world is gone, so that there is never more in use than without. Where a kernel cannot do that the
 * pages come one by one. */
static void warm(const struct handover *handover) {
  for (uint64_t i = 0; i < handover->warm_count; i++) {
    const struct handover_range *range = &handover->warm[i];
    if (CALL3(madvise, range->start, range->end - range->start, MADV_POPULATE_WRITE) < 0) return;
  }
}

static bool move_part(struct handover_move *move, uint64_t to) {
  if (move->from == to) return true;
  long at = CALL5(mremap, move->from, move->bytes, move->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to);
  move->from = to;
  return (uint64_t)at == to;
}

/* Out of the way. */
static bool lift_vdso(struct handover *handover) {
  for (uint64_t i = 0; i < handover->move_count; i++) {
    struct handover_move *move = &handover->moves[i];
    if (move->over && !move_part(move, move->over)) return false;
  }
  return true;
}

/* What is executed here is not among it. */
static enum snapshot_reject take_over(const struct handover *handover) {
  for (uint64_t i = 0; i < handover->kept_count; i++) {
    const struct handover_late *region = &handover->kept[i].region;
    struct handover_move move = {.from = handover->kept[i].from, .bytes = region->bytes};
    if (move_part(&move, region->address)) continue;
    enum snapshot_reject reject = map(region);
    if (reject) return reject;
  }
  return SNAPSHOT_ACCEPTED;
}

static bool move_vdso(struct handover *handover) {
  for (uint64_t i = 0; i < handover->move_count; i++) {
    struct handover_move *move = &handover->moves[i];
    if (!move_part(move, move->to)) return false;
  }
  return true;
}

/* ---- the thread ---- */

/* The new area begins as one that the kernel has not seen. */
static void set_rseq(uint64_t area, uint32_t bytes) {
  volatile uint32_t *words = (volatile uint32_t *)area;
  words[0] = 0;            /* cpu_id_start */
  words[1] = (uint32_t)-1; /* cpu_id: not registered */
  words[2] = words[3] = 0; /* rseq_cs */
  words[4] = 0;            /* flags */
  /* -2, registration failed: the C library asks the kernel instead. */
  if (CALL4(rseq, area, bytes, 0, RSEQ_SIGNATURE) < 0) words[1] = (uint32_t)-2;
}

static void set_thread(const struct handover *handover) {
  const struct snapshot_context *context = &handover->context;
  *(volatile int32_t *)context->tid = (int32_t)CALL0(gettid);
  if (context->clear_tid) CALL1(set_tid_address, context->clear_tid);
  if (context->robust_list) CALL2(set_robust_list, context->robust_list, context->robust_bytes);
  if (context->rseq) set_rseq(context->rseq, context->rseq_bytes);
}

/* The kernel's form of struct sigaction. */
struct kernel_action {
  uint64_t handler, flags, restorer, mask;
};

/* Python's own, where the started process has it too; and the C library's, which it sets with the first thread of a process
 * and takes for there ever after: without one, a change of the user's id ends a process that has threads. */
static bool set_handlers(const struct handover *handover) {
  for (unsigned i = 0; i < SNAPSHOT_MAX_ACTIONS; i++) {
    const struct snapshot_action *action = &handover->context.actions[i];
    if (!action->signal) continue;
    if (action->signal == SIGINT && handover->dispositions[SIGINT] != HANDOVER_HANDLER) continue;
    struct kernel_action kernel = {action->handler, action->flags, action->restorer, action->mask};
    if (CALL4(rt_sigaction, action->signal, &kernel, 0, 8) < 0) return false;
  }
  return true;
}

static void set_break(const struct handover *handover) {

  uint64_t variable = handover->context.break_variable;
  if (variable) *(volatile uint64_t *)variable = (uint64_t)CALL1(brk, 0);
}

__attribute__((noreturn)) static void go_on(const struct handover *handover) {
  const struct snapshot_context *context = &handover->context;
  __asm__ volatile("ldmxcsr %0\n fldcw %1" : : "m"(context->mxcsr), "m"(context->x87_control));
  __asm__ volatile(
      "mov %c[rbx](%%rdi), %%rbx\n"
      "mov %c[rbp](%%rdi), %%rbp\n"
      "mov %c[r12](%%rdi), %%r12\n"
      "mov %c[r13](%%rdi), %%r13\n"
      "mov %c[r14](%%rdi), %%r14\n"
      "mov %c[r15](%%rdi), %%r15\n"
      "mov %c[rsp](%%rdi), %%rsp\n"
      "jmp *%c[rip](%%rdi)\n"
      :
      : "D"(context), "a"(handover), [rbx] "i"(offsetof(struct snapshot_context, rbx)),
        [rbp] "i"(offsetof(struct snapshot_context, rbp)), [r12] "i"(offsetof(struct snapshot_context, r12)),
        [r13] "i"(offsetof(struct snapshot_context, r13)), [r14] "i"(offsetof(struct snapshot_context, r14)),
        [r15] "i"(offsetof(struct snapshot_context, r15)), [rsp] "i"(offsetof(struct snapshot_context, rsp)),
        [rip] "i"(offsetof(struct snapshot_context, rip))
      : "memory");
  __builtin_unreachable();
}

__attribute__((used, noreturn)) static void restore(struct handover *handover) {
  enum snapshot_reject reject = SNAPSHOT_ACCEPTED;
  if (!lift_vdso(handover)) reject = SNAPSHOT_REJECT_VDSO;
  if (!reject) reject = take_over(handover);
  if (!reject && !unmap_old(handover)) reject = SNAPSHOT_REJECT_DENIED;
  if (!reject) reject = map_late(handover);
  if (!reject && !move_vdso(handover)) reject = SNAPSHOT_REJECT_VDSO;
  if (!reject) warm(handover);
  for (uint64_t i = 0; i < handover->close_count; i++) CALL1(close, handover->close[i]);
  if (!reject && CALL2(arch_prctl, ARCH_SET_FS, handover->context.fs_base) < 0) reject = SNAPSHOT_REJECT_DENIED;
  if (!reject) {
    set_thread(handover);
    set_break(handover);
    if (!set_handlers(handover)) reject = SNAPSHOT_REJECT_DENIED;
  }
  if (reject) restore_fallback(handover, reject);
  go_on(handover);
}

/* The image begins with this: %rdi is the hand-over, %rsi the end of a stack, %rdx where a fallback was decided. */
__asm__(".section .text.entry, \"ax\"\n"
        "  mov %rsi, %rsp\n"
        "  xor %ebp, %ebp\n"
        "  test %rdx, %rdx\n"
        "  jnz 1f\n"
        "  call restore\n"
        "1: mov %edx, %esi\n"
        "  call restore_refused\n"
        "  ud2\n"
        ".text\n");

__attribute__((used, noreturn)) static void restore_refused(struct handover *handover, enum snapshot_reject reject) {
  restore_fallback(handover, reject);
  __builtin_unreachable();
}
