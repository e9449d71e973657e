// SPDX-License-Identifier: Apache-2.0
// Goes on as the program that was started: on the kernel's own stack, with that program's words, variables, streams and
// signals; then as Python's own main does.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../clock.h"
#include "../config.h"
#include "../maps.h"
#include "freeze.h"

/* What glibc gives a thread where the stack has no limit, and the least that it takes. */
#define THREAD_STACK_BYTES (UINT64_C(2) << 20)
#define THREAD_STACK_LEAST (UINT64_C(16) << 10)
extern char **environ;
__attribute__((weak)) extern void *__libc_stack_end;
PYCDS_PYAPI int Py_RunMain(void);
/* Deprecated since CPython 3.12. */
__attribute__((weak)) extern int Py_UnbufferedStdioFlag;

__attribute__((noreturn)) static void fall_back(void) {
  void (*restore)(struct handover *, uint64_t stack, enum snapshot_reject) =
      (void (*)(struct handover *, uint64_t, enum snapshot_reject))(uintptr_t)HANDOVER_CODE;
  restore(freeze.handover, HANDOVER_STACK + HANDOVER_STACK_BYTES - 64, SNAPSHOT_REJECT_REFUSED_AFTER);
  __builtin_unreachable();
}

static void must(bool succeeded) {
  if (!succeeded) fall_back();
}

/* ---- the C library ---- */

/* The guard values of stack frames are drawn anew; the first byte stays 0, so that no text runs over it. No frame that
 * was entered with the old one is ever left. */
static void set_canary(uint64_t random) {
  uint64_t canary = random & ~UINT64_C(0xff);
  __asm__ volatile("mov %0, %%fs:0x28" : : "r"(canary) : "memory");
}

static void set_stack_end(uint64_t end) {
  if (!&__libc_stack_end) return;
  uint64_t page = (uint64_t)(uintptr_t)&__libc_stack_end / SNAPSHOT_PAGE * SNAPSHOT_PAGE;
  if (mprotect((void *)(uintptr_t)page, SNAPSHOT_PAGE, PROT_READ | PROT_WRITE) != 0) fall_back();
  __libc_stack_end = (void *)(uintptr_t)end;
  mprotect((void *)(uintptr_t)page, SNAPSHOT_PAGE, PROT_READ);
}

/* What differs between processes that are otherwise alike. */
static void set_auxiliary(const uint64_t *values) {
  static const uint64_t types[] = HANDOVER_AUXILIARY_TYPES;
  for (uint64_t *entry = freeze.auxiliary; entry[0] != AT_NULL; entry += 2) {
    for (int i = 0; i < HANDOVER_AUXILIARY; i++) {
      if (entry[0] == types[i]) entry[1] = values[i];
    }
  }
}

/* glibc takes the stack's limit for the size of threads' stacks, once. */
static void set_thread_stacks(uint64_t limit) {
  uint64_t bytes = limit == RLIM_INFINITY       ? THREAD_STACK_BYTES
                   : limit < THREAD_STACK_LEAST ? THREAD_STACK_LEAST
                                                : limit;
  bytes = (bytes + SNAPSHOT_PAGE - 1) / SNAPSHOT_PAGE * SNAPSHOT_PAGE;
  pthread_attr_t attributes;
  size_t now;
  if (pthread_getattr_default_np(&attributes) != 0) return;
  if (pthread_attr_getstacksize(&attributes, &now) == 0 && now != bytes &&
      pthread_attr_setstacksize(&attributes, bytes) == 0)
    pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

static void set_environment(const struct handover *handover) {
  uint64_t bytes = (handover->variable_count + 1) * sizeof(char *);
  for (uint64_t i = 0; i < handover->variable_count; i++) bytes += strlen(handover->environment[i]) + 1;
  char **variables = malloc(bytes);
  must(variables != NULL);
  char *text = (char *)(variables + handover->variable_count + 1);
  for (uint64_t i = 0; i < handover->variable_count; i++) {
    variables[i] = text;
    text = stpcpy(text, handover->environment[i]) + 1;
  }
  variables[handover->variable_count] = NULL;
  environ = variables;
}

/* Numbers of /proc/self/stat: man proc. */
enum stat_field { START_STACK = 28, ARG_START = 48, ARG_END = 49, ENV_START = 50, ENV_END = 51 };

static uint64_t field_of(const char *stat, int number) {
  const char *at = strrchr(stat, ')');
  for (int field = 2; at && field < number; field++) at = strchr(at + 1, ' ');
  return at ? strtoull(at + 1, NULL, 10) : 0;
}

/* The kernel's own accounts of where things are: debuggers ask for them, and the heap grows where it was. Where that is
 * denied they stay as they were; the allocator was told not to rely on the break. */
static void set_accounts(void) {
  const struct snapshot_context *context = &freeze.handover->context;
  char stat[4096];
  if (maps_read("/proc/self/stat", stat, sizeof stat) < 0 || !context->break_variable) return;
  uint64_t *entry = freeze.auxiliary;
  while (entry[0] != AT_NULL) entry += 2;
  struct handover_accounts accounts = freeze.handover->accounts;
  if (!accounts.arg_start)
    accounts = (struct handover_accounts){field_of(stat, ARG_START), field_of(stat, ARG_END), field_of(stat, ENV_START),
                                          field_of(stat, ENV_END)};
  struct prctl_mm_map map = {
      .start_code = freeze.accounts.start_code,
      .end_code = freeze.accounts.end_code,
      .start_data = freeze.accounts.start_data,
      .end_data = freeze.accounts.end_data,
      .start_brk = context->break_start,
      .brk = context->break_end,
      .start_stack = field_of(stat, START_STACK),
      .arg_start = accounts.arg_start,
      .arg_end = accounts.arg_end,
      .env_start = accounts.env_start,
      .env_end = accounts.env_end,
      .auxv = (__u64 *)freeze.auxiliary,
      .auxv_size = (__u32)((entry + 2 - freeze.auxiliary) * (intptr_t)sizeof *entry),
      .exe_fd = (__u32)-1,
  };
  if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) != 0) return;
  *(void **)(uintptr_t)context->break_variable = (void *)syscall(SYS_brk, 0);
}

/* As the C library finds it in the first word. */
static void set_program_name(char *first) {
  char *name = strdup(first);
  must(name != NULL);
  char *slash = strrchr(name, '/');
  program_invocation_name = name;
  program_invocation_short_name = slash ? slash + 1 : name;
}

/* ---- the interpreter ---- */

static wchar_t *copy_text(const wchar_t *text) {
  if (!text) return NULL;
  size_t bytes = (wcslen(text) + 1) * sizeof *text;
  wchar_t *copy = PyMem_RawMalloc(bytes);
  must(copy != NULL);
  return memcpy(copy, text, bytes);
}

static void set_text(void *config, enum config_member member, const wchar_t *text) {
  wchar_t **place = config_member(config, member);
  must(place != NULL);
  PyMem_RawFree(*place);
  *place = copy_text(text);
}

static void set_words(void *config, enum config_member member, const struct handover_list *words) {
  struct config_list *place = config_member(config, member);
  must(place != NULL);
  for (intptr_t i = 0; i < place->count; i++) PyMem_RawFree(place->items[i]);
  PyMem_RawFree(place->items);
  place->items = PyMem_RawMalloc((words->count + 1) * sizeof *place->items);
  must(place->items != NULL);
  for (uint64_t i = 0; i < words->count; i++) place->items[i] = copy_text(words->items[i]);
  place->count = (intptr_t)words->count;
}

/* Of the C library's streams, nothing of which has been used; Python's are made by `resume`. */
static void set_buffering(bool unbuffered) {
  int *buffered = config_member(config_current(), CONFIG_buffered_stdio);
  must(buffered != NULL);
  if (!*buffered || !unbuffered) return;
  *buffered = 0;
  if (&Py_UnbufferedStdioFlag) Py_UnbufferedStdioFlag = 1;
  FILE *const streams[] = {stdin, stdout, stderr};
  for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) setvbuf(streams[i], NULL, _IONBF, 0);
}

/* What Python's main will look at. */
static void set_configuration(const struct handover *handover) {
  void *config = config_current();
  must(config != NULL);
  set_words(config, CONFIG_orig_argv, &handover->arguments_all);
  set_words(config, CONFIG_argv, &handover->arguments_own);
  set_text(config, CONFIG_program_name, handover->program_name);
  set_text(config, CONFIG_run_command, handover->run_command);
  set_text(config, CONFIG_run_module, handover->run_module);
  set_text(config, CONFIG_run_filename, handover->run_filename);
  set_buffering(handover->unbuffered);
}

static PyObject *words_object(const struct handover_list *words) {
  PyObject *list = PyList_New(0);
  must(list != NULL);
  for (uint64_t i = 0; i < words->count; i++) {
    PyObject *word = PyUnicode_FromWideChar(words->items[i], -1);
    if (!word || PyList_Append(list, word) != 0) fall_back();
    Py_DecRef(word);
  }
  return list;
}

static PyObject *variables_object(char *const *variables) {
  PyObject *list = PyList_New(0);
  must(list != NULL);
  for (; *variables; variables++) {
    const char *sign = strchr(*variables, '=');
    if (!sign) continue;
    PyObject *pair = PyTuple_New(2);
    must(pair != NULL);
    PyTuple_SetItem(pair, 0, PyBytes_FromStringAndSize(*variables, sign - *variables));
    PyTuple_SetItem(pair, 1, PyBytes_FromStringAndSize(sign + 1, (Py_ssize_t)strlen(sign + 1)));
    if (PyList_Append(list, pair) != 0) fall_back();
    Py_DecRef(pair);
  }
  return list;
}

static PyObject *flags_object(const uint8_t *flags, int count) {
  PyObject *list = PyList_New(0);
  must(list != NULL);
  for (int i = 0; i < count; i++) PyList_Append(list, flags[i] ? &_Py_TrueStruct : &_Py_FalseStruct);
  return list;
}

/* What the template's interpreter has set up itself. */
static uint8_t template_disposition(int number) {
  if (number == SIGINT) return HANDOVER_HANDLER;
  return number == SIGPIPE || number == SIGXFSZ ? HANDOVER_IGNORED : HANDOVER_DEFAULT;
}

static PyObject *dispositions_object(const struct handover *handover) {
  PyObject *list = PyList_New(0);
  must(list != NULL);
  for (int number = 1; number <= HANDOVER_SIGNALS; number++) {
    uint8_t disposition = handover->dispositions[number];
    if (disposition == template_disposition(number) || disposition == HANDOVER_HANDLER) continue;
    if (number >= FREEZE_INTERNAL_FIRST && number <= FREEZE_INTERNAL_LAST) continue;
    PyObject *pair = PyTuple_New(2);
    must(pair != NULL);
    PyTuple_SetItem(pair, 0, PyLong_FromLong(number));
    PyTuple_SetItem(pair, 1, PyLong_FromLong(disposition == HANDOVER_IGNORED));
    if (PyList_Append(list, pair) != 0) fall_back();
    Py_DecRef(pair);
  }
  return list;
}

static void call_resume(const struct handover *handover) {
  PyObject *arguments[] = {
      words_object(&handover->arguments_own),  words_object(&handover->arguments_all),
      variables_object(handover->environment), flags_object(handover->closed, 3),
      dispositions_object(handover),           PyLong_FromLong(handover->unbuffered),
  };
  PyObject *done = PyObject_CallFunctionObjArgs(freeze.resume, arguments[0], arguments[1], arguments[2], arguments[3],
                                                arguments[4], arguments[5], NULL);
  must(done != NULL);
  Py_DecRef(done);
  for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) Py_DecRef(arguments[i]);
  Py_DecRef(freeze.resume);
  freeze.resume = NULL;
}

/* ---- the program ---- */

/* From here on there is no way back, and no need of one. */
static void discard_handover(void) {
  struct handover *handover = freeze.handover;
  munmap((void *)(uintptr_t)HANDOVER_CODE, handover->code_bytes);
  munmap((void *)(uintptr_t)HANDOVER_STACK, HANDOVER_STACK_BYTES);
  munmap(handover, handover->bytes);
}

__attribute__((noreturn, used)) static void resume_on_stack(void) {
  const struct handover *handover = freeze.handover;
  set_canary(handover->random[0]);
  munmap(freeze.stack, FREEZE_STACK_BYTES);
  set_stack_end(handover->stack_end);
  set_auxiliary(handover->auxiliary);
  set_accounts();
  set_thread_stacks(handover->stack_limit);
  set_program_name(handover->arguments[0]);
  set_environment(handover);
  set_configuration(handover);
  call_resume(handover);
  double took = clock_milliseconds() - handover->began;
  uint64_t mask = handover->mask;
  bool at_once = handover->accounts.arg_start != 0;
  for (uint64_t i = 0; i < handover->listing_count; i++) {
    const struct handover_listing *listing = &handover->listings[i];
    freeze.hook.calls.listed(listing->path, listing->inode, listing->seconds, listing->nanoseconds);
  }
  discard_handover();
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
  freeze.hook.calls.run(freeze.hook.self, took, at_once);
  exit(Py_RunMain());
}

void resume_program(void) {
  uint64_t stack = (freeze.handover->stack_end - 256) & ~UINT64_C(15);
  __asm__ volatile("mov %0, %%rsp\n xor %%ebp, %%ebp\n call resume_on_stack\n ud2" : : "r"(stack) : "memory");
  __builtin_unreachable();
}
