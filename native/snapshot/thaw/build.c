// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "build.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define PLACE_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE)

/* The code of restore/, at a page of its own of this library's file, where it is no more than data: a process that is
 * replaced maps it again from there to run it. */
__asm__(".section .rodata.pycds_restore, \"a\"\n"
        ".balign 4096\n"
        ".global pycds_restore_image\n"
        "pycds_restore_image:\n"
        ".incbin \"" RESTORE_IMAGE "\"\n"
        ".balign 4096\n"
        ".global pycds_restore_end\n"
        "pycds_restore_end:\n"
        ".previous\n");
extern __attribute__((visibility("hidden"))) const uint8_t pycds_restore_image[], pycds_restore_end[];

/* ---- the code ---- */

struct own_file {
  const char *path;
  uint64_t offset; /* of the image in it */
};

static int find_own(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  struct own_file *own = data;
  uint64_t image = (uint64_t)(uintptr_t)pycds_restore_image;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    uint64_t start = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type != PT_LOAD || image < start || image >= start + segment->p_filesz) continue;
    own->path = *info->dlpi_name ? info->dlpi_name : "/proc/self/exe";
    own->offset = segment->p_offset + (image - start);
    return 1;
  }
  return 0;
}

static enum snapshot_reject reject_of_mapping(void) {
  return errno == EEXIST ? SNAPSHOT_REJECT_ADDRESS_TAKEN : SNAPSHOT_REJECT_MEMORY;
}

static enum snapshot_reject map_code(uint64_t bytes) {
  struct own_file own = {0};
  dl_iterate_phdr(find_own, &own);
  int fd = own.path ? open(own.path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return errno == EMFILE || errno == ENFILE ? SNAPSHOT_REJECT_MEMORY : SNAPSHOT_REJECT_FILE_CHANGED;
  void *wanted = (void *)(uintptr_t)HANDOVER_CODE;
  void *at = mmap(wanted, bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, (off_t)own.offset);
  enum snapshot_reject reject = at == MAP_FAILED ? reject_of_mapping() : SNAPSHOT_ACCEPTED;
  close(fd);
  if (reject) return reject;
  /* The file of that name may be another one by now. */
  if (at == wanted && memcmp(at, pycds_restore_image, bytes) == 0) return SNAPSHOT_ACCEPTED;
  munmap(at, bytes);
  return at == wanted ? SNAPSHOT_REJECT_FILE_CHANGED : SNAPSHOT_REJECT_ADDRESS_TAKEN;
}

/* ---- room in the hand-over ---- */

struct room {
  char *at, *end;
};

static void *take(struct room *room, uint64_t bytes) {
  bytes = (bytes + 15) / 16 * 16;
  if (bytes > (uint64_t)(room->end - room->at)) return NULL;
  void *taken = room->at;
  room->at += bytes;
  return taken;
}

static char *take_text(struct room *room, const char *text) {
  size_t bytes = strlen(text) + 1;
  char *copy = take(room, bytes);
  return copy ? memcpy(copy, text, bytes) : NULL;
}

static bool take_wide(struct room *room, const wchar_t *text, wchar_t **copy) {
  *copy = NULL;
  if (!text) return true;
  size_t bytes = (wcslen(text) + 1) * sizeof *text;
  *copy = take(room, bytes);
  if (*copy) memcpy(*copy, text, bytes);
  return *copy != NULL;
}

static bool take_words(struct room *room, const struct handover_list *list, struct handover_list *copy) {
  copy->count = list->count;
  copy->items = take(room, (copy->count + 1) * sizeof *copy->items);
  for (uint64_t i = 0; copy->items && i < copy->count; i++) {
    if (!take_wide(room, list->items[i], &copy->items[i])) return false;
  }
  return copy->items != NULL;
}

/* A NULL-terminated array of texts, with `more` places at its end. */
static char **take_texts(struct room *room, char *const *texts, uint64_t more, uint64_t *count) {
  for (*count = 0; texts[*count];) ++*count;
  char **copy = take(room, (*count + more + 1) * sizeof *copy);
  for (uint64_t i = 0; copy && i < *count; i++) {
    copy[i] = take_text(room, texts[i]);
    if (!copy[i]) return NULL;
  }
  if (copy) memset(copy + *count, 0, (more + 1) * sizeof *copy);
  return copy;
}

static uint64_t bytes_of(char *const *texts) {
  uint64_t bytes = 64;
  for (; *texts; texts++) bytes += strlen(*texts) + 1 + 16 + sizeof *texts;
  return bytes;
}

/* ---- memory that is kept, and what comes later ---- */

static void add_range(struct handover *handover, uint64_t start, uint64_t end) {
  uint64_t i = handover->keep_count++;
  for (; i > 0 && handover->keep[i - 1].start > start; i--) handover->keep[i] = handover->keep[i - 1];
  handover->keep[i] = (struct handover_range){start, end};
}

static void add_range_after(struct handover *handover, uint64_t start, uint64_t end) {
  struct handover_range *last = handover->keep_count ? &handover->keep[handover->keep_count - 1] : NULL;
  if (last && last->end == start)
    last->end = end;
  else
    handover->keep[handover->keep_count++] = (struct handover_range){start, end};
}

static struct handover_late how_to_map(const struct placement *placement, const struct snapshot_region *region) {
  int fd = region->kind == SNAPSHOT_DATA                                      ? placement->fd
           : region->kind == SNAPSHOT_FILE || region->kind == SNAPSHOT_SHARED ? placement->files[region->file]
                                                                              : -1;
  return (struct handover_late){
      region->address, region->bytes, region->offset, region->protection, place_flags(region), fd, region->advice};
}

static bool take_memory(struct room *room, struct handover *handover, const struct snapshot *snapshot,
                        const struct placement *placement, const struct process *process) {
  handover->keep = take(room, (placement->mapped_count + PROCESS_MAX_PARTS + 8) * sizeof *handover->keep);
  handover->late = take(room, (placement->late_count + 1) * sizeof *handover->late);
  if (!handover->keep || !handover->late) return false;
  for (uint32_t i = 0; i < placement->mapped_count; i++) {
    const struct snapshot_region *region = &snapshot->regions[placement->mapped[i]];
    add_range_after(handover, region->address, region->address + region->bytes);
  }
  handover->warm = take(room, (snapshot->header->warm.count + 1) * sizeof *handover->warm);
  if (!handover->warm) return false;
  for (uint32_t i = 0; i < snapshot->header->warm.count; i++) {
    const struct snapshot_range *range = &snapshot->warm[i];
    handover->warm[handover->warm_count++] = (struct handover_range){range->address, range->address + range->bytes};
  }
  handover->kept = take(room, (placement->kept_count + 1) * sizeof *handover->kept);
  if (!handover->kept) return false;
  for (uint32_t i = 0; i < placement->kept_count; i++) {
    const struct snapshot_region *region = &snapshot->regions[placement->kept[i].number];
    uint64_t from = placement->kept[i].from;
    if (from == region->address) {
      add_range(handover, from, from + region->bytes);
      continue;
    }
    struct handover_kept *kept = &handover->kept[handover->kept_count++];
    *kept = (struct handover_kept){from, how_to_map(placement, region)};
    /* Over what keeps the place free. */
    kept->region.flags = (kept->region.flags & ~MAP_FIXED_NOREPLACE) | MAP_FIXED;
  }
  add_range(handover, SNAPSHOT_WINDOW, SNAPSHOT_WINDOW + SNAPSHOT_WINDOW_BYTES);
  add_range(handover, process->stack.start, process->stack.end);
  if (!placement->vdso_in_way)
    add_range(handover, process->vvar.start ? process->vvar.start : process->vdso.start, process->vdso.end);
  const struct snapshot_context *context = &snapshot->header->context;
  if (placement->patched) add_range(handover, context->vdso, context->vdso + context->vdso_bytes);
  for (uint32_t i = 0; i < placement->late_count; i++) {
    const struct snapshot_region *region = &snapshot->regions[placement->late[i]];
    handover->late[handover->late_count++] = how_to_map(placement, region);
  }
  for (int i = 0; !placement->patched && i < process->part_count; i++) {
    struct handover_move move = process->parts[i];
    /* One block: its parts keep their distances. */
    move.to = context->vdso - (process->vdso.start - move.from);
    if (placement->vdso_in_way) move.over = HANDOVER_VDSO - (process->vdso.start - move.from);
    handover->moves[handover->move_count++] = move;
  }
  return true;
}

static bool take_descriptors(struct room *room, struct handover *handover, const struct placement *placement,
                             const struct started *started) {
  handover->close = take(room, (placement->file_count + 2) * sizeof *handover->close);
  if (!handover->close) return false;
  for (uint32_t i = 0; i < placement->file_count; i++) handover->close[handover->close_count++] = placement->files[i];
  handover->close[handover->close_count++] = placement->fd;
  if (started->descriptor >= 0) handover->close[handover->close_count++] = started->descriptor;
  return true;
}

static bool take_listings(struct room *room, struct handover *handover, const struct process *process) {
  handover->listings = take(room, (process->listing_count + 1) * sizeof *handover->listings);
  if (!handover->listings) return false;
  for (uint32_t i = 0; i < process->listing_count; i++) {
    struct handover_listing *listing = &handover->listings[handover->listing_count++];
    *listing = process->listings[i];
    listing->path = take_text(room, listing->path);
    if (!listing->path) return false;
  }
  return true;
}

/* ---- the program ---- */

static bool take_program(struct room *room, struct handover *handover, const struct process *process,
                         const struct started *started) {
  uint64_t count;
  handover->program = take_text(room, started->program);
  handover->arguments = take_texts(room, started->arguments, 0, &count);
  handover->variables = take_texts(room, started->variables, 1, &count);
  handover->reason = take(room, HANDOVER_VARIABLE_BYTES);
  if (!handover->program || !handover->arguments || !handover->variables || !handover->reason) return false;
  handover->variables[count] = handover->reason;

  handover->environment = take_texts(room, started->environment, 0, &handover->variable_count);
  memcpy(handover->comm, process->comm, sizeof handover->comm);
  return handover->environment && take_words(room, &started->all, &handover->arguments_all) &&
         take_words(room, &started->own, &handover->arguments_own) &&
         take_wide(room, started->program_name, &handover->program_name) &&
         take_wide(room, started->run_command, &handover->run_command) &&
         take_wide(room, started->run_module, &handover->run_module) &&
         take_wide(room, started->run_filename, &handover->run_filename);
}

static bool fill(struct handover *handover, struct room *room, const struct snapshot *snapshot,
                 const struct placement *placement, const struct process *process, const struct started *started) {
  handover->version = HANDOVER_VERSION;
  handover->context = snapshot->header->context;
  handover->stack_end = (uint64_t)(uintptr_t)process->stack_end;
  handover->accounts = started->accounts;
  memcpy(handover->dispositions, process->dispositions, sizeof handover->dispositions);
  for (int i = 0; i < 3; i++) handover->closed[i] = started->closed[i];
  handover->unbuffered = started->unbuffered;

  static const unsigned long types[] = HANDOVER_AUXILIARY_TYPES;
  for (int i = 0; i < HANDOVER_AUXILIARY; i++)
    handover->auxiliary[i] =
        types[i] == AT_EXECFN && started->execfn ? (uint64_t)(uintptr_t)started->execfn : getauxval(types[i]);
  struct rlimit limit;
  handover->stack_limit = getrlimit(RLIMIT_STACK, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
  if (syscall(SYS_getrandom, handover->random, sizeof handover->random, 1) != (long)sizeof handover->random)
    return false;
  return take_memory(room, handover, snapshot, placement, process) &&
         take_descriptors(room, handover, placement, started) && take_listings(room, handover, process) &&
         take_program(room, handover, process, started);
}

struct handover *handover_build(const struct snapshot *snapshot, const struct placement *placement,
                                const struct process *process, const struct started *started,
                                enum snapshot_reject *reject) {
  uint64_t code = (uint64_t)(pycds_restore_end - pycds_restore_image);
  uint64_t words = bytes_of(started->arguments), variables = bytes_of(started->variables);
  /* Wide characters take four bytes, and there are up to three copies of the command line's. */
  uint64_t bytes = sizeof(struct handover) + words + variables + bytes_of(started->environment) + 16 * words + 65536 +
                   snapshot->header->regions.count * (sizeof(struct handover_late) + sizeof(struct handover_range)) +
                   snapshot->header->warm.count * sizeof(struct handover_range) + snapshot->header->strings.count;
  bytes = (bytes + SNAPSHOT_PAGE - 1) / SNAPSHOT_PAGE * SNAPSHOT_PAGE;
  *reject = map_code(code);
  if (*reject) return NULL;
  void *stack =
      mmap((void *)(uintptr_t)HANDOVER_STACK, HANDOVER_STACK_BYTES, PROT_READ | PROT_WRITE, PLACE_FLAGS, -1, 0);
  struct handover *handover = mmap((void *)(uintptr_t)HANDOVER_AT, bytes, PROT_READ | PROT_WRITE, PLACE_FLAGS, -1, 0);
  *reject = reject_of_mapping();
  bool good = stack == (void *)(uintptr_t)HANDOVER_STACK && handover == (void *)(uintptr_t)HANDOVER_AT;
  if (good) {
    handover->bytes = bytes;
    handover->code_bytes = code;
    struct room room = {(char *)(handover + 1), (char *)handover + bytes};
    *reject = SNAPSHOT_REJECT_MEMORY;
    good = fill(handover, &room, snapshot, placement, process, started);
  }
  if (good) return handover;
  if (stack != MAP_FAILED) munmap(stack, HANDOVER_STACK_BYTES);
  if (handover != MAP_FAILED) munmap(handover, bytes);
  munmap((void *)(uintptr_t)HANDOVER_CODE, code);
  return NULL;
}

void handover_discard(struct handover *handover) {
  munmap((void *)(uintptr_t)HANDOVER_CODE, handover->code_bytes);
  munmap((void *)(uintptr_t)HANDOVER_STACK, HANDOVER_STACK_BYTES);
  munmap(handover, handover->bytes);
}

void handover_leave(struct handover *handover) {
  void (*restore)(struct handover *, uint64_t stack, enum snapshot_reject) =
      (void (*)(struct handover *, uint64_t, enum snapshot_reject))(uintptr_t)HANDOVER_CODE;
  restore(handover, HANDOVER_STACK + HANDOVER_STACK_BYTES - 64, SNAPSHOT_ACCEPTED);
  __builtin_unreachable();
}
