// SPDX-License-Identifier: Apache-2.0
// Takes the place of the program's main where PYCDS_FREEZE names a file; else this library does nothing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../warm/warm.h"
#include "freeze.h"
#include "secret.h"

#define VARIABLE "PYCDS_FREEZE"
#define CPU_VARIABLE "PYCDS_FREEZE_CPU"
#define KNOWN_VARIABLE "PYCDS_FREEZE_KNOWN"
#define TUNABLES "GLIBC_TUNABLES"
/* What GLIBC_TUNABLES was before this library set it; also says that it has. */
#define TUNABLES_BEFORE "PYCDS_FREEZE_TUNABLES"
#define PRELOAD "LD_PRELOAD"
#define CONFIG_BYTES 4096
/* No process has this number: who remembers it to see a fork will see one. */
#define NO_PID 0x40000001

#define EXPORTED __attribute__((visibility("default")))

extern char **environ;
struct freeze freeze;

/* PyStatus and the functions around it: Include/cpython/initconfig.h. */
struct status {
  int type;
  const char *function, *message;
  int exit_code;
};
PYCDS_PYAPI void PyConfig_InitPythonConfig(void *config);
PYCDS_PYAPI struct status PyConfig_SetBytesArgv(void *config, Py_ssize_t count, char *const *arguments);
PYCDS_PYAPI struct status Py_InitializeFromConfig(const void *config);
PYCDS_PYAPI void PyConfig_Clear(void *config);
__attribute__((noreturn)) PYCDS_PYAPI void Py_ExitStatusException(struct status status);
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *library);

void freeze_refuse(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "pycds: this interpreter cannot be frozen: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  _exit(FREEZE_EXIT_REFUSED);
}

/* ---- interposed ---- */

EXPORTED pid_t getpid(void);
pid_t getpid(void) { return freeze.path && !freeze.shows_pid ? NO_PID : (pid_t)syscall(SYS_getpid); }

EXPORTED bool pycds_template_register(const struct template_hook *hook) {
  /* The library may lie in the preload list of a process that is not frozen. */
  if (!freeze.path) return false;
  freeze.hook = *hook;
  freeze.hooked = true;
  return true;
}

/* The first constructor of all (-z initfirst), so that this is the first handler: all others run in each process that is
 * made of the template. The C library has not been initialised yet. */
__attribute__((constructor)) static void register_handler(int count, char **arguments, char **variables) {
  (void)count;
  (void)arguments;
  for (; variables && *variables; variables++) {
    if (strncmp(*variables, VARIABLE "=", sizeof VARIABLE) == 0) __register_atfork(NULL, NULL, dump_at_fork, NULL);
  }
}

/* ---- the environment ---- */

/* Takes this library's own entry out of LD_PRELOAD. */
static void clean_preload(void) {
  Dl_info own;
  char *list = getenv(PRELOAD);
  if (!list || !dladdr((void *)pycds_template_register, &own)) return;
  char *rest = calloc(1, strlen(list) + 2), *saved = NULL;
  char *copy = strdup(list);
  if (!rest || !copy) freeze_refuse("no memory");
  for (char *word = strtok_r(copy, ": ", &saved); word; word = strtok_r(NULL, ": ", &saved)) {
    if (strcmp(word, own.dli_fname) == 0) continue;
    if (*rest) strcat(rest, ":");
    strcat(rest, word);
  }
  if (*rest)
    setenv(PRELOAD, rest, 1);
  else
    unsetenv(PRELOAD);
  free(rest);
  free(copy);
}

static enum cpu_policy policy_of(const char *name) {
  if (!name || strcmp(name, "v3") == 0) return CPU_V3;
  if (strcmp(name, "v2") == 0) return CPU_V2;
  if (strcmp(name, "native") == 0) return CPU_NATIVE;
  freeze_refuse("%s=%s: one of v2, v3, native", CPU_VARIABLE, name);
}

/* glibc reads its tunables before anything else of a process runs: it has to be started again for them. */
static void set_tunables(char **arguments) {
  const char *before = getenv(TUNABLES), *wanted = cpu_tunables(freeze.policy);
  if (!*wanted) return;
  char *value = NULL;
  if (asprintf(&value, "%s%s%s", before ? before : "", before && *before ? ":" : "", wanted) < 0 ||
      setenv(TUNABLES_BEFORE, before ? before : "", 1) != 0 || setenv(TUNABLES, value, 1) != 0)
    freeze_refuse("no memory");
  execve("/proc/self/exe", arguments, environ);
  freeze_refuse("it cannot be started again");
}

/* What is not the image's own is in no environment of a process that is made of this one. */
static void clean_environment(void) {
  const char *before = getenv(TUNABLES_BEFORE);
  if (before && *before)
    setenv(TUNABLES, before, 1);
  else if (before)
    unsetenv(TUNABLES);
  clean_preload();
  unsetenv(TUNABLES_BEFORE);
  unsetenv(CPU_VARIABLE);
  unsetenv(KNOWN_VARIABLE);
  unsetenv(VARIABLE);
  secret_configure();
  warm_configure();
}

/* ---- the start ---- */

static void open_streams(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) freeze_refuse("no /dev/null");
  }
  for (int fd = 0; fd < FREEZE_DESCRIPTORS; fd++) freeze.inherited[fd] = fcntl(fd, F_GETFD) >= 0;
}

static void reset_signals(void) {
  for (int number = 1; number <= HANDOVER_SIGNALS; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Calls a function on another stack. */
__attribute__((noreturn)) static void go_on_at(void *stack, void (*function)(void)) {
  __asm__ volatile("mov %0, %%rsp\n xor %%ebp, %%ebp\n call *%1\n ud2" : : "r"(stack), "r"(function) : "memory");
  __builtin_unreachable();
}

static int own_main(int count, char **arguments, char **variables) {
  (void)variables;
  freeze.arguments = arguments;
  freeze.policy = policy_of(getenv(CPU_VARIABLE));
  const char *known = getenv(KNOWN_VARIABLE);
  if (known) freeze.known = strdup(known);
  if (!getenv(TUNABLES_BEFORE)) set_tunables(arguments);
  clean_environment();
  open_streams();
  reset_signals();
  /* More than struct PyConfig takes in any version. */
  static _Alignas(16) char config[CONFIG_BYTES];
  PyConfig_InitPythonConfig(config);
  struct status status = PyConfig_SetBytesArgv(config, count, arguments);
  if (status.type == 0) {
    secret_begin();
    status = Py_InitializeFromConfig(config);
  }
  if (status.type != 0) Py_ExitStatusException(status);
  secret_end();
  PyConfig_Clear(config);
  memset(config, 0, sizeof config);
  freeze.stack = mmap(NULL, FREEZE_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (freeze.stack == MAP_FAILED) freeze_refuse("no memory");
  go_on_at(freeze.stack + FREEZE_STACK_BYTES - 64, freeze_template);
}

typedef int main_function(int, char **, char **);
EXPORTED int __libc_start_main(main_function *program, int count, char **arguments, void (*init)(void),
                               void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

int __libc_start_main(main_function *program, int count, char **arguments, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end) {
  int (*next)(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *) =
      (int (*)(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *))dlsym(
          RTLD_NEXT, "__libc_start_main");
  const char *path = getenv(VARIABLE);
  if (path && *path) freeze.path = strdup(path);
  return next(freeze.path ? own_main : program, count, arguments, init, fini, rtld_fini, stack_end);
}
