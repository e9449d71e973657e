// SPDX-License-Identifier: Apache-2.0
// In front of the functions that begin an interpreter: whoever loads its library later binds to these, since the
// tracer was loaded before it. In a Python that is the program itself they only pass on.
#define _GNU_SOURCE
#include "embedded.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../format/elf.h"
#include "next_symbol.h"

#define SHOWN __attribute__((visibility("default")))

enum { CLOSE_ON_EXEC = 1, CHUNK_BYTES = 4096, PATH_BYTES = 64 };

/* PyStatus, which is returned through memory. */
struct status {
  int kind;
  const char *function, *message;
  int exit_code;
};

SHOWN void watched_initialize(void) __asm__("Py_Initialize");
SHOWN void watched_initialize_ex(int) __asm__("Py_InitializeEx");
SHOWN struct status watched_initialize_from_config(const void *) __asm__("Py_InitializeFromConfig");

typedef void (*initialize_function)(void);
typedef void (*initialize_ex_function)(int);
typedef struct status (*initialize_from_config_function)(const void *);
typedef void *(*dlopen_function)(const char *, int);

static bool is_watching;
static void (*tell)(void);

void embedded_watch(void (*before)(void)) {
  is_watching = true;
  tell = before;
}

/* The loader takes a file that it has for the same library again, so the copy is a file of its own. */
static int copy_of(const char *path) {
  char chunk[CHUNK_BYTES];
  int from = open(path, O_RDONLY | O_CLOEXEC), to = (int)syscall(SYS_memfd_create, "pycds-tracer", CLOSE_ON_EXEC);
  ssize_t got = -1;
  while (from >= 0 && to >= 0 && (got = read(from, chunk, sizeof chunk)) > 0) {
    if (write(to, chunk, (size_t)got) != got) {
      got = -1;
      break;
    }
  }
  if (from >= 0) close(from);
  if (got == 0) return to;
  if (to >= 0) close(to);
  return -1;
}

/* @param function the interpreter's own, by which its library is found */
static void load_copy(void *function) {
  dlopen_function load = (dlopen_function)next_symbol("dlopen");
  int fd = load ? copy_of(pycds_loaded_image((uintptr_t)&embedded_watch).path) : -1;
  if (fd < 0) return;
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  /* Where it was loaded for one plugin alone the copy would not find it, nor would extension modules. */
  load(pycds_loaded_image((uintptr_t)function).path, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
  load(path, RTLD_NOW | RTLD_LOCAL);
  close(fd);
}

static void *begin(const char *name) {
  void *function = next_symbol(name);
  if (is_watching && function) {
    is_watching = false;
    if (tell) tell();
    load_copy(function);
  }
  return function;
}

/* An embedded interpreter runs no program of its own, which is what the tracer takes for the end of its start. */
static void end(void) {
  initialize_function started = (initialize_function)next_symbol("pycds_tracer_started");
  if (started) started();
}

void watched_initialize(void) {
  ((initialize_function)begin("Py_Initialize"))();
  end();
}

void watched_initialize_ex(int signals) {
  ((initialize_ex_function)begin("Py_InitializeEx"))(signals);
  end();
}

struct status watched_initialize_from_config(const void *config) {
  struct status status = ((initialize_from_config_function)begin("Py_InitializeFromConfig"))(config);
  if (status.kind == 0) end();
  return status;
}
