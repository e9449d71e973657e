// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "thaw.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../clock.h"
#include "../cpu.h"
#include "../status.h"
#include "build.h"
#include "program.h"

#define TEXT_BYTES (UINT64_C(1) << 20)
#define RSEQ_SIGNATURE 0x53053053u
#define RSEQ_UNREGISTER 1
#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#endif

/* Of glibc 2.35 and later. */
__attribute__((weak)) extern const ptrdiff_t __rseq_offset;
__attribute__((weak)) extern const unsigned int __rseq_size;

/* ---- the file ---- */

struct opened {
  int fd;
  void *meta; /* SNAPSHOT_META_BYTES */
  struct snapshot snapshot;
};

static void close_snapshot(struct opened *opened) {
  if (opened->fd >= 0) close(opened->fd);
  if (opened->meta != MAP_FAILED) munmap(opened->meta, SNAPSHOT_META_BYTES);
}

static enum snapshot_reject open_snapshot(const char *path, struct opened *opened) {
  opened->meta = MAP_FAILED;
  opened->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat status;
  if (opened->fd < 0 || !status_of_descriptor(opened->fd, &status) || !S_ISREG(status.st_mode))
    return SNAPSHOT_REJECT_MISSING;
  if (status.st_mode & (S_IWGRP | S_IWOTH)) return SNAPSHOT_REJECT_WRITABLE;
  /* A copy: the file may change after it was checked. */
  opened->meta = mmap(NULL, SNAPSHOT_META_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (opened->meta == MAP_FAILED) return SNAPSHOT_REJECT_MEMORY;
  /* What follows the lists is a hole, so the first pages say how much there is to read. */
  size_t bytes = SNAPSHOT_PAGE;
  ssize_t got = pread(opened->fd, opened->meta, bytes, 0);
  const struct snapshot_header *header = opened->meta;
  if (got == (ssize_t)bytes && header->meta_bytes > bytes && header->meta_bytes <= SNAPSHOT_META_BYTES) {
    bytes = header->meta_bytes;
    got = pread(opened->fd, opened->meta, bytes, 0);
  }
  if (got < 0) return SNAPSHOT_REJECT_MISSING;
  return snapshot_read(opened->meta, (uint64_t)got, (uint64_t)status.st_size, &opened->snapshot);
}

static enum snapshot_reject check_version(const struct snapshot *snapshot) {
  return &Py_Version && Py_Version == snapshot->header->hexversion ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_PYTHON_VERSION;
}

/* ---- restartable sequences ---- */

/* Whether this kernel fills in all that the frozen C library expects. The first kernels, which do not say, fill in 20
 * bytes; glibc before 2.40 speaks of 20 or 32 and uses no more. */
static bool has_rseq_features(const struct snapshot *snapshot) {
  uint32_t features = (uint32_t)getauxval(AT_RSEQ_FEATURE_SIZE), needed = snapshot->header->context.rseq_features;
  return needed == 20 || needed == 32 || needed <= features;
}

/* The kernel wants to hear the length that the area was registered with, which glibc has chosen in different ways. */
static enum snapshot_reject give_up_rseq(uint32_t *bytes) {
  *bytes = 0;
  if (!&__rseq_offset || !&__rseq_size || __rseq_size == 0) return SNAPSHOT_ACCEPTED;
  char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
  uint32_t feature = (uint32_t)getauxval(AT_RSEQ_FEATURE_SIZE);
  uint32_t lengths[] = {32, __rseq_size, feature, (feature + 31) / 32 * 32, (__rseq_size + 31) / 32 * 32};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    if (lengths[i] < 20 || syscall(SYS_rseq, area, lengths[i], RSEQ_UNREGISTER, RSEQ_SIGNATURE) != 0) continue;
    *bytes = lengths[i];
    return SNAPSHOT_ACCEPTED;
  }
  /* cpu_id: negative where the registration has failed, and nothing would be written. */
  return *(volatile int32_t *)(area + 4) < 0 ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_RSEQ;
}

static void take_rseq_back(uint32_t bytes) {
  if (bytes) syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, bytes, 0, RSEQ_SIGNATURE);
}

/* ---- streams ---- */

static bool flush(const char *name) {
  PyObject *stream = PySys_GetObject(name);
  if (!stream || stream == &_Py_NoneStruct) return true;
  PyObject *method = PyObject_GetAttrString(stream, "flush");
  PyObject *result = method ? PyObject_CallFunctionObjArgs(method, NULL) : NULL;
  if (method) Py_DecRef(method);
  if (result) Py_DecRef(result);
  PyErr_Clear();
  return result != NULL;
}

/* ---- leaving ---- */

/* From here on signals wait. Returns only when there is no way forward, and then none waits any more. */
static enum snapshot_reject leave(struct handover *handover, double began) {
  uint64_t all = ~UINT64_C(0);
  if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &handover->mask, sizeof all) != 0) return SNAPSHOT_REJECT_DENIED;
  enum snapshot_reject reject = PyErr_CheckSignals() == 0 ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_INTERRUPTED;
  uint32_t rseq_bytes = 0;
  if (!reject) reject = give_up_rseq(&rseq_bytes);
  handover->began = began;
  if (!reject) handover_leave(handover);
  take_rseq_back(rseq_bytes);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &handover->mask, NULL, sizeof handover->mask);
  return reject;
}

static enum snapshot_reject replace(struct opened *opened, const struct process *process, const struct key_site *site,
                                    double began) {
  static struct placement placement;
  struct rlimit limit;
  uint64_t stack = getrlimit(RLIMIT_STACK, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
  placement.fd = opened->fd;
  enum snapshot_reject reject = place_regions(&placement, &opened->snapshot, process, stack);
  if (reject) return reject;
  reject = place_vdso(&placement, &opened->snapshot, process);
  struct handover *handover = NULL;
  if (!reject) handover = handover_build(&opened->snapshot, &placement, process, site, &reject);
  if (handover) {
    reject = leave(handover, began);
    handover_discard(handover);
  }
  place_undo(&placement, &opened->snapshot);
  return reject;
}

/* See thaw_about. */
static char differing[256];

static enum snapshot_reject check_interpreter(const struct opened *opened, struct key_site *site) {
  struct snapshot_key key;
  if (!key_at_start(site) || !key_take(&key)) return SNAPSHOT_REJECT_NOT_AT_START;
  enum snapshot_reject reject = key_compare(&key, &opened->snapshot.header->key);
  if (reject == SNAPSHOT_REJECT_ENVIRONMENT &&
      !key_differing_variable(opened->snapshot.header->variables, differing, sizeof differing))
    *differing = 0;
  return reject;
}

static enum snapshot_reject check_process(const struct opened *opened, struct process *process, char *text) {
  enum snapshot_reject reject = process_look(process, text, TEXT_BYTES);
  if (!reject) reject = process_check(process, &opened->snapshot);
  const char *changed = NULL;
  if (!reject) reject = stamps_check(&opened->snapshot, &changed);
  if (changed) snprintf(differing, sizeof differing, "%s", changed);
  return reject;
}

static enum snapshot_reject try_snapshot(const char *path, double began) {
  if (getauxval(AT_SECURE)) return SNAPSHOT_REJECT_SECURE;
  struct opened opened;
  struct process process;
  struct key_site site;
  char *text = MAP_FAILED;
  enum snapshot_reject reject = open_snapshot(path, &opened);
  if (!reject) reject = check_version(&opened.snapshot);
  if (!reject) reject = program_check(&opened.snapshot);
  if (!reject) reject = cpu_check(&opened.snapshot.header->cpu);
  if (!reject) reject = check_interpreter(&opened, &site);
  if (!reject) {
    text = mmap(NULL, TEXT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (text == MAP_FAILED) reject = SNAPSHOT_REJECT_MEMORY;
  }
  if (!reject) {
    fflush(NULL);
    if (!flush("stdout") || !flush("stderr")) reject = SNAPSHOT_REJECT_DENIED;
  }

  if (!reject) reject = check_process(&opened, &process, text);
  if (!reject && !has_rseq_features(&opened.snapshot)) reject = SNAPSHOT_REJECT_RSEQ;
  if (!reject) reject = replace(&opened, &process, &site, began);
  if (text != MAP_FAILED) munmap(text, TEXT_BYTES);
  close_snapshot(&opened);
  return reject;
}

/* ---- finding it ---- */

/* Given by an earlier start of this program, which had gone too far to go back in any other way. */
static enum snapshot_reject refused_before(void) {
  const char *value = getenv(HANDOVER_VARIABLE);
  if (!value) return SNAPSHOT_ACCEPTED;
  char code[HANDOVER_VARIABLE_BYTES];
  snprintf(code, sizeof code, "%s", value);
  char *comm = strchr(code, ':');
  if (comm) {
    *comm++ = 0;
    /* It was started by another name. */
    prctl(PR_SET_NAME, comm);
  }
  enum snapshot_reject reject = snapshot_reject_of(code);
  return reject ? reject : SNAPSHOT_REJECT_REFUSED_AFTER;
}

/* The variable is nothing of the program's. */
static void forget_variable(void) {
  unsetenv(HANDOVER_VARIABLE);
  PyObject *posix = PyDict_GetItemString(PyImport_GetModuleDict(), "posix");
  PyObject *variables = posix ? PyObject_GetAttrString(posix, "environ") : NULL;
  PyObject *name = PyBytes_FromStringAndSize(HANDOVER_VARIABLE, sizeof HANDOVER_VARIABLE - 1);
  if (variables && name) PyDict_DelItem(variables, name);
  if (variables) Py_DecRef(variables);
  if (name) Py_DecRef(name);
  PyErr_Clear();
}

/* Not for a sub-interpreter, whose start runs site in the midst of a program; and never twice. */
static bool is_first(void) {
  static bool tried;
  bool first = !tried && PyInterpreterState_GetID(PyInterpreterState_Get()) == 0;
  tried = true;
  return first;
}

enum snapshot_reject thaw(const char **path) {
  double began = clock_milliseconds();
  if (!is_first()) {
    *path = NULL;
    return SNAPSHOT_ACCEPTED;
  }
  enum snapshot_reject reject = refused_before();
  if (reject) {
    forget_variable();
    return reject;
  }
  if (!*path) return SNAPSHOT_ACCEPTED;
  return strcmp(*path, "off") == 0 ? SNAPSHOT_REJECT_OFF : try_snapshot(*path, began);
}

const char *thaw_about(void) { return *differing ? differing : NULL; }

bool thaw_is_template(PyObject *self, const struct template_calls *calls) {
  if (!pycds_template_register) return false;
  struct template_hook hook = {.self = self, .calls = *calls};
  struct key_site site;
  hook.complete = key_at_start(&site) && key_take(&hook.key);
  key_take_variables(hook.variables);
  return pycds_template_register(&hook);
}
