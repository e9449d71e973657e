// SPDX-License-Identifier: Apache-2.0
// The archiver and the reader as a WebAssembly module, for where no addon can be loaded: the same functions as in
// addon/addon.cc, over a memory that src/archive/wasm.ts fills. An instance serves one call: it starts empty, what is
// given is added piece by piece, and what comes out lies in `result` until the instance is dropped, with all memory.
// Numbers have been checked by the caller. A function that says so gives 0 for success, else the address of a sentence.
#include <stdlib.h>
#include <string.h>

#include "../format/archive_read.h"
#include "../format/archive_write.h"
#include "../format/cache_write.h"
#include "../format/elf.h"
#include "../format/layout.h"

#define EXPORT(name) __attribute__((export_name(#name), used))

static struct pycds_target target;
static struct pycds_module *modules;
static size_t module_count, module_capacity;
static struct pycds_caches caches;
static struct pycds_buffer result;
static struct pycds_reader reader;

EXPORT(allocate) void *allocate(size_t length) { return malloc(length ? length : 1); }
EXPORT(result_bytes) const uint8_t *result_bytes(void) { return result.bytes; }
EXPORT(result_length) size_t result_length(void) { return result.length; }

static struct pycds_text text_of(const char *bytes, size_t length) { return (struct pycds_text){bytes, length}; }

/* ---- JSON, for what is read ---- */

static void put(const char *text) { pycds_buffer_put(&result, text, strlen(text)); }

static void put_number(uint64_t value) {
  char digits[20];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + value % 10);
  while (value /= 10);
  pycds_buffer_put(&result, digits + at, sizeof digits - at);
}

static void put_hex(const uint8_t *bytes, size_t length) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < length; i++) {
    char pair[] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
    pycds_buffer_put(&result, pair, sizeof pair);
  }
}

static void put_string(const char *bytes, size_t length) {
  put("\"");
  for (size_t i = 0; i < length; i++) {
    uint8_t c = (uint8_t)bytes[i];
    if (c < 0x20) {
      put("\\u00");
      put_hex(&c, 1);
    } else {
      if (c == '"' || c == '\\') put("\\");
      pycds_buffer_put(&result, &c, 1);
    }
  }
  put("\"");
}

static void put_key(const char *name) {
  put("\"");
  put(name);
  put("\":");
}

static void put_field(const char *name, uint64_t value) {
  put_key(name);
  put_number(value);
  put(",");
}

static void put_text_field(const char *name, const char *bytes, size_t length) {
  put_key(name);
  put_string(bytes, length);
  put(",");
}

/* ---- writing ---- */

EXPORT(set_target)
void set_target(uint32_t hexversion, uint32_t machine, uint32_t validate, uint32_t optimize, uint32_t identity_kind,
                const uint8_t *identity, size_t identity_bytes, const uint8_t *magic, size_t magic_bytes,
                const char *files, size_t files_bytes) {
  target.hexversion = hexversion;
  target.machine = (uint16_t)machine;
  target.validate = (uint8_t)validate;
  target.optimize = (uint8_t)optimize;
  target.identity_kind = (uint8_t)identity_kind;
  target.identity_bytes = (uint8_t)identity_bytes;
  memcpy(target.identity, identity, identity_bytes);
  memcpy(target.python_magic, magic, magic_bytes);
  target.files = text_of(files, files_bytes);
}

EXPORT(add_module)
bool add_module(const char *name, size_t name_bytes, const char *origin, size_t origin_bytes, const char *cached,
                size_t cached_bytes, const char *entry, size_t entry_bytes, uint32_t is_package, int64_t mtime,
                uint64_t size, const uint8_t *hash, size_t hash_bytes, const uint8_t *marshal, size_t marshal_bytes,
                const uint8_t *seeds, size_t seeds_bytes) {
  if (module_count == module_capacity) {
    module_capacity = module_capacity ? module_capacity * 2 : 64;
    struct pycds_module *moved = realloc(modules, module_capacity * sizeof *modules);
    if (!moved) return false;
    modules = moved;
  }
  struct pycds_module *module = &modules[module_count++];
  *module = (struct pycds_module){
      .name = text_of(name, name_bytes),
      .origin = text_of(origin, origin_bytes),
      .cached = text_of(cached, cached_bytes),
      .entry = text_of(entry, entry_bytes),
      .flags = is_package ? PYCDS_MODULE_PACKAGE : 0,
      .source_mtime = mtime,
      .source_size = size,
      .marshal = marshal,
      .marshal_bytes = marshal_bytes,
      .seeds = seeds,
      .seeds_bytes = seeds_bytes,
  };
  memcpy(&module->source_hash, hash, hash_bytes);
  return true;
}

/* `names`: of the groups, each ended by NUL, one behind the other; `groups`: their numbers, u32 each. */
EXPORT(add_regex)
bool add_regex(uint32_t is_bytes, const uint8_t *pattern, size_t pattern_bytes, uint32_t asked, uint32_t flags,
               uint32_t groups, const uint8_t *words, size_t words_bytes, const char *names, size_t names_bytes,
               const uint8_t *numbers, size_t numbers_bytes) {
  size_t count = numbers_bytes / sizeof(uint32_t);
  const char **texts = malloc((count + 1) * sizeof *texts);
  uint32_t *group_numbers = malloc((count + 1) * sizeof *group_numbers);
  if (!texts || !group_numbers) return false;
  memcpy(group_numbers, numbers, count * sizeof *group_numbers);
  const char *end = names + names_bytes;
  for (size_t i = 0; i < count && names < end; i++, names += strlen(names) + 1) texts[i] = names;
  const struct pycds_regex_input input = {
      .is_bytes = is_bytes != 0,
      .pattern = pattern,
      .pattern_bytes = pattern_bytes,
      .asked = asked,
      .flags = flags,
      .groups = groups,
      .words = words,
      .word_count = words_bytes / 4,
      .name_count = (uint32_t)count,
      .names = texts,
      .name_groups = group_numbers,
  };
  pycds_caches_add_regex(&caches, &input);
  free(texts);
  free(group_numbers);
  return true;
}

EXPORT(add_source)
void add_source(uint32_t mode, uint32_t optimize, uint32_t flags, const uint8_t *filename, size_t filename_bytes,
                const uint8_t *text, size_t text_bytes, const uint8_t *marshal, size_t marshal_bytes) {
  const struct pycds_source_input input = {
      .mode = (uint8_t)mode,
      .optimize = (uint8_t)optimize,
      .flags = flags,
      .filename = filename,
      .filename_bytes = filename_bytes,
      .text = text,
      .text_bytes = text_bytes,
      .marshal = marshal,
      .marshal_bytes = marshal_bytes,
  };
  pycds_caches_add_source(&caches, &input);
}

/* Success or a sentence; the archive is the result. */
EXPORT(write_archive) const char *write_archive(const char *info, size_t info_bytes) {
  return pycds_archive_write(&target, modules, module_count, &caches, text_of(info, info_bytes), &result);
}

/* What became of a module: success, or why it was left out. */
EXPORT(left_out) const char *left_out(size_t module) { return modules[module].left_out; }
EXPORT(code_objects) uint32_t code_objects(size_t module) { return modules[module].code_objects; }
EXPORT(stored_bytes) uint32_t stored_bytes(size_t module) { return modules[module].stored_bytes; }

/* ---- reading ---- */

static void describe_header(void) {
  const struct pycds_header *h = &reader.header;
  put("\"header\":{");
  put_field("format", h->format);
  put_field("fileBytes", h->file_bytes);
  put_field("hexversion", h->hexversion);
  put_field("machine", h->machine);
  put_field("validate", h->validate);
  put_field("optimize", h->optimize);
  put_field("identityKind", h->identity_kind);
  put_field("units", h->unit_count);
  put_field("shared", h->shared_count);
  put_field("arenaBytes", h->arena_bytes);
  put("\"identity\":\"");
  put_hex(h->identity, h->identity_bytes);
  put("\"},");
}

static void describe_module(const struct pycds_record *record, const struct pycds_unit_view *unit) {
  const struct pycds_unit *h = unit->header;
  put("{");
  put_text_field("name", unit->name, h->name_bytes);
  put_text_field("origin", unit->origin, h->origin_bytes);
  put_text_field("entry", unit->entry, h->entry_bytes);
  put_field("bytes", (uint64_t)record->shared_bytes + record->unit_bytes);
  put_field("marshalBytes", h->marshal_bytes);
  put_field("codeObjects", h->code_objects);
  if (h->source_mtime < 0) {
    put("\"sourceMtime\":-");
    put_number((uint64_t)0 - (uint64_t)h->source_mtime);
    put(",");
  } else {
    put_field("sourceMtime", (uint64_t)h->source_mtime);
  }
  put_field("sourceSize", h->source_size);
  put(h->flags & PYCDS_MODULE_PACKAGE ? "\"isPackage\":true}" : "\"isPackage\":false}");
}

static void describe_modules(void) {
  bool first = true;
  put("\"modules\":[");
  for (uint32_t i = 0; i < reader.header.unit_count; i++) {
    struct pycds_record record;
    struct pycds_unit_view unit;
    if (!pycds_reader_unit(&reader, i, &record, &unit)) continue;
    if (!first) put(",");
    first = false;
    describe_module(&record, &unit);
  }
  put("],");
}

static void describe_damage(void) {
  uint32_t damaged = PYCDS_NO_RECORD;
  struct pycds_cache_counts counts;
  const char *damage = pycds_reader_verify(&reader, &damaged), *other = pycds_reader_caches(&reader, &counts);
  if (!damage) damage = other;
  put("\"caches\":{");
  put_field("regexes", counts.regexes);
  put_key("sources");
  put_number(counts.sources);
  put("},");
  put_key("damage");
  if (damage)
    put_string(damage, strlen(damage));
  else
    put("null");
}

/* The result is JSON: `reject` with its `sentence`, or what the archive holds. */
EXPORT(read_archive) void read_archive(const uint8_t *bytes, size_t length) {
  enum pycds_reject reject = pycds_reader_open(&reader, bytes, length);
  put("{");
  if (reject != PYCDS_ACCEPTED) {
    const char *code = pycds_reject_code(reject), *sentence = pycds_reject_sentence(reject);
    put_text_field("reject", code, strlen(code));
    put_key("sentence");
    put_string(sentence, strlen(sentence));
  } else {
    struct pycds_section info;
    bool has_info = pycds_section_find(reader.bytes, PYCDS_SECTION_INFO, &info);
    describe_header();
    if (has_info)
      put_text_field("info", (const char *)reader.bytes + info.offset, (size_t)info.bytes);
    else
      put("\"info\":\"\",");
    describe_modules();
    describe_damage();
  }
  put("}");
}

/* The result is the identity; gives its kind, 0 when the file is no ELF file, and e_machine above it. */
EXPORT(identify) uint32_t identify(const uint8_t *bytes, size_t length) {
  struct pycds_identity identity = pycds_identity_of_file(bytes, length);
  pycds_buffer_put(&result, identity.bytes, identity.length);
  return (uint32_t)identity.machine << 8 | identity.kind;
}

/* The result is JSON: versions as texts. */
EXPORT(supported_versions) void supported_versions(void) {
  size_t count;
  const struct pycds_layout *all = pycds_layout_all(&count);
  put("[");
  for (size_t i = 0; i < count; i++) {
    put(i ? ",\"" : "\"");
    put_number((uint64_t)all[i].major);
    put(".");
    put_number((uint64_t)all[i].minor);
    put("\"");
  }
  put("]");
}
