// SPDX-License-Identifier: Apache-2.0
// Loaded with LD_PRELOAD, or by /etc/ld.so.preload, into every process of a training container. In a process that is
// no CPython it does nothing. In one that is, an audit hook, set before the interpreter
// starts, waits for the moment at which importing works and then runs tracer.py inside
// the interpreter: no privilege, no ptrace, and -I, -E and -S do not hide a process.
// With PYCDS_TIME_DIR it only takes the time of imports, for measured runs.
#define _GNU_SOURCE
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../cpython/pending.h"
#include "../cpython/times.h"
#include "../format/elf.h"
#include "connections.h"
#include "embedded.h"
#include "hidden.h"
#include "restored.h"
#include "sources.h"

#define TEXT_BYTES 4096
#define HASH_SEED "PYTHONHASHSEED"
#define OWN_HASH_SEED "1"
/* Nobody imports so much before `site`. */
#define EARLY_IMPORTS 30

__asm__(".section .rodata\n"
        ".global tracer_source\n"
        "tracer_source:\n"
        ".incbin \"" KINDS_PY "\"\n"
        ".incbin \"" TRACER_PY "\"\n"
        ".byte 0\n"
        ".previous\n");
extern __attribute__((visibility("hidden"))) const char tracer_source[];

static struct {
  const char *trace_directory;
  struct times *times;
  pid_t times_owner;
  bool injected;
  int early;         /* imports before that */
  PyObject *started; /* tracer.py's function for the end of the interpreter's start */
  PyObject *read;    /* tracer.py's codes that have not run, by address */
  PyObject *ran;     /* and its function for those that run */
} tracer;

static int64_t read_clock(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t now(void) { return read_clock(CLOCK_MONOTONIC); }

/* ---- measured runs ---- */

extern char **environ;
__attribute__((weak)) extern const char *gnu_get_libc_version(void);

/* Takes this library's own entry out of a list of libraries. */
static void leave_preload(void) {
  Dl_info own;
  char *list = getenv("LD_PRELOAD"), *saved = NULL;
  char *copy = list ? strdup(list) : NULL, *rest = list ? calloc(1, strlen(list) + 2) : NULL;
  if (!copy || !rest || !dladdr((void *)leave_preload, &own)) return;
  for (char *word = strtok_r(copy, ": ", &saved); word; word = strtok_r(NULL, ": ", &saved)) {
    if (strcmp(word, own.dli_fname) == 0) continue;
    if (*rest) strcat(rest, ":");
    strcat(rest, word);
  }
  if (*rest)
    setenv("LD_PRELOAD", rest, 1);
  else
    unsetenv("LD_PRELOAD");
}

/* Starts the process again, without this library. `path`: of its clock. Returns where that cannot be. */
static void hand_over(const char *path, char **arguments) {
  /* Only glibc gives a constructor the words of the program. */
  if (!getenv(TIMES_HANDOVER) || getenv(TIMES_FILE) || !gnu_get_libc_version) return;
  if (setenv(TIMES_FILE, path, 1) != 0) return;
  leave_preload();
  unsetenv(TIMES_HANDOVER);
  unsetenv(TIMES_DIRECTORY);
  execve("/proc/self/exe", arguments, environ);
}

static void start_times(const char *directory, char **arguments) {
  char path[TEXT_BYTES];
  snprintf(path, sizeof path, "%s/%d-%lld.time", directory, (int)getpid(), (long long)now());
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return;
  struct times start = {.version = TIMES_FORMAT, .started = now()};
  if (write(fd, &start, sizeof start) == (ssize_t)sizeof start) {
    void *memory = mmap(NULL, sizeof start, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory != MAP_FAILED) tracer.times = memory;
  }
  tracer.times_owner = getpid();
  close(fd);
  if (tracer.times) hand_over(path, arguments);
}

static int on_timed_event(const char *event, PyObject *args, void *data) {
  (void)args;
  (void)data;
  if (!tracer.times || getpid() != tracer.times_owner) return 0;
  if (strcmp(event, "import") == 0) {
    tracer.times->imports++;
    tracer.times->last_import = now();
    tracer.times->processor = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  } else if (strcmp(event, "socket.bind") == 0) {
    tracer.times->bound = now();
  }
  return 0;
}

__attribute__((destructor)) static void finish_times(void) {
  if (tracer.times && getpid() == tracer.times_owner) tracer.times->finished = now();
}

/* ---- training runs ---- */

static void set_text(PyObject *namespace, const char *name, const char *value) {
  PyObject *text = PyUnicode_DecodeUTF8(value, (Py_ssize_t)strlen(value), "surrogateescape");
  if (text) {
    PyDict_SetItemString(namespace, name, text);
    Py_DecRef(text);
  }
}

static void describe_library(PyObject *namespace) {
  struct pycds_loaded library = pycds_loaded_image((uintptr_t)&Py_GetVersion);
  char hex[2 * PYCDS_IDENTITY_BYTES + 1] = "";
  for (size_t i = 0; i < library.identity.length; i++) {
    snprintf(hex + 2 * i, 3, "%02x", library.identity.bytes[i]);
  }
  /* glibc gives the program no name, musl gives it what it was started by. */
  set_text(namespace, "LIBRARY", library.before > 0 ? library.path : "");
  set_text(namespace, "IDENTITY", hex);
}

/* Whether a template has to have what a variable says. */
static bool is_told(const char *variable) {
#define PREFIX(start)                                                                                                  \
  if (strncmp(variable, start, sizeof start - 1) == 0) return true;
#define NAME(name)                                                                                                     \
  if (strncmp(variable, name "=", sizeof name) == 0) return true;
#define SET(name)
#define KEPT(name) NAME(name)
#define STREAMS(name) NAME(name)
#include "../cpython/environment.def"
#undef STREAMS
#undef KEPT
#undef PREFIX
#undef NAME
#undef SET
  return false;
}

/* As the process was started: a program may change its own for those that it forks. */
static void describe_environment(PyObject *namespace) {
  PyObject *list = PyList_New(0);
  if (!list) return;
  for (char **entry = environ; entry && *entry; entry++) {
    /* Also from a process that was traced before this one. */
    if (!is_told(*entry) || strcmp(*entry, HASH_SEED "=" OWN_HASH_SEED) == 0) continue;
    PyObject *text = PyUnicode_DecodeUTF8(*entry, (Py_ssize_t)strlen(*entry), "surrogateescape");
    if (!text) break;
    PyList_Append(list, text);
    Py_DecRef(text);
  }
  PyDict_SetItemString(namespace, "VARIABLES", list);
  Py_DecRef(list);
}

static void inject(void) {
  struct pending pending = pending_take();
  PyObject *namespace = PyDict_New();
  PyObject *code = Py_CompileString(tracer_source, "<pycds tracer>", Py_file_input);
  if (namespace && code) {
    PyDict_SetItemString(namespace, "__builtins__", PyEval_GetBuiltins());
    set_text(namespace, "DIRECTORY", tracer.trace_directory);
    describe_library(namespace);
    describe_environment(namespace);
    PyObject *result = PyEval_EvalCode(code, namespace, namespace);
    if (result) {
      Py_DecRef(result);
      sources_start(namespace);
    }
    tracer.started = PyDict_GetItemString(namespace, "started");
    if (tracer.started) Py_IncRef(tracer.started);
    tracer.read = PyDict_GetItemString(namespace, "read");
    tracer.ran = PyDict_GetItemString(namespace, "ran");
    if (tracer.read) Py_IncRef(tracer.read);
    if (tracer.ran) Py_IncRef(tracer.ran);
  }
  if (code) Py_DecRef(code);
  pending_restore(pending);
}

static void call_started(void) {
  struct pending pending = pending_take();
  PyObject *function = tracer.started;
  tracer.started = NULL;
  PyObject *result = PyObject_CallFunctionObjArgs(function, NULL);
  if (result) Py_DecRef(result);
  Py_DecRef(function);
  pending_restore(pending);
}

/* Each module's code, and much other code, is run by exec. */
static void call_ran(PyObject *args) {
  struct pending pending = pending_take();
  PyObject *code = PyTuple_GetItem(args, 0);
  PyObject *key = code ? PyLong_FromVoidPtr(code) : NULL;
  if (key && PyDict_Contains(tracer.read, key) == 1) {
    PyObject *result = PyObject_CallFunctionObjArgs(tracer.ran, code, NULL);
    if (result) Py_DecRef(result);
  }
  if (key) Py_DecRef(key);
  pending_restore(pending);
}

/* For the copy of an embedded interpreter: whoever began it says so. */
__attribute__((visibility("default"))) void pycds_tracer_started(void);
void pycds_tracer_started(void) {
  if (tracer.started) call_started();
}

/* The program of this process; returns its length, 0 when it is not known. */
static size_t read_program(char *executable, size_t size) {
  ssize_t length = readlink("/proc/self/exe", executable, size - 1);
  if (length < 0) length = 0;
  executable[length] = 0;
  return (size_t)length;
}

/* Leaves a file that names the program of this process. The run goes on without it where that fails. */
static void note_program(const char *kind, const char *executable) {
  char path[TEXT_BYTES];
  snprintf(path, sizeof path, "%s/%d.%s", tracer.trace_directory, (int)getpid(), kind);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return;
  dprintf(fd, "%s", executable);
  close(fd);
}

/* An interpreter that goes on without `site`, as that of a frozen application does, will run no hook. */
static void count_early_import(void) {
  char executable[TEXT_BYTES];
  tracer.early++;
  if (tracer.early == EARLY_IMPORTS && read_program(executable, sizeof executable) > 0)
    note_program("nosite", executable);
}

static bool is_import_of_site(const char *event, PyObject *args) {
  if (strcmp(event, "import") != 0) return false;
  PyObject *name = PyTuple_GetItem(args, 0);
  const char *text = name ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
  if (!text) PyErr_Clear();
  return text && strcmp(text, "site") == 0;
}

/* Before `import site` of the start-up, or, under -S, before the program: everything that
 * importing needs is there, and next to nothing has been imported. */
static int on_event(const char *event, PyObject *args, void *data) {
  (void)data;
  bool runs = strncmp(event, "cpython.run_", 12) == 0;
  if (!tracer.injected && Py_IsInitialized && (runs || is_import_of_site(event, args))) {
    tracer.injected = true;
    inject();
  } else if (!tracer.injected && strcmp(event, "import") == 0) {
    count_early_import();
  }
  if (runs && tracer.started) call_started();
  if (tracer.read && tracer.ran && strcmp(event, "exec") == 0) call_ran(args);
  return 0;
}

/* A Python in which nothing can be traced is worth a sentence: PyPy, or CPython before 3.8. */
static void note_other_python(void) {
  char executable[TEXT_BYTES];
  if (!tracer.trace_directory || read_program(executable, sizeof executable) == 0) return;
  const char *name = strrchr(executable, '/');
  name = name ? name + 1 : executable;
  if (strncmp(name, "python", 6) != 0 && strncmp(name, "pypy", 4) != 0) return;
  note_program("other", executable);
}

/* Empty is for what must not be traced: whoever loads the tracer then is another one. */
static const char *directory_of(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

/* An embedded interpreter is about to begin. */
static void before_embedded(void) {
  hidden_begin();
  restored_note();
}

__attribute__((constructor)) static void start(int count, char **arguments) {
  (void)count;
  restored_begin();
  const char *time_directory = directory_of(TIMES_DIRECTORY);
  tracer.trace_directory = directory_of("PYCDS_TRACE_DIR");
  if (tracer.trace_directory) connections_watch(tracer.trace_directory);
  if (!PySys_AddAuditHook) {
    note_other_python();
    if (tracer.trace_directory || time_directory) embedded_watch(time_directory ? NULL : before_embedded);
    return;
  }
  restored_note();
  if (time_directory) {
    start_times(time_directory, arguments);
    PySys_AddAuditHook(on_timed_event, NULL);
  } else if (tracer.trace_directory) {
    /* What a program makes of sets (patterns, the order of imports) is then the same in each training run. */
    setenv(HASH_SEED, OWN_HASH_SEED, 0);
    hidden_begin();
    PySys_AddAuditHook(on_event, NULL);
  }
}
