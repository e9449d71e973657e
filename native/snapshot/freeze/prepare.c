// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../config.h"
#include "../listing.h"
#include "../maps.h"
#include "../status.h"
#include "../warm/warm.h"
#include "freeze.h"
#include "stamps.h"

#define ARCH_SHSTK_STATUS 0x5005
/* Smaller than what the allocator asks the kernel for by itself, and many of them are more than it may hold free. */
#define CHUNK_BYTES 100000
#define CHUNKS 1000

PYCDS_PYAPI PyObject *PyObject_Str(PyObject *);
PYCDS_PYAPI Py_ssize_t PyGC_Collect(void);
PYCDS_PYAPI int PySequence_Contains(PyObject *, PyObject *);
PYCDS_PYAPI PyObject *PyCapsule_New(void *, const char *name, void (*)(PyObject *));
PYCDS_PYAPI void *PyCapsule_GetPointer(PyObject *, const char *name);
PYCDS_PYAPI void PyOS_BeforeFork(void);
PYCDS_PYAPI void PyOS_AfterFork_Parent(void);
PYCDS_PYAPI void PyOS_AfterFork_Child(void);

__asm__(".section .rodata\n"
        ".global resume_source\n"
        "resume_source:\n"
        ".incbin \"" RESUME_PY "\"\n"
        ".byte 0\n"
        ".previous\n");
extern __attribute__((visibility("hidden"))) const char resume_source[];

/* Of Debian and Ubuntu: looks for a module that reports crashes, which is a witness of its own by the search path. */
static const char apport[] = "try:\n    import apport_python_hook\nexcept ImportError:\n    pass\nelse:\n"
                             "    apport_python_hook.install()";

static void must(const void *result) {
  if (result) return;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  PyObject *text = value ? PyObject_Str(value) : NULL;
  Py_ssize_t length;
  const char *bytes = text ? PyUnicode_AsUTF8AndSize(text, &length) : NULL;
  freeze_refuse("%s", bytes ? bytes : "an unknown error of Python");
}

static void add_stamps(PyObject *paths) {
  for (Py_ssize_t i = 0; i < PyList_Size(paths); i++) {
    Py_ssize_t length;
    const char *path = PyUnicode_AsUTF8AndSize(PyList_GetItem(paths, i), &length);
    must(path);
    const struct snapshot_stamp *stamp = stamps_add(path);
    if (stamp->kind != SNAPSHOT_DIRECTORY) continue;
    uint64_t names;
    freeze.hook.calls.list(path);
    if (!listing_digest(path, &names, NULL) || names != stamp->bytes) freeze_refuse("%s has changed", path);
  }
}

/* ---- the interpreter ---- */

/* Those of a start have none, where it says so. */
static void look_for_buffers(PyObject *globals) {
  if (freeze.hook.key.buffering == SNAPSHOT_UNBUFFERED) return;
  PyObject *held = PyObject_CallFunctionObjArgs(PyDict_GetItemString(globals, "holds_buffers"), NULL);
  must(held);
  if (held == &_Py_TrueStruct) freeze.hook.key.buffering = SNAPSHOT_BUFFERS_HELD;
  Py_DecRef(held);
}

/* Writes out what these streams have, at the time at which the interpreter destroys what is left. */
static void flush_streams(PyObject *capsule) {
  PyObject *streams = PyCapsule_GetPointer(capsule, NULL);
  for (Py_ssize_t i = 0; i < PyList_Size(streams); i++) {
    PyObject *flush = PyObject_GetAttrString(PyList_GetItem(streams, i), "flush");
    PyObject *done = flush ? PyObject_CallFunctionObjArgs(flush, NULL) : NULL;
    if (done) Py_DecRef(done);
    if (flush) Py_DecRef(flush);
    PyErr_Clear(); /* it may be closed, as one that is destroyed */
  }
  Py_DecRef(streams);
}

/* The program may have put something else in the place of a stream, which is flushed instead. */
static void flush_at_end(PyObject *globals) {
  PyObject *streams = PyObject_CallFunctionObjArgs(PyDict_GetItemString(globals, "held_streams"), NULL);
  must(streams);
  if (PyList_Size(streams) == 0) {
    Py_DecRef(streams);
    return;
  }
  PyObject *capsule = PyCapsule_New(streams, NULL, flush_streams);
  must(capsule);
  PyDict_SetItemString(PyInterpreterState_GetDict(PyInterpreterState_Get()), "_pycds_streams", capsule);
  Py_DecRef(capsule);
}

void prepare_interpreter(void) {
  PyObject *code = Py_CompileString(resume_source, "<pycds>", Py_file_input);
  must(code);
  PyObject *globals = PyDict_New();
  PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins());
  PyObject *ran = PyEval_EvalCode(code, globals, globals);
  must(ran);
  PyObject *prepare = PyDict_GetItemString(globals, "prepare");
  PyObject *known = PyTuple_New(1);
  PyTuple_SetItem(known, 0, PyUnicode_FromStringAndSize(apport, sizeof apport - 1));
  const char *line_known = freeze.known ? freeze.known : "";
  PyObject *line = PyUnicode_DecodeUTF8(line_known, (Py_ssize_t)strlen(line_known), NULL);
  PyObject *paths = PyObject_CallFunctionObjArgs(prepare, known, line, NULL);
  must(paths);
  add_stamps(paths);
  stamps_add_of_libraries();
  look_for_buffers(globals);
  flush_at_end(globals);
  freeze.resume = PyDict_GetItemString(globals, "resume");
  Py_IncRef(freeze.resume);
  PyDict_DelItemString(globals, "prepare");
  PyDict_DelItemString(globals, "holds_buffers");
  PyDict_DelItemString(globals, "held_streams");
  PyObject *all[] = {code, ran, known, line, paths, globals};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) Py_DecRef(all[i]);
  PyGC_Collect();
}

/* Whether the user's own directory is on its path: that would have to be compared without Python. */
static bool has_user_site(void) {
  PyObject *site = PyDict_GetItemString(PyImport_GetModuleDict(), "site");
  PyObject *directory = site ? PyObject_GetAttrString(site, "USER_SITE") : NULL;
  PyObject *path = PySys_GetObject("path");
  bool has = !directory || !path || (directory != &_Py_NoneStruct && PySequence_Contains(path, directory) != 0);
  if (directory) Py_DecRef(directory);
  PyErr_Clear();
  return has;
}

/* Whether it was started with options that decide about more than its streams: those of a start are not read without Python. */
static bool has_options(void) {
  const struct config_list *words = config_member(config_current(), CONFIG_orig_argv);
  for (intptr_t i = 1; words && i < words->count; i++) {
    const wchar_t *word = words->items[i];
    if (*word != '-' || wcscmp(word, L"-c") == 0 || wcscmp(word, L"-m") == 0) return false;
    if (wcscmp(word, L"-u") != 0) return true;
  }
  return false;
}

/* The program that may be replaced before it is started, where what it would have come to can be known. */
static void take_executable(void) {
  PyObject *executable = PySys_GetObject("executable");
  Py_ssize_t length = 0;
  const char *path = executable ? PyUnicode_AsUTF8AndSize(executable, &length) : NULL;
  PyErr_Clear();
  if (path && *path == '/' && strlen(path) == (size_t)length && !has_user_site() && !has_options())
    freeze.scratch->header.executable = scratch_string(freeze.scratch, path, (uint64_t)length);
}

/* Each process gets variables of its own; what the template's were is no business of whoever reads the snapshot. One that
 * something else holds as well stays, and so does the one that site has made paths of. */
void prepare_variables(void) {
  PyObject *posix = PyDict_GetItemString(PyImport_GetModuleDict(), "posix"), *name, *value;
  PyObject *variables = posix ? PyObject_GetAttrString(posix, "environ") : NULL;
  PyObject *count_of = PySys_GetObject("getrefcount");
  Py_ssize_t at = 0, length;
  while (variables && count_of && PyDict_Next(variables, &at, &name, &value)) {
    char *bytes;
    if (PyBytes_AsStringAndSize(name, &bytes, &length) != 0 || strcmp(bytes, "HOME") == 0) continue;
    PyObject *count = PyObject_CallFunctionObjArgs(count_of, value, NULL);
    /* The dictionary, and the argument. */
    bool is_only = count && PyLong_AsLong(count) <= 2;
    if (count) Py_DecRef(count);
    if (is_only && PyBytes_AsStringAndSize(value, &bytes, &length) == 0) memset(bytes, 0, (size_t)length);
  }
  if (variables) Py_DecRef(variables);
  PyErr_Clear();
}

/* ---- memory ---- */

/* One that was preloaded may keep what a process that goes on must draw or look at anew: secrets, processors. This library
 * is the first that is preloaded, and behind it is not the program, whose own address for the function tells nothing. */
static bool has_foreign_allocator(void) {
  Dl_info allocator, library;
  void *next = dlsym(RTLD_NEXT, "malloc"), *known = dlsym(RTLD_NEXT, "gnu_get_libc_version");
  return !next || !known || !dladdr(next, &allocator) || !dladdr(known, &library) ||
         allocator.dli_fbase != library.dli_fbase;
}

/* A process that is made of this one may have its break elsewhere, and an allocator that expects it to go on where it
 * ended would take that for damage. Once the break could not be moved it expects nothing any more. */
void prepare_memory(void) {
  if (has_foreign_allocator()) freeze_refuse("its allocator is not glibc's");
  static void *chunks[CHUNKS];
  uint64_t end = ((uint64_t)(uintptr_t)sbrk(0) + SNAPSHOT_PAGE - 1) / SNAPSHOT_PAGE * SNAPSHOT_PAGE;
  void *guard = mmap((void *)(uintptr_t)end, SNAPSHOT_PAGE, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
  if (guard != (void *)(uintptr_t)end) freeze_refuse("the memory behind its heap is in use");
  freeze.guard = end;
  malloc_trim(0);
  int count = 0;
  bool elsewhere = false;
  while (count < CHUNKS && !elsewhere) {
    chunks[count] = malloc(CHUNK_BYTES);
    elsewhere = (uint64_t)(uintptr_t)chunks[count++] > end;
  }
  for (int i = 0; i < count; i++) free(chunks[i]);
  if (!elsewhere) freeze_refuse("its allocator goes on at an end of the heap that is in use");
}

/* ---- what is refused ---- */

static void refuse_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  if (!directory) freeze_refuse("/proc/self/fd cannot be read");
  for (struct dirent *entry; (entry = readdir(directory));) {
    int fd = atoi(entry->d_name);
    if (entry->d_name[0] == '.' || fd == dirfd(directory)) continue;
    if (fd >= FREEZE_DESCRIPTORS || !freeze.inherited[fd]) freeze_refuse("descriptor %d was opened by its start", fd);
  }
  closedir(directory);
}

static void refuse_threads(void) {
  struct stat status;
  if (!status_of_path("/proc/self/task", &status) || status.st_nlink != 3)
    freeze_refuse("its start has left a thread behind");
}

struct kernel_action {
  uint64_t handler, flags, restorer, mask;
};

static void take_signals(void) {
  unsigned used = 0;
  for (int number = 1; number <= HANDOVER_SIGNALS; number++) {
    struct kernel_action action;
    if (syscall(SYS_rt_sigaction, number, NULL, &action, 8) != 0) freeze_refuse("its signals cannot be read");
    if (action.handler <= 1) continue;
    /* The C library's own are there from its first thread on. */
    bool is_internal = number >= FREEZE_INTERNAL_FIRST && number <= FREEZE_INTERNAL_LAST;
    if (number != SIGINT && !is_internal) freeze_refuse("signal %d has a handler", number);
    freeze.context.actions[used++] =
        (struct snapshot_action){(uint64_t)number, action.handler, action.flags, action.restorer, action.mask};
  }
  stack_t stack;
  if (sigaltstack(NULL, &stack) != 0 || !(stack.ss_flags & SS_DISABLE))
    freeze_refuse("signals have a stack of their own");
}

/* Fields 26, 27, 45 and 46 of /proc/self/stat. */
static void take_accounts(void) {
  char stat[4096];
  if (maps_read("/proc/self/stat", stat, sizeof stat) < 0) freeze_refuse("/proc/self/stat cannot be read");
  uint64_t fields[64] = {0};
  char *at = strrchr(stat, ')');
  for (int field = 3; at && field < 64; field++) {
    at = strchr(at + 1, ' ');
    if (at) fields[field] = strtoull(at + 1, NULL, 10);
  }
  freeze.accounts.start_code = fields[26];
  freeze.accounts.end_code = fields[27];
  freeze.accounts.start_data = fields[45];
  freeze.accounts.end_data = fields[46];
  freeze.context.break_start = fields[47];
}

static void refuse_process(void) {
  uint64_t shadow_stack = 0;
  if (syscall(SYS_arch_prctl, ARCH_SHSTK_STATUS, &shadow_stack) == 0 && (shadow_stack & 1))
    freeze_refuse("it has a shadow stack");
  if (getauxval(AT_SECURE)) freeze_refuse("it runs with another user's rights");
  if (syscall(SYS_getpid) == 1) freeze_refuse("it is process 1");
}

/* ---- all together ---- */

static void wait_for(pid_t child, const char *written) {
  int status;
  while (waitpid(child, &status, 0) < 0) continue;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    unlink(written);
    if (WIFEXITED(status) && WEXITSTATUS(status) == FREEZE_EXIT_REFUSED) _exit(FREEZE_EXIT_REFUSED);
    freeze_refuse("the dump ended with status %d", status);
  }
}

void freeze_template(void) {
  refuse_process();
  if (!freeze.hooked) freeze_refuse("the hook did not run: PYCDS_ARCHIVE must be set, and the layer be in place");
  if (!freeze.hook.complete) freeze_refuse("the hook was not run by site, or this version of CPython is not known");
  const char *unfit = config_unfit(config_current());
  if (unfit) freeze_refuse("it was started with the option %s", unfit);
  freeze.scratch = mmap((void *)(uintptr_t)FREEZE_SCRATCH, FREEZE_SCRATCH_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
  if (freeze.scratch != (void *)(uintptr_t)FREEZE_SCRATCH) freeze_refuse("no memory");
  _Static_assert(sizeof *freeze.scratch <= FREEZE_SCRATCH_BYTES, "scratch");
  warm_import();
  prepare_interpreter();
  take_executable();
  prepare_variables();
  warm_finish();
  refuse_descriptors();
  refuse_threads();
  take_signals();
  take_accounts();
  freeze.scratch->header.cpu = cpu_read(freeze.policy);
  freeze.scratch->header.key = freeze.hook.key;
  memcpy(freeze.scratch->header.variables, freeze.hook.variables, sizeof freeze.hook.variables);
  freeze.scratch->header.hexversion = (uint32_t)Py_Version;
  prepare_memory();
  relocate_stack();
  relocate_vdso();
  freeze.dumping = true;
  PyOS_BeforeFork();
  pid_t child = fork();
  if (child < 0) freeze_refuse("it cannot fork");
  if (child == 0) {
    /* Here is where a process that was replaced goes on. */
    PyOS_AfterFork_Child();
    resume_program();
  }
  freeze.dumping = false;
  PyOS_AfterFork_Parent();
  wait_for(child, freeze.path);
  freeze_seal(freeze.path);
  freeze_warm(freeze.path);
  freeze_seal(freeze.path);
  _exit(0);
}
