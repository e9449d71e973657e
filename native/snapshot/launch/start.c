// SPDX-License-Identifier: Apache-2.0
// Starts in the snapshot at once: what the words would start is looked at, and where all that the hook would compare can be
// known without Python, the snapshot takes this process's place. In all other cases, and whenever in doubt, nothing is done.
#define _GNU_SOURCE
#include <alloca.h>
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
#include <unistd.h>

#include "../../format/places.h"
#include "../buffering.h"
#include "../clock.h"
#include "../cpu.h"
#include "../environment.h"
#include "../locate.h"
#include "../status.h"
#include "../thaw/ahead.h"
#include "../thaw/open.h"
#include "../thaw/replace.h"
#include "../thaw/sequences.h"
#include "block.h"
#include "start.h"
#include "words.h"

/* Of what is put on the stack; more words than that are started as ever. */
#define BLOCK_BYTES_MOST (UINT64_C(128) << 10)
/* What must be left of the stack. */
#define STACK_BYTES (UINT64_C(2) << 20)
/* As much as a Python that has just started has, and what it needs to go on. */
#define ROOM_BYTES (UINT64_C(128) << 20)

/* What Python sets where the locale is C, so that programs that it starts use UTF-8 as well: PEP 538. */
#define COERCED_LOCALE "C.UTF-8"
#define COERCED "LC_CTYPE=" COERCED_LOCALE

#define SHIPPED_ARCHIVE PYCDS_FOLDER "/" PYCDS_ARCHIVE_NAME

extern char **environ;

/* ---- the environment ---- */

static bool is_off(const char *variable) {
  const char *value = getenv(variable);
  return value && strcmp(value, "off") == 0;
}

static const char *named_archive(void) {
  const char *archive = getenv("PYCDS_ARCHIVE");
  return archive ? archive : SHIPPED_ARCHIVE;
}

static enum snapshot_reject find_snapshot(const char **path) {
  const char *archive = named_archive();
  if (is_off("PYCDS") || *archive != '/' || getenv("PYCDS_LEARN") || getenv(HANDOVER_VARIABLE))
    return SNAPSHOT_REJECT_OFF;
  *path = snapshot_locate(archive, false);
  if (!*path) return is_off("PYCDS_SNAPSHOT") ? SNAPSHOT_REJECT_OFF : SNAPSHOT_REJECT_MISSING;
  return **path == '/' ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_OFF;
}

/* Python completes each with the working directory. */
static bool has_relative_path(void) {
  const char *entry = getenv("PYTHONPATH");
  while (entry && *entry) {
    if (*entry != '/') return true;
    entry += strcspn(entry, ":");
    if (*entry) entry++;
    if (!*entry && entry[-1] == ':') return true;
  }
  return false;
}

static bool is_c_locale(void) {
  const char *language = getenv("LANG");
  return !getenv("LC_ALL") && !getenv("LC_CTYPE") && !getenv("PYTHONCOERCECLOCALE") &&
         (!language || !*language || strcmp(language, "C") == 0 || strcmp(language, "POSIX") == 0);
}

/* `coerced`: Python would set LC_CTYPE. */
static bool is_environment(const struct snapshot *snapshot, bool *coerced) {
  uint64_t here = environment_digest(), frozen = snapshot->header->key.environment;
  /* Together with that, Python goes into the mode of UTF-8, which a variable that was set by hand does not do. */
  bool was_coerced = snapshot->header->key.utf8_mode == 1 && !getenv("PYTHONUTF8");
  const char *locale = getenv("LC_CTYPE");
  *coerced = was_coerced && is_c_locale() && here + environment_digest_of(COERCED) == frozen;
  if (*coerced) return true;
  return here == frozen && !(was_coerced && locale && strcmp(locale, COERCED_LOCALE) == 0);
}

static bool is_unbuffered(const struct launched *launched) {
  const char *value = getenv("PYTHONUNBUFFERED");
  return launched->unbuffered || (value && *value);
}

static bool are_buffers(const struct snapshot *snapshot, const struct launched *launched) {
  return buffering_fits(is_unbuffered(launched) ? SNAPSHOT_UNBUFFERED : SNAPSHOT_BUFFERED,
                        snapshot->header->key.buffering);
}

/* site.ENABLE_USER_SITE, in a key. */
#define USER_SITE_ENABLED 1

/* A template has no user site directory on its path (freeze/prepare.c), so there must be none. */
static bool has_user_site(const struct snapshot *snapshot) {
  if (snapshot->header->key.user_site != USER_SITE_ENABLED) return false;
  const char *home = getenv("HOME");
  char path[PATH_MAX];
  struct stat status;
  unsigned version = snapshot->header->hexversion;
  if (!home || *home != '/' || getenv("PYTHONUSERBASE")) return true;
  int length =
      snprintf(path, sizeof path, "%s/.local/lib/python%u.%u/site-packages", home, version >> 24, version >> 16 & 0xff);
  return length >= (int)sizeof path || status_of_path(path, &status) || errno != ENOENT;
}

static char **with_coerced(void) {
  size_t count = 0;
  while (environ[count]) count++;
  char **variables = calloc(count + 2, sizeof *variables);
  if (!variables) return NULL;
  memcpy(variables, environ, count * sizeof *variables);
  variables[count] = (char *)COERCED;
  return variables;
}

/* ---- what Python would make of the process ---- */

static bool are_streams(bool closed[3]) {
  for (int fd = 0; fd < 3; fd++) {
    struct stat status;
    closed[fd] = !status_of_descriptor(fd, &status);
    /* Python does not start with that. */
    if (!closed[fd] && S_ISDIR(status.st_mode)) return false;
  }
  return true;
}

static const int ignored[] = {SIGPIPE, SIGXFSZ};

/* Those that Python's start changes; restore/ sets its handler. */
static void set_dispositions(uint8_t *dispositions) {
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
    dispositions[ignored[i]] = HANDOVER_IGNORED;
    signal(ignored[i], SIG_IGN);
  }
  if (dispositions[SIGINT] == HANDOVER_DEFAULT) dispositions[SIGINT] = HANDOVER_HANDLER;
}

static void set_dispositions_back(const uint8_t *before) {
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
    signal(ignored[i], before[ignored[i]] == HANDOVER_IGNORED ? SIG_IGN : SIG_DFL);
}

static wchar_t *widen(const char *text) {
  size_t bytes = strlen(text) + 1;
  wchar_t *wide = malloc(bytes * sizeof *wide);
  for (size_t i = 0; wide && i < bytes; i++) wide[i] = (wchar_t)text[i];
  return wide;
}

static bool widen_all(char *const *texts, struct handover_list *list) {
  size_t count = 0;
  while (texts[count]) count++;
  *list = (struct handover_list){count, calloc(count + 1, sizeof(wchar_t *))};
  for (size_t i = 0; list->items && i < count; i++) {
    list->items[i] = widen(texts[i]);
    if (!list->items[i]) return false;
  }
  return list->items != NULL;
}

static bool tell(const struct launched *launched, char **words, bool coerced, const bool closed[3],
                 struct started *started) {
  *started = (struct started){.program = launched->file,
                              .arguments = words,
                              .variables = environ,
                              .environment = coerced ? with_coerced() : environ,
                              .unbuffered = is_unbuffered(launched),
                              .descriptor = -1};
  const wchar_t *main_program =
      widen(launched->program.kind == SNAPSHOT_SCRIPT ? launched->path : launched->program.text);
  if (launched->program.kind == SNAPSHOT_COMMAND) started->run_command = main_program;
  if (launched->program.kind == SNAPSHOT_MODULE) started->run_module = main_program;
  if (launched->program.kind == SNAPSHOT_SCRIPT) started->run_filename = main_program;
  started->program_name = widen(launched->arguments[0]);
  memcpy(started->closed, closed, sizeof started->closed);
  return started->environment && main_program && started->program_name &&
         widen_all(launched->arguments, &started->all) && widen_all(launched->own, &started->own);
}

/* ---- deciding ---- */

static bool is_executable(const struct snapshot *snapshot, const struct launched *launched) {
  const char *executable = snapshot->strings + snapshot->header->executable;
  char *path = realpath(launched->executable, NULL);
  bool is = path && *executable && strcmp(launched->executable, executable) == 0 &&
            strcmp(path, snapshot->strings + snapshot->files[0].path) == 0;
  free(path);
  return is;
}

static bool is_known(const struct snapshot *snapshot, const struct launched *launched) {
  return snapshot->header->programs.count == 0 || program_find(snapshot, &launched->program) != NULL;
}

static bool is_preloaded(void) {
  struct stat status;
  return status_of_path("/etc/ld.so.preload", &status) || errno != ENOENT;
}

/* A Python that has started has room for itself beside the snapshot, or does not take it. */
static bool is_limited(const struct snapshot *snapshot) {
  static const int resources[] = {RLIMIT_AS, RLIMIT_DATA};
  uint64_t needed = ROOM_BYTES;
  for (uint32_t i = 0; i < snapshot->header->regions.count; i++) needed += snapshot->regions[i].bytes;
  for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
    struct rlimit limit;
    if (getrlimit(resources[i], &limit) != 0 || (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < needed))
      return true;
  }
  return false;
}

/* Whether a program has as good as all of the stack that it may have, when it begins below such a block. */
static bool is_deep_enough(const struct process *process, size_t bytes) {
  struct rlimit limit;
  uint64_t used = process->stack.end - (uint64_t)(uintptr_t)__builtin_frame_address(0) + bytes;
  return getrlimit(RLIMIT_STACK, &limit) == 0 &&
         (limit.rlim_cur == RLIM_INFINITY || used + STACK_BYTES < limit.rlim_cur);
}

static const uint64_t *auxiliary_values(void) {
  char **end = environ;
  while (*end) end++;
  return (const uint64_t *)(end + 1);
}

/* Its frame holds what the new program finds at the end of its stack. */
static enum snapshot_reject replace_by(const struct opened *opened, struct process *process, struct started *started,
                                       const struct launched *launched, double began) {
  const uint64_t *values = auxiliary_values();
  size_t bytes = block_bytes(launched->arguments, environ, values, launched->execfn);
  if (bytes > BLOCK_BYTES_MOST || !is_deep_enough(process, bytes)) return SNAPSHOT_REJECT_MEMORY;
  struct block block = block_make(alloca(bytes), launched->arguments, environ, values, launched->execfn);
  process->stack_end = block.start;
  started->accounts = block.accounts;
  started->execfn = block.execfn;
  return replace(opened, process, started, began);
}

/* What the hook would compare. */
static enum snapshot_reject check(const struct snapshot *snapshot, const struct launched *launched, bool *coerced) {
  if (!is_executable(snapshot, launched)) return SNAPSHOT_REJECT_ENTRYPOINT;
  if (!is_known(snapshot, launched)) return SNAPSHOT_REJECT_OTHER_PROGRAM;
  if (!is_environment(snapshot, coerced)) return SNAPSHOT_REJECT_ENVIRONMENT;
  if (!are_buffers(snapshot, launched)) return SNAPSHOT_REJECT_CONFIGURATION;
  if (has_user_site(snapshot) || has_relative_path()) return SNAPSHOT_REJECT_SEARCH_PATH;
  if (is_limited(snapshot)) return SNAPSHOT_REJECT_MEMORY;
  if (is_preloaded()) return SNAPSHOT_REJECT_OBJECTS;
  enum snapshot_reject reject = cpu_check(&snapshot->header->cpu);
  if (!reject && !sequences_fit(snapshot)) reject = SNAPSHOT_REJECT_RSEQ;
  return reject;
}

static enum snapshot_reject launch(const struct opened *opened, const struct launched *launched, char **words,
                                   const bool closed[3], double began) {
  struct process process;
  struct started started;
  bool coerced;
  enum snapshot_reject reject = check(&opened->snapshot, launched, &coerced);
  if (reject) return reject;
  ahead_start(opened);
  char *text = mmap(NULL, PROCESS_TEXT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (text == MAP_FAILED) return SNAPSHOT_REJECT_MEMORY;
  const char *changed;
  reject = process_look(&process, text, PROCESS_TEXT_BYTES);
  if (!reject) reject = stamps_check(&opened->snapshot, &process, &changed);
  if (reject) return reject;
  if (!tell(launched, words, coerced, closed, &started)) return SNAPSHOT_REJECT_CONFIGURATION;
  uint8_t before[sizeof process.dispositions];
  memcpy(before, process.dispositions, sizeof before);
  set_dispositions(process.dispositions);
  snprintf(process.comm, sizeof process.comm, "%s", launched->comm);
  prctl(PR_SET_NAME, process.comm);
  reject = replace_by(opened, &process, &started, launched, began);
  set_dispositions_back(before);
  return reject;
}

enum snapshot_reject start_at_once(char **words) {
  static struct launched launched;
  double began = clock_milliseconds();
  const char *path;
  struct opened opened;
  enum snapshot_reject reject = find_snapshot(&path);
  if (reject) return reject;
  if (getauxval(AT_SECURE)) return SNAPSHOT_REJECT_SECURE;
  /* Before anything is opened in their place. */
  bool closed[3];
  if (!are_streams(closed)) return SNAPSHOT_REJECT_CONFIGURATION;
  if (!words_read(words, &launched)) return SNAPSHOT_REJECT_ENTRYPOINT;
  reject = snapshot_open(path, &opened);
  if (!reject) reject = launch(&opened, &launched, words, closed, began);
  snapshot_close(&opened);
  return reject;
}

const char *start_python(void) {
  static char python[PATH_MAX];
  const char *archive = named_archive();
  struct opened opened;
  const char *path = snapshot_locate(*archive == '/' ? archive : SHIPPED_ARCHIVE, false);
  if (!path || *path != '/' || snapshot_open(path, &opened)) return NULL;
  const char *executable = opened.snapshot.strings + opened.snapshot.header->executable;
  int length = snprintf(python, sizeof python, "%s", executable);
  snapshot_close(&opened);
  return *python == '/' && length < (int)sizeof python ? python : NULL;
}
