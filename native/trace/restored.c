// SPDX-License-Identifier: Apache-2.0
// The loader of glibc reads /etc/ld.so.preload whatever the environment says, also for a program with file capabilities.
// So the tracer gets into processes whose environment an init has cleared, or whose LD_PRELOAD an entrypoint has set;
// what a run tells it by variables then lies beside it, in lines of NAME=VALUE.
#define _GNU_SOURCE
#include "restored.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "../format/elf.h"

enum { TEXT_BYTES = 4096 };

static struct {
  const char *reason; /* what hides this process from LD_PRELOAD, in a word; NULL: nothing does */
  const char *tracer; /* path of this library */
  int folder_length;  /* of the directory in that */
} restored;

/* Length of the text; -1 when there is none. */
static ssize_t read_text(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t length = read(fd, text, size - 1);
  close(fd);
  if (length >= 0) text[length] = 0;
  return length;
}

/* Sets the variables of the lines that are missing; whether one was. */
static bool restore(char *lines) {
  bool is_missing = false;
  for (char *rest = lines, *line; (line = strsep(&rest, "\n"));) {
    char *value = strchr(line, '=');
    if (!value) continue;
    *value++ = 0;
    if (getenv(line)) continue;
    is_missing = true;
    setenv(line, value, 0);
  }
  return is_missing;
}

void restored_begin(void) {
  char path[TEXT_BYTES], lines[TEXT_BYTES];
  restored.tracer = pycds_loaded_image((uintptr_t)&restored_begin).path;
  const char *name = restored.tracer ? strrchr(restored.tracer, '/') : NULL;
  if (!name) return;
  restored.folder_length = (int)(name - restored.tracer);
  snprintf(path, sizeof path, "%.*s/environment", restored.folder_length, restored.tracer);
  if (read_text(path, lines, sizeof lines) < 0) return;
  /* Nobody hides what is asked not to be traced, as a health check is. */
  const char *directory = getenv("PYCDS_TRACE_DIR");
  if (directory && !*directory) return;
  bool is_cleared = restore(lines);
  const char *preload = getenv("LD_PRELOAD");
  if (getauxval(AT_SECURE))
    restored.reason = "secure";
  else if (is_cleared)
    restored.reason = "cleared";
  else if (!preload || !strstr(preload, restored.tracer))
    restored.reason = "replaced";
}

void restored_note(void) {
  char executable[TEXT_BYTES], path[TEXT_BYTES];
  if (!restored.reason) return;
  ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
  if (length < 0) length = 0;
  executable[length] = 0;
  snprintf(path, sizeof path, "%.*s/runlog/%d.unseen", restored.folder_length, restored.tracer, (int)getpid());
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return;
  dprintf(fd, "%s %s", restored.reason, executable); /* the run goes on without the note */
  close(fd);
}
