// SPDX-License-Identifier: Apache-2.0
#include "read.h"

#include <stdbool.h>
#include <string.h>

#include "../format/hash.h"

#define PROT_ALL 7
#define PROT_WRITE 2
#define PROT_EXEC 4
#define ADVICE_ALL 63u
#define MACHINE_X86_64 62
#define LIBC_GLIBC 1

static bool is_page(uint64_t value) { return value % SNAPSHOT_PAGE == 0; }

/* Whether `bytes` from `start` on are addresses that a region may have. Cannot overflow. */
static bool is_address_range(uint64_t start, uint64_t bytes) {
  if (start < SNAPSHOT_LOWEST || start >= SNAPSHOT_HIGHEST || bytes == 0 || bytes > SNAPSHOT_HIGHEST - start)
    return false;
  return start + bytes <= SNAPSHOT_WINDOW || start >= SNAPSHOT_WINDOW + SNAPSHOT_WINDOW_BYTES;
}

static bool is_list(const struct snapshot_header *header, struct snapshot_list list, uint64_t size, uint32_t most) {
  uint64_t bytes = list.count * size;
  return list.count <= most && list.offset % 8 == 0 && list.offset >= sizeof *header &&
         list.offset <= header->meta_bytes && bytes <= header->meta_bytes - list.offset;
}

static enum snapshot_reject check_prefix(const struct snapshot_header *header, uint64_t bytes, uint64_t file_bytes) {
  if (bytes < sizeof header->magic) return SNAPSHOT_REJECT_NOT_A_SNAPSHOT;
  if (memcmp(header->magic + 1, &SNAPSHOT_MAGIC[1], SNAPSHOT_MAGIC_BYTES - 1) != 0)
    return SNAPSHOT_REJECT_NOT_A_SNAPSHOT;
  if (header->magic[0] == SNAPSHOT_UNSEALED) return SNAPSHOT_REJECT_UNSEALED;
  if (header->magic[0] != (uint8_t)SNAPSHOT_MAGIC[0]) return SNAPSHOT_REJECT_NOT_A_SNAPSHOT;
  if (bytes < sizeof *header) return SNAPSHOT_REJECT_TRUNCATED;
  if (header->format != SNAPSHOT_FORMAT) return SNAPSHOT_REJECT_FORMAT;
  if (header->file_bytes != file_bytes || file_bytes < SNAPSHOT_META_BYTES) return SNAPSHOT_REJECT_TRUNCATED;
  if (header->meta_bytes < sizeof *header || header->meta_bytes > bytes) return SNAPSHOT_REJECT_DAMAGED;
  return SNAPSHOT_ACCEPTED;
}

/* With the checksum's own field as 0, without a copy of all: its words are hashed in two parts. */
static uint64_t hash_meta(const struct snapshot_header *header) {
  const uint8_t *bytes = (const uint8_t *)header;
  size_t behind = offsetof(struct snapshot_header, meta_hash) + sizeof header->meta_hash;
  uint64_t parts[2] = {pycds_hash(bytes, offsetof(struct snapshot_header, meta_hash)),
                       pycds_hash(bytes + behind, header->meta_bytes - behind)};
  return pycds_hash(parts, sizeof parts);
}

static bool is_string(const struct snapshot *snapshot, uint32_t offset) {
  return offset < snapshot->header->strings.count;
}

static bool check_strings(const struct snapshot *snapshot) {
  uint32_t count = snapshot->header->strings.count;
  return count > 0 && snapshot->strings[0] == 0 && snapshot->strings[count - 1] == 0;
}

static bool check_files(const struct snapshot *snapshot) {
  uint32_t count = snapshot->header->files.count;
  for (uint32_t i = 0; i < count; i++) {
    const struct snapshot_file *file = &snapshot->files[i];
    if (!is_string(snapshot, file->path) || snapshot->strings[file->path] != '/') return false;
  }
  return count > 0;
}

static bool check_stamps(const struct snapshot *snapshot) {
  for (uint32_t i = 0; i < snapshot->header->stamps.count; i++) {
    const struct snapshot_stamp *stamp = &snapshot->stamps[i];
    if (!is_string(snapshot, stamp->path) || stamp->kind < SNAPSHOT_ABSENT || stamp->kind > SNAPSHOT_LOADER)
      return false;
  }
  return true;
}

static bool check_region(const struct snapshot *snapshot, const struct snapshot_region *region) {
  if (!is_page(region->address) || !is_page(region->bytes) || !is_page(region->offset)) return false;
  if (!is_address_range(region->address, region->bytes)) return false;
  if (region->protection > PROT_ALL || region->advice > ADVICE_ALL) return false;
  if ((region->protection & PROT_WRITE) && (region->protection & PROT_EXEC)) return false;
  bool plain = region->file == 0 && region->offset == 0;
  switch (region->kind) {
    case SNAPSHOT_ZERO: return plain;
    case SNAPSHOT_DROPPABLE: return plain;
    case SNAPSHOT_DATA:
      return region->file == 0 && region->offset >= SNAPSHOT_META_BYTES && !(region->protection & PROT_EXEC) &&
             region->offset <= snapshot->header->file_bytes &&
             region->bytes <= snapshot->header->file_bytes - region->offset;
    case SNAPSHOT_SHARED:
      if (region->protection & PROT_WRITE) return false;
      __attribute__((fallthrough));
    case SNAPSHOT_FILE:
      return region->file < snapshot->header->files.count && region->offset <= INT64_MAX - region->bytes;
    default: return false;
  }
}

static bool check_regions(const struct snapshot *snapshot) {
  uint64_t end = 0;
  for (uint32_t i = 0; i < snapshot->header->regions.count; i++) {
    const struct snapshot_region *region = &snapshot->regions[i];
    if (!check_region(snapshot, region) || region->address < end) return false;
    end = region->address + region->bytes;
  }
  return snapshot->header->regions.count > 0;
}

/* They are no more than advice; what they may not do is name memory that is not the snapshot's. */
static bool check_warm(const struct snapshot *snapshot) {
  uint64_t end = 0;
  uint32_t number = 0;
  for (uint32_t i = 0; i < snapshot->header->warm.count; i++) {
    const struct snapshot_range *range = &snapshot->warm[i];
    if (!is_page(range->address) || !is_page(range->bytes) || !is_address_range(range->address, range->bytes))
      return false;
    if (range->address < end) return false;
    end = range->address + range->bytes;
    while (number < snapshot->header->regions.count &&
           snapshot->regions[number].address + snapshot->regions[number].bytes <= range->address)
      number++;
    if (number == snapshot->header->regions.count) return false;
    const struct snapshot_region *region = &snapshot->regions[number];
    if (region->kind != SNAPSHOT_DATA || !(region->protection & PROT_WRITE) || range->address < region->address ||
        end > region->address + region->bytes)
      return false;
  }
  return true;
}

/* As advice; within the file, so that none of it costs more than the file has. */
static bool check_ahead(const struct snapshot *snapshot) {
  uint64_t end = SNAPSHOT_META_BYTES / SNAPSHOT_PAGE, pages = snapshot->header->file_bytes / SNAPSHOT_PAGE;
  for (uint32_t i = 0; i < snapshot->header->ahead.count; i++) {
    const struct snapshot_pages *range = &snapshot->ahead[i];
    if (range->first < end || range->count == 0) return false;
    end = (uint64_t)range->first + range->count;
  }
  return end <= pages || snapshot->header->ahead.count == 0;
}

static bool check_folders(const struct snapshot *snapshot) {
  for (uint32_t i = 0; i < snapshot->header->folders.count; i++) {
    if (!is_string(snapshot, snapshot->folders[i]) || snapshot->strings[snapshot->folders[i]] != '/') return false;
  }
  return true;
}

static bool check_programs(const struct snapshot *snapshot) {
  if (!is_string(snapshot, snapshot->header->executable)) return false;
  for (uint32_t i = 0; i < snapshot->header->programs.count; i++) {
    const struct snapshot_program *program = &snapshot->programs[i];
    if (!is_string(snapshot, program->text) || program->kind < SNAPSHOT_SCRIPT || program->kind > SNAPSHOT_COMMAND)
      return false;
  }
  return true;
}

/* Whether all of a range lies in regions that allow what is asked; they may follow one another without a gap. */
static bool is_inside(const struct snapshot *snapshot, uint64_t address, uint64_t bytes, int protection) {
  uint64_t at = address;
  if (bytes > SNAPSHOT_HIGHEST || address > SNAPSHOT_HIGHEST) return false;
  for (uint32_t i = 0; i < snapshot->header->regions.count; i++) {
    const struct snapshot_region *region = &snapshot->regions[i];
    if (at < region->address) return false;
    if (at >= region->address + region->bytes) continue;
    if ((region->protection & protection) != protection) return false;
    at = region->address + region->bytes;
    if (at >= address + bytes) return true;
  }
  return false;
}

static bool is_clear(const struct snapshot *snapshot, uint64_t address, uint64_t bytes) {
  if (!is_page(address) || !is_page(bytes) || !is_address_range(address, bytes)) return false;
  for (uint32_t i = 0; i < snapshot->header->regions.count; i++) {
    const struct snapshot_region *region = &snapshot->regions[i];
    if (region->address < address + bytes && address < region->address + region->bytes) return false;
  }
  return true;
}

static bool check_vdso(const struct snapshot *snapshot) {
  const struct snapshot_context *context = &snapshot->header->context;
  uint32_t bytes = snapshot->header->vdso.count;
  if (bytes != context->vdso_bytes || !is_clear(snapshot, context->vdso, bytes)) return false;
  if (context->vvar_bytes > SNAPSHOT_MAX_VDSO * 4) return false;
  if (context->vvar_bytes &&
      (context->vvar + context->vvar_bytes != context->vdso || !is_clear(snapshot, context->vvar, context->vvar_bytes)))
    return false;
  for (uint32_t i = 0; i < snapshot->header->symbols.count; i++) {
    const struct snapshot_symbol *symbol = &snapshot->symbols[i];
    /* Room for the longest code that may be written there: vdso.c. */
    if (!is_string(snapshot, symbol->name) || symbol->offset > bytes || bytes - symbol->offset < 16) return false;
  }
  return true;
}

static bool check_context(const struct snapshot *snapshot) {
  const struct snapshot_context *context = &snapshot->header->context;
  const int readable = 1, writable = 3, executable = 5;
  if (!is_inside(snapshot, context->rip, 1, executable) || !is_inside(snapshot, context->rsp, 8, writable))
    return false;
  if (!is_inside(snapshot, context->fs_base, 64, writable) || !is_inside(snapshot, context->tid, 4, writable))
    return false;
  if (context->tid % 4 != 0 || context->fs_base % 8 != 0) return false;
  if (context->clear_tid && !is_inside(snapshot, context->clear_tid, 4, writable)) return false;
  if (context->robust_list && !is_inside(snapshot, context->robust_list, 24, writable)) return false;

  if (context->rseq && (context->rseq % 32 != 0 || context->rseq_bytes < 32 || context->rseq_bytes > 4096 ||
                        !is_inside(snapshot, context->rseq, context->rseq_bytes, writable)))
    return false;
  if (context->break_variable &&
      (context->break_variable % 8 != 0 || !is_inside(snapshot, context->break_variable, 8, writable)))
    return false;
  if (context->break_start > context->break_end || context->break_end > SNAPSHOT_HIGHEST) return false;
  /* A reserved bit would be an exception of the processor. */
  if (context->mxcsr & ~0xffffu) return false;
  for (unsigned i = 0; i < SNAPSHOT_MAX_ACTIONS; i++) {
    const struct snapshot_action *action = &context->actions[i];
    if (action->signal > 64) return false;
    if (action->signal &&
        (!is_inside(snapshot, action->handler, 1, executable) || !is_inside(snapshot, action->restorer, 1, executable)))
      return false;
  }
  (void)readable;
  return true;
}

enum snapshot_reject snapshot_read(const void *meta, uint64_t bytes, uint64_t file_bytes, struct snapshot *snapshot) {
  const struct snapshot_header *header = meta;
  enum snapshot_reject reject = check_prefix(header, bytes, file_bytes);
  if (reject) return reject;
  if (hash_meta(header) != header->meta_hash) return SNAPSHOT_REJECT_DAMAGED;
  if (header->machine != MACHINE_X86_64) return SNAPSHOT_REJECT_ARCHITECTURE;
  if (header->libc != LIBC_GLIBC) return SNAPSHOT_REJECT_LIBC;
  if (!is_list(header, header->regions, sizeof *snapshot->regions, SNAPSHOT_MAX_REGIONS) ||
      !is_list(header, header->files, sizeof *snapshot->files, SNAPSHOT_MAX_FILES) ||
      !is_list(header, header->stamps, sizeof *snapshot->stamps, SNAPSHOT_MAX_STAMPS) ||
      !is_list(header, header->symbols, sizeof *snapshot->symbols, SNAPSHOT_MAX_SYMBOLS) ||
      !is_list(header, header->vdso, 1, SNAPSHOT_MAX_VDSO) ||
      !is_list(header, header->strings, 1, SNAPSHOT_MAX_STRINGS) ||
      !is_list(header, header->warm, sizeof *snapshot->warm, SNAPSHOT_MAX_WARM) ||
      !is_list(header, header->programs, sizeof *snapshot->programs, SNAPSHOT_MAX_PROGRAMS) ||
      !is_list(header, header->ahead, sizeof *snapshot->ahead, SNAPSHOT_MAX_AHEAD) ||
      !is_list(header, header->folders, sizeof *snapshot->folders, SNAPSHOT_MAX_FOLDERS))
    return SNAPSHOT_REJECT_DAMAGED;
  const char *start = meta;
  *snapshot = (struct snapshot){
      .header = header,
      .regions = (const void *)(start + header->regions.offset),
      .files = (const void *)(start + header->files.offset),
      .stamps = (const void *)(start + header->stamps.offset),
      .symbols = (const void *)(start + header->symbols.offset),
      .vdso = (const void *)(start + header->vdso.offset),
      .strings = start + header->strings.offset,
      .warm = (const void *)(start + header->warm.offset),
      .programs = (const void *)(start + header->programs.offset),
      .ahead = (const void *)(start + header->ahead.offset),
      .folders = (const void *)(start + header->folders.offset),
  };
  bool good = check_strings(snapshot) && check_files(snapshot) && check_stamps(snapshot) && check_regions(snapshot) &&
              check_warm(snapshot) && check_programs(snapshot) && check_ahead(snapshot) && check_folders(snapshot) &&
              check_vdso(snapshot) && check_context(snapshot);
  return good ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_DAMAGED;
}
