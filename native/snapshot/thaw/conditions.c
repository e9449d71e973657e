// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "conditions.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../static/sys/text.h"
#include "../contents.h"
#include "../listing.h"
#include "../maps.h"
#include "../status.h"

#define ARCH_SHSTK_STATUS 0x5005

/* ---- looking ---- */

static bool add_part(struct process *process, const struct mapping *mapping) {
  if (process->part_count == HANDOVER_MAX_MOVES) return false;
  process->parts[process->part_count++] =
      (struct handover_move){.from = mapping->start, .bytes = mapping->end - mapping->start};
  return true;
}

static bool is_vvar(const struct mapping *mapping) {
  return maps_is(mapping, "[vvar]") || maps_is(mapping, "[vvar_vclock]");
}

/* Less than this is mapped again as fast. */
#define LEAST_KEPT (UINT64_C(64) << 10)

static void add_kept(struct process *process, const struct mapping *mapping) {
  uint64_t bytes = mapping->end - mapping->start;
  bool is_fit =
      mapping->name[0] == '/' && !mapping->shared && !(mapping->protection & PROT_WRITE) && mapping->protection;
  if (!is_fit || bytes < LEAST_KEPT || process->kept_count == PROCESS_MAX_PARTS) return;
  process->kept[process->kept_count++] = (struct process_part){
      mapping->start, bytes, mapping->offset, mapping->protection, makedev(mapping->major, mapping->minor),
      mapping->inode};
}

static bool look_at_maps(struct process *process, char *text, uint64_t bytes) {
  if (maps_read("/proc/self/maps", text, bytes) < 0) return false;
  struct mapping mapping;
  for (const char *line = text; *line;) {
    line = maps_line(line, &mapping);
    if (!line) return false;
    struct handover_range range = {mapping.start, mapping.end};
    add_kept(process, &mapping);
    if (maps_is(&mapping, "[stack]")) process->stack = range;
    if (maps_is(&mapping, "[vdso]")) {
      process->vdso = range;
      if (!add_part(process, &mapping)) return false;
    }
    if (is_vvar(&mapping)) {
      if (!process->vvar.start) process->vvar.start = mapping.start;
      process->vvar.end = mapping.end;
      if (!add_part(process, &mapping)) return false;
    }
  }
  return process->stack.start && process->vdso.start &&
         (!process->vvar.start || process->vvar.end == process->vdso.start);
}

/* A line of /proc/self/status; NULL when there is none of that name. */
static const char *status_line(const char *text, const char *name) {
  const char *line = strstr(text, name);
  return line ? line + strlen(name) : NULL;
}

/* Bit n - 1 is signal n. */
static enum snapshot_reject look_at_signals(struct process *process, const char *ignored, const char *caught) {
  uint64_t ignores = text_hex(&ignored), catches = text_hex(&caught);
  for (int signal = 1; signal <= HANDOVER_SIGNALS; signal++) {
    bool is_caught = catches >> (signal - 1) & 1, is_ignored = ignores >> (signal - 1) & 1;
    if (is_caught && signal != SIGINT) return SNAPSHOT_REJECT_SIGNALS;
    process->dispositions[signal] = is_caught ? HANDOVER_HANDLER : is_ignored ? HANDOVER_IGNORED : HANDOVER_DEFAULT;
  }
  stack_t stack;
  if (sigaltstack(NULL, &stack) != 0 || !(stack.ss_flags & SS_DISABLE)) return SNAPSHOT_REJECT_SIGNALS;
  return SNAPSHOT_ACCEPTED;
}

/* Tracer, threads and signals, from /proc/self/status. */
static enum snapshot_reject look_at_status(struct process *process, char *text, uint64_t bytes) {
  if (maps_read("/proc/self/status", text, bytes) < 0) return SNAPSHOT_REJECT_PROC;
  const char *tracer = status_line(text, "\nTracerPid:\t"), *threads = status_line(text, "\nThreads:\t");
  const char *ignored = status_line(text, "\nSigIgn:\t"), *caught = status_line(text, "\nSigCgt:\t");
  if (!tracer || !threads || !ignored || !caught) return SNAPSHOT_REJECT_PROC;
  if (!text_begins(tracer, "0\n")) return SNAPSHOT_REJECT_TRACED;
  if (!text_begins(threads, "1\n")) return SNAPSHOT_REJECT_THREADS;
  return look_at_signals(process, ignored, caught);
}

enum snapshot_reject process_look(struct process *process, char *text, uint64_t text_bytes) {
  memset(process, 0, sizeof *process);
  uint64_t shadow_stack = 0;
  if (syscall(SYS_arch_prctl, ARCH_SHSTK_STATUS, &shadow_stack) == 0 && (shadow_stack & 1))
    return SNAPSHOT_REJECT_SHADOW_STACK;

  enum snapshot_reject reject = look_at_status(process, text, text_bytes);
  if (!reject && !look_at_maps(process, text, text_bytes)) reject = SNAPSHOT_REJECT_PROC;
  if (reject) return reject;
  long length = maps_read("/proc/self/cmdline", text, text_bytes);
  if (length <= 0 || text[length - 1] != 0) return SNAPSHOT_REJECT_PROC;
  process->command_line = text;
  process->command_line_bytes = (uint64_t)length;
  prctl(PR_GET_NAME, process->comm);
  return SNAPSHOT_ACCEPTED;
}

/* ---- judging ---- */

static bool has_names(const char *path, uint64_t names, struct process *process) {
  uint64_t digest;
  struct stat status;
  bool is_known = process->has_listed && process->has_listed(path, &digest, &status) && digest == names;
  if (!is_known && (!listing_digest(path, &digest, &status) || digest != names)) return false;
  if (process->listing_count < HANDOVER_MAX_LISTINGS)
    process->listings[process->listing_count++] =
        (struct handover_listing){path, status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  return true;
}

static bool has_digest(const char *path, const struct snapshot_stamp *stamp, struct process *process) {
  uint64_t digest;
  if (stamp->kind == SNAPSHOT_DIRECTORY) return has_names(path, stamp->bytes, process);
  if (stamp->kind == SNAPSHOT_CONTENTS) return contents_digest(path, &digest) && digest == stamp->bytes;
  return contents_loader_digest(SNAPSHOT_LOADER_CACHE, path, &digest) && digest == stamp->bytes;
}

static bool is_unchanged(const struct snapshot *snapshot, const struct snapshot_stamp *stamp, struct process *process) {
  if (stamp->kind > SNAPSHOT_SOURCE) return has_digest(snapshot->strings + stamp->path, stamp, process);
  struct stat now;
  bool exists = status_of_path(snapshot->strings + stamp->path, &now);
  if (stamp->kind == SNAPSHOT_ABSENT) return !exists;
  return exists && S_ISREG(now.st_mode) && (uint64_t)now.st_size == stamp->bytes && now.st_mtim.tv_sec == stamp->mtime;
}

enum snapshot_reject stamps_check(const struct snapshot *snapshot, struct process *process, const char **changed) {
  for (uint32_t i = 0; i < snapshot->header->stamps.count; i++) {
    const struct snapshot_stamp *stamp = &snapshot->stamps[i];
    if (is_unchanged(snapshot, stamp, process)) continue;
    *changed = stamp->kind == SNAPSHOT_LOADER ? SNAPSHOT_LOADER_CACHE : snapshot->strings + stamp->path;
    return SNAPSHOT_REJECT_SOURCE_CHANGED;
  }
  return SNAPSHOT_ACCEPTED;
}
