// SPDX-License-Identifier: Apache-2.0
// What importlib reads from bytecode files the helper reads there, too: the process that is watched would have to
// marshal it again. It takes only the very file that was there when the module was imported.
#define _GNU_SOURCE
#include "compose.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../format/archive_write.h"
#include "../format/hash.h"
#include "../static/sys/syscalls.h"
#include "../static/sys/text.h"
#include "bytecode.h"
#include "records.h"
#include "source_hash.h"

#if defined __x86_64__
#define OWN_MACHINE 62
#else
#define OWN_MACHINE 183
#endif
#define MAX_BYTECODE_BYTES ((size_t)16 * 1024 * 1024)
#define MAX_SOURCE_BYTES ((uint64_t)16 * 1024 * 1024)

static const char INFO[] = "{\"learned\":true,\"leftOut\":[]}";

static void put_record(struct pycds_buffer *out, const char *kind, const void *fields, size_t count) {
  char head[RECORD_HEAD_BYTES];
  const struct record_field *all = fields;
  pycds_buffer_put(out, head, record_head(head, kind, all, count));
  for (size_t i = 0; i < count; i++) pycds_buffer_put(out, all[i].bytes, all[i].length);
}

/* ---- files of records ---- */

void learn_seal(struct pycds_buffer *log) {
  char digits[TEXT_HEX_DIGITS];
  if (log->failed) return;
  text_put_hex(digits, pycds_hash(log->bytes, log->length));
  struct record_whole whole = {.hash = {digits, sizeof digits}};
  put_record(log, "whole", &whole, RECORD_FIELDS(whole));
}

size_t learn_sealed(const uint8_t *bytes, size_t length) {
  static const char head[] = "whole 16\n";
  char digits[TEXT_HEX_DIGITS];
  const size_t seal = sizeof head - 1 + TEXT_HEX_DIGITS;
  if (length < seal) return 0;
  const size_t records = length - seal;
  text_put_hex(digits, pycds_hash(bytes, records));
  bool same = memcmp(bytes + records, head, sizeof head - 1) == 0 &&
              memcmp(bytes + records + sizeof head - 1, digits, sizeof digits) == 0;
  return same ? records : 0;
}

/* ---- reading ---- */

/* A log, the modules and the cached results that have been found in it. */
struct work {
  const struct learn_task *task;
  const uint8_t *at, *end;
  struct record_process process;
  struct pycds_module *modules;
  size_t count, capacity, modules_seen;
  struct pycds_caches caches;
  struct learn_files *out;
  struct record_field bytecode; /* of the module that comes next */
  struct pycds_fresh fresh;     /* from the sample, when there was one */
  bool sampled;
  uint64_t *known; /* sums of the records so far, a table of as many as `places`, a power of two */
  size_t places, records;
};

static struct pycds_text text_of(struct record_field field) { return (struct pycds_text){field.bytes, field.length}; }

static bool is_hex(const struct record_field *field, const uint8_t *bytes, size_t count) {
  const char *digits = field->bytes;
  if (field->length != 2 * count) return false;
  for (size_t i = 0; i < count; i++) {
    if (digits[2 * i] != "0123456789abcdef"[bytes[i] >> 4] || digits[2 * i + 1] != "0123456789abcdef"[bytes[i] & 15])
      return false;
  }
  return true;
}

/* Whether the records are of this interpreter: their code would be garbage in any other. */
static bool is_own(const struct work *w) {
  const struct learn_task *task = w->task;
  int64_t hexversion, optimize;
  return record_number(&w->process.hexversion, &hexversion) && record_number(&w->process.optimize, &optimize) &&
         hexversion == task->hexversion && optimize == task->optimize &&
         is_hex(&w->process.identity, task->identity, task->identity_bytes) && w->process.magic.length == 4 &&
         memcmp(w->process.magic.bytes, task->magic, 4) == 0;
}

static bool read_whole(long file, uint8_t *to, size_t bytes) {
  for (size_t got = 0; got < bytes;) {
    long step = CALL3(read, file, to + got, bytes - got);
    if (step <= 0) return false;
    got += (size_t)step;
  }
  return true;
}

/* The code in the bytecode file of a module, from which the process has it; NULL when that file has gone, or is for
 * another source, which importlib may not have compared. */
static const uint8_t *read_bytecode(const struct work *w, const struct record_module *module, uint64_t source_hash,
                                    size_t *bytes) {
  char path[4096], identity[BYTECODE_IDENTITY_BYTES];
  struct stat status;
  uint8_t *content = NULL;
  if (module->cached.length == 0 || module->cached.length >= sizeof path) return NULL;
  memcpy(path, module->cached.bytes, module->cached.length);
  path[module->cached.length] = 0;
  long file = CALL4(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (file < 0) return NULL;
  if (CALL4(newfstatat, file, "", &status, AT_EMPTY_PATH) == 0 && S_ISREG(status.st_mode) &&
      (size_t)status.st_size > BYTECODE_HEAD_BYTES && (size_t)status.st_size <= MAX_BYTECODE_BYTES) {
    size_t length = bytecode_identity(&status, identity);
    bool same = length == w->bytecode.length && memcmp(identity, w->bytecode.bytes, length) == 0;
    content = same ? malloc((size_t)status.st_size) : NULL;
    if (content && !read_whole(file, content, (size_t)status.st_size)) content = NULL;
  }
  CALL1(close, file);
  int64_t mtime, size;
  bool fits = content && record_number(&module->mtime, &mtime) && record_number(&module->size, &size);
  if (fits && bytecode_is_of_hash(content, w->task->magic))
    fits = source_hash != 0 && memcmp(content + 8, &source_hash, sizeof source_hash) == 0;
  else
    fits = fits && bytecode_fits(content, w->task->magic, mtime, size);
  if (!fits) return NULL;
  *bytes = (size_t)status.st_size - BYTECODE_HEAD_BYTES;
  return content + BYTECODE_HEAD_BYTES;
}

/* What a source is known by in traces; 0 when the file is another one by now. */
static uint64_t hash_source(const struct work *w, const struct pycds_module *module) {
  char path[4096];
  struct stat status;
  uint64_t hash = 0;
  if (module->origin.length >= sizeof path || module->source_size > MAX_SOURCE_BYTES) return 0;
  memcpy(path, module->origin.bytes, module->origin.length);
  path[module->origin.length] = 0;
  long file = CALL4(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (file < 0) return 0;
  if (CALL4(newfstatat, file, "", &status, AT_EMPTY_PATH) == 0 && S_ISREG(status.st_mode) &&
      (uint64_t)status.st_size == module->source_size && status.st_mtim.tv_sec == module->source_mtime) {
    uint8_t *content = malloc((size_t)status.st_size + 1);
    if (content && read_whole(file, content, (size_t)status.st_size))
      hash = source_hash(w->task->hexversion, w->task->magic, content, (size_t)status.st_size);
    free(content);
  }
  CALL1(close, file);
  return hash;
}

static bool reserve_module(struct work *w) {
  if (w->count < w->capacity) return true;
  size_t capacity = w->capacity ? 2 * w->capacity : 512;
  struct pycds_module *grown = realloc(w->modules, capacity * sizeof *grown);
  if (!grown) return false;
  w->modules = grown;
  w->capacity = capacity;
  return true;
}

static void add_module(struct work *w, struct record_module *record) {
  int64_t mtime, size;
  struct pycds_module module = {
      .name = text_of(record->name),
      .origin = text_of(record->origin),
      .cached = text_of(record->cached),
      .entry = text_of(record->entry),
      .flags =
          record->is_package.length == 1 && *(const char *)record->is_package.bytes == '1' ? PYCDS_MODULE_PACKAGE : 0,
      .marshal = record->marshal.bytes,
      .marshal_bytes = record->marshal.length,
      .seeds = record->seeds.bytes,
      .seeds_bytes = record->seeds.length,
      .fresh = w->sampled ? &w->fresh : NULL,
  };
  if (!record_number(&record->mtime, &mtime) || !record_number(&record->size, &size)) return;
  module.source_mtime = mtime;
  module.source_size = (uint64_t)size;
  w->modules_seen++;
  module.source_hash = hash_source(w, &module);
  if (module.marshal_bytes == 0) module.marshal = read_bytecode(w, record, module.source_hash, &module.marshal_bytes);
  if (!module.marshal || !reserve_module(w)) return;
  w->modules[w->count++] = module;
  record->marshal.length = record->seeds.length = 0;
  record->source_hash = (struct record_field){&module.source_hash, sizeof module.source_hash};
  put_record(&w->out->learned, "module", record, RECORD_FIELDS(module));
}

/* Its number of parts, with the two names of each group copied so that they end in NUL; 0: none, or they are damaged. */
static uint32_t split_names(const struct record_field *field, const char ***names, uint32_t **groups) {
  char *copy = malloc(field->length + 1);
  size_t parts = field->length > 0 ? 1 : 0;
  if (!copy) return 0;
  memcpy(copy, field->bytes, field->length);
  copy[field->length] = 0;
  for (size_t i = 0; i < field->length; i++) parts += copy[i] == 0;
  *names = malloc((parts / 2 + 1) * sizeof **names);
  *groups = malloc((parts / 2 + 1) * sizeof **groups);
  if (!*names || !*groups || parts % 2 != 0) return 0;
  const char *at = copy;
  for (size_t i = 0; i < parts / 2; i++) {
    int64_t group;
    struct record_field number = {at, strlen(at)};
    if (!record_number(&number, &group)) return 0;
    at += number.length + 1;
    (*groups)[i] = (uint32_t)group;
    (*names)[i] = at;
    at += strlen(at) + 1;
  }
  return (uint32_t)(parts / 2);
}

static void add_regex(struct work *w, const struct record_regex *record) {
  int64_t asked, flags, groups;
  const char **names = NULL;
  uint32_t *name_groups = NULL;
  if (!record_number(&record->asked, &asked) || !record_number(&record->flags, &flags) ||
      !record_number(&record->groups, &groups)) {
    return;
  }
  uint32_t count = split_names(&record->names, &names, &name_groups);
  if (count == 0 && record->names.length > 0) return;
  const struct pycds_regex_input input = {
      .is_bytes = record->is_bytes.length == 1 && *(const char *)record->is_bytes.bytes == '1',
      .pattern = record->pattern.bytes,
      .pattern_bytes = record->pattern.length,
      .asked = (uint32_t)asked,
      .flags = (uint32_t)flags,
      .groups = (uint32_t)groups,
      .words = record->words.bytes,
      .word_count = record->words.length / 4,
      .name_count = count,
      .names = names,
      .name_groups = name_groups,
  };
  pycds_caches_add_regex(&w->caches, &input);
  struct record_regex kept = *record;
  kept.words.length = 0;
  put_record(&w->out->learned, "regex", &kept, RECORD_FIELDS(regex));
}

static void add_source(struct work *w, const struct record_source *record) {
  int64_t flags, optimize;
  uint8_t mode = 0;
  for (const char *name; (name = pycds_source_mode_name(mode)); mode++) {
    if (record->mode.length == strlen(name) && memcmp(record->mode.bytes, name, record->mode.length) == 0) break;
  }
  if (mode == PYCDS_SOURCE_MODES || !record_number(&record->flags, &flags) ||
      !record_number(&record->optimize, &optimize))
    return;
  const struct pycds_source_input input = {
      .mode = mode,
      .optimize = (uint8_t)optimize,
      .flags = (uint32_t)flags,
      .filename = record->filename.bytes,
      .text = record->text.bytes,
      .marshal = record->marshal.bytes,
      .filename_bytes = record->filename.length,
      .text_bytes = record->text.length,
      .marshal_bytes = record->marshal.length,
  };
  pycds_caches_add_source(&w->caches, &input);
  struct record_source kept = *record;
  kept.marshal.length = 0;
  put_record(&w->out->learned, "source", &kept, RECORD_FIELDS(source));
}

/* False when the records are of another interpreter. */
static bool take(struct work *w, const struct record_frame *frame) {
  struct record_process process;
  struct record_module module;
  struct record_regex regex;
  struct record_source source;
  struct record_bytecode bytecode;
  struct record_fresh fresh;
  if (RECORD_TAKE(frame, process, &process)) {
    w->process = process;
    if (!is_own(w)) return false;
  } else if (w->process.hexversion.length == 0) {
    return true;
  } else if (RECORD_TAKE(frame, bytecode, &bytecode)) {
    w->bytecode = bytecode.identity;
    return true;
  } else if (RECORD_TAKE(frame, fresh, &fresh)) {
    w->sampled = true;
    return fresh.bytecode.length == fresh.instructions.length &&
           pycds_fresh_learn(&w->fresh, fresh.bytecode.bytes, fresh.instructions.bytes, fresh.bytecode.length);
  } else if (RECORD_TAKE(frame, module, &module)) {
    add_module(w, &module);
    w->bytecode.length = 0;
    return true;
  } else if (RECORD_TAKE(frame, regex, &regex)) {
    add_regex(w, &regex);
    return true;
  } else if (RECORD_TAKE(frame, source, &source)) {
    add_source(w, &source);
    return true;
  }
  pycds_buffer_put(&w->out->learned, frame->kind, (size_t)(frame->end - (const uint8_t *)frame->kind));
  return true;
}

static bool take_version(struct work *w) {
  char digits[TEXT_DECIMAL_BYTES];
  const char *own = text_of_decimal(digits, RECORDS_VERSION);
  struct record_frame frame;
  struct record_field version;
  if (!record_read(w->at, w->end, &frame) || !record_take(&frame, "version", 1, &version) ||
      version.length != text_length(own) || memcmp(version.bytes, own, version.length) != 0) {
    return false;
  }
  pycds_buffer_put(&w->out->learned, frame.kind, (size_t)(frame.end - w->at));
  w->at = frame.end;
  return true;
}

/* ---- several processes ---- */

static bool grow_known(struct work *w) {
  size_t places = w->places ? 2 * w->places : 4096;
  uint64_t *table = calloc(places, sizeof *table);
  if (!table) return false;
  for (size_t i = 0; i < w->places; i++) {
    size_t at = (size_t)w->known[i] & (places - 1);
    while (w->known[i] && table[at]) at = (at + 1) & (places - 1);
    if (w->known[i]) table[at] = w->known[i];
  }
  free(w->known);
  w->known = table;
  w->places = places;
  return true;
}

/* Children of one process record the same, each for itself. */
static bool is_repeated(struct work *w, const struct record_frame *frame) {
  struct record_bytecode bytecode;
  if (RECORD_TAKE(frame, bytecode, &bytecode)) return false; /* it belongs to the record behind it */
  uint64_t sum = pycds_hash(frame->kind, (size_t)(frame->end - (const uint8_t *)frame->kind)) | 1;
  if (2 * w->records >= w->places && !grow_known(w)) return false;
  size_t at = (size_t)sum & (w->places - 1);
  while (w->known[at] && w->known[at] != sum) at = (at + 1) & (w->places - 1);
  bool found = w->known[at] == sum;
  if (!found) w->records++;
  w->known[at] = sum;
  return found;
}

static enum learn_state write_archive(struct work *w) {
  const struct learn_task *task = w->task;
  struct pycds_target target = {
      .hexversion = task->hexversion,
      .machine = OWN_MACHINE,
      .validate = PYCDS_VALIDATE_STAT,
      .optimize = task->optimize,
      .identity_kind = task->identity_kind,
      .identity_bytes = task->identity_bytes,
  };
  memcpy(target.identity, task->identity, sizeof target.identity);
  memcpy(target.python_magic, task->magic, sizeof target.python_magic);
  const struct pycds_text info = {INFO, sizeof INFO - 1};
  const char *error = pycds_archive_write(&target, w->modules, w->count, &w->caches, info, &w->out->archive);
  return error || w->out->learned.failed ? LEARN_NOT_COMPOSED : LEARN_DONE;
}

/* A log is of one process. */
static bool is_another_process(const struct work *w, const struct record_frame *frame) {
  struct record_process process;
  return w->process.hexversion.length > 0 && RECORD_TAKE(frame, process, &process);
}

enum learn_state learn_compose(const struct learn_task *task, const uint8_t *log, size_t bytes,
                               struct learn_files *out) {
  struct work w = {.task = task, .at = log, .end = log + bytes, .out = out};
  struct record_frame frame;
  if (!take_version(&w)) return LEARN_UNREADABLE;
  for (; w.at < w.end; w.at = frame.end) {
    /* What is behind the first that is not whole, or unknown, is as if it were not there (src/learn/runlog/codec.ts). */
    if (!record_read(w.at, w.end, &frame) || !record_is_known(&frame) || is_another_process(&w, &frame)) break;
    if (!is_repeated(&w, &frame) && !take(&w, &frame)) return LEARN_UNREADABLE;
  }
  if (w.process.hexversion.length == 0) return LEARN_UNREADABLE; /* of whom? */
  /* All files have gone: an archive without modules would be used, and of no use. */
  if (w.modules_seen > 0 && w.count == 0) return LEARN_UNREADABLE;
  enum learn_state state = write_archive(&w);
  learn_seal(&out->learned);
  pycds_caches_free(&w.caches);
  free(w.modules);
  free(w.known);
  return state;
}
