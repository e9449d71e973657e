// SPDX-License-Identifier: Apache-2.0
// Writes the memory of this process to a file. It is a child of the template, in the first of its fork handlers; from the
// moment at which the registers are saved it makes system calls alone: whatever a library would do is part of
// what is being written.
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "../../static/sys/syscalls.h"
#include "../../static/sys/text.h"
#include "../maps.h"
#include "../vdso.h"
#include "freeze.h"

#ifndef PR_GET_TID_ADDRESS
#define PR_GET_TID_ADDRESS 40
#endif
#define MACHINE_X86_64 62
#define LIBC_GLIBC 1
#define TCB_BYTES 4096
/* Pages that were not changed, between ones that were, are written too where there are no more of them: one mapping
 * costs more than they do. */
#define FILE_GAP 16
#define ZERO_GAP 64

struct kernel_stat;

__attribute__((weak)) extern const ptrdiff_t __rseq_offset;
__attribute__((weak)) extern const unsigned int __rseq_size;
__attribute__((weak)) extern void *__curbrk;
extern char **environ;

struct dump {
  struct scratch *scratch;
  long fd, pagemap;
  uint64_t end; /* of the file so far */
};

/* ---- ending ---- */

__attribute__((noreturn)) static void refuse(const char *what, const char *name) {
  static const char start[] = "pycds: this interpreter cannot be frozen: ";
  size_t length = 0;
  while (name[length] && name[length] != '\n') length++;
  CALL3(write, 2, start, sizeof start - 1);
  CALL3(write, 2, what, text_length(what));
  if (length) CALL3(write, 2, ": ", 2);
  CALL3(write, 2, name, length);
  CALL3(write, 2, "\n", 1);
  CALL1(exit_group, FREEZE_EXIT_REFUSED);
  __builtin_unreachable();
}

/* ---- registers ---- */

/* Returns NULL, and once more where restore/ goes on: with the hand-over. */
__attribute__((naked, noinline)) static struct handover *
save_registers(__attribute__((unused)) struct snapshot_context *context) {
  __asm__("mov %%rbx, %c[rbx](%%rdi)\n"
          "mov %%rbp, %c[rbp](%%rdi)\n"
          "mov %%r12, %c[r12](%%rdi)\n"
          "mov %%r13, %c[r13](%%rdi)\n"
          "mov %%r14, %c[r14](%%rdi)\n"
          "mov %%r15, %c[r15](%%rdi)\n"
          "lea 8(%%rsp), %%rax\n"
          "mov %%rax, %c[rsp](%%rdi)\n"
          "mov (%%rsp), %%rax\n"
          "mov %%rax, %c[rip](%%rdi)\n"
          "stmxcsr %c[mxcsr](%%rdi)\n"
          "fnstcw %c[x87](%%rdi)\n"
          "xor %%eax, %%eax\n"
          "ret\n"
          :
          : [rbx] "i"(offsetof(struct snapshot_context, rbx)), [rbp] "i"(offsetof(struct snapshot_context, rbp)),
            [r12] "i"(offsetof(struct snapshot_context, r12)), [r13] "i"(offsetof(struct snapshot_context, r13)),
            [r14] "i"(offsetof(struct snapshot_context, r14)), [r15] "i"(offsetof(struct snapshot_context, r15)),
            [rsp] "i"(offsetof(struct snapshot_context, rsp)), [rip] "i"(offsetof(struct snapshot_context, rip)),
            [mxcsr] "i"(offsetof(struct snapshot_context, mxcsr)),
            [x87] "i"(offsetof(struct snapshot_context, x87_control)));
}

/* The C library keeps the number of a thread in its own block, where only it knows. Fork has just written it and told
 * the kernel where: both must say the same. */
static void take_thread(struct snapshot_context *context) {
  static int32_t block[TCB_BYTES / sizeof(int32_t)];
  int32_t tid = (int32_t)CALL0(gettid);
  uint64_t cleared = 0, bytes = 0, list = 0;
  CALL2(arch_prctl, ARCH_GET_FS, &context->fs_base);
  /* Through a file, which ends where the mapping does. */
  long memory = CALL4(openat, AT_FDCWD, "/proc/self/mem", O_RDONLY | O_CLOEXEC, 0);
  long got = CALL4(pread64, memory, block, sizeof block, context->fs_base);
  CALL1(close, memory);
  for (long i = 0; i < got / (long)sizeof *block && !context->tid; i++) {
    if (block[i] == tid) context->tid = context->fs_base + (uint64_t)i * sizeof *block;
  }
  if (!context->tid) refuse("the number of its thread is nowhere", "");
  if (CALL5(prctl, PR_GET_TID_ADDRESS, &cleared, 0, 0, 0) == 0 && cleared && cleared != context->tid)
    refuse("the number of its thread is in two places", "");
  context->clear_tid = context->tid;
  if (CALL3(get_robust_list, 0, &list, &bytes) == 0) {
    context->robust_list = list;
    context->robust_bytes = bytes;
  }
  if (&__rseq_offset && &__rseq_size && __rseq_size) {
    context->rseq = context->fs_base + (uint64_t)__rseq_offset;
    context->rseq_features = __rseq_size;
    /* As the first interface to it had; more where there is more. */
    context->rseq_bytes = __rseq_size <= 32 ? 32 : (__rseq_size + 31) / 32 * 32;
  }
  context->break_variable = (uint64_t)(uintptr_t)&__curbrk;
  context->break_end = (uint64_t)CALL1(brk, 0);
}

/* ---- regions ---- */

static void add_region(struct dump *dump, struct snapshot_region region) {
  struct snapshot_list *list = &dump->scratch->header.regions;
  struct snapshot_region *last = list->count ? &dump->scratch->regions[list->count - 1] : NULL;
  bool has_file = region.kind != SNAPSHOT_ZERO && region.kind != SNAPSHOT_DROPPABLE;
  if (last && last->kind == region.kind && last->protection == region.protection && last->advice == region.advice &&
      last->file == region.file && last->address + last->bytes == region.address &&
      (!has_file || last->offset + last->bytes == region.offset)) {
    last->bytes += region.bytes;
    return;
  }
  if (list->count == SNAPSHOT_MAX_REGIONS) refuse("it has too many mappings", "");
  dump->scratch->regions[list->count++] = region;
}

static void write_pages(struct dump *dump, uint64_t address, uint64_t bytes, uint64_t offset) {
  while (bytes > 0) {
    long written = CALL4(pwrite64, dump->fd, address, bytes, offset);
    if (written <= 0) refuse("its memory cannot be written", "");
    address += (uint64_t)written;
    offset += (uint64_t)written;
    bytes -= (uint64_t)written;
  }
}

static bool is_zero(uint64_t address) {
  const volatile uint64_t *words = (const volatile uint64_t *)(uintptr_t)address;
  for (uint64_t i = 0; i < SNAPSHOT_PAGE / sizeof *words; i++) {
    if (words[i]) return false;
  }
  return true;
}

struct source {
  struct mapping mapping;
  struct snapshot_region base; /* what its regions have in common */
  bool has_file;
};

/* Pages [from, to) of a mapping that nothing has changed. */
static void add_clean(struct dump *dump, const struct source *source, uint64_t from, uint64_t to) {
  if (from == to) return;
  struct snapshot_region region = source->base;
  region.address = source->mapping.start + from * SNAPSHOT_PAGE;
  region.bytes = (to - from) * SNAPSHOT_PAGE;
  region.kind = source->has_file ? SNAPSHOT_FILE : SNAPSHOT_ZERO;
  region.offset = source->has_file ? source->mapping.offset + from * SNAPSHOT_PAGE : 0;
  add_region(dump, region);
}

/* Pages that were changed, with short gaps. */
static void add_changed(struct dump *dump, const struct source *source, uint64_t from, uint64_t to) {
  struct snapshot_region region = source->base;
  region.address = source->mapping.start + from * SNAPSHOT_PAGE;
  region.bytes = (to - from) * SNAPSHOT_PAGE;
  region.kind = SNAPSHOT_DATA;
  region.file = 0;
  region.offset = dump->end;
  if (region.protection & PROT_EXEC) refuse("memory that can be executed was changed", source->mapping.name);
  if (!(region.protection & PROT_READ)) refuse("memory that cannot be read was changed", source->mapping.name);
  for (uint64_t page = from; page < to;) {
    uint64_t address = source->mapping.start + page * SNAPSHOT_PAGE, first = page;
    /* A page of zeros is a hole. */
    while (page < to && is_zero(source->mapping.start + page * SNAPSHOT_PAGE)) page++;
    if (page > first) continue;
    while (page < to && !is_zero(source->mapping.start + page * SNAPSHOT_PAGE)) page++;
    write_pages(dump, address, (page - first) * SNAPSHOT_PAGE, dump->end + (first - from) * SNAPSHOT_PAGE);
  }
  dump->end += region.bytes;
  add_region(dump, region);
}

/* Bits of /proc/PID/pagemap: 63 present, 62 swapped out, 61 of a file. */
static bool is_changed(const struct source *source, uint64_t entry, uint64_t page) {
  if (!(entry >> 62 & 3) || (entry >> 61 & 1)) return false;
  return source->has_file || !is_zero(source->mapping.start + page * SNAPSHOT_PAGE);
}

static uint64_t entry_of(struct dump *dump, const struct source *source, uint64_t page) {
  uint64_t pages = (source->mapping.end - source->mapping.start) / SNAPSHOT_PAGE;
  uint64_t within = page % FREEZE_PAGEMAP_WORDS;
  if (within == 0) {
    uint64_t count = pages - page < FREEZE_PAGEMAP_WORDS ? pages - page : FREEZE_PAGEMAP_WORDS;
    uint64_t at = (source->mapping.start / SNAPSHOT_PAGE + page) * sizeof(uint64_t);
    if (CALL4(pread64, dump->pagemap, dump->scratch->pagemap, count * sizeof(uint64_t), at) !=
        (long)(count * sizeof(uint64_t)))
      refuse("/proc/self/pagemap cannot be read", "");
  }
  return dump->scratch->pagemap[within];
}

static void add_pages(struct dump *dump, const struct source *source) {
  uint64_t pages = (source->mapping.end - source->mapping.start) / SNAPSHOT_PAGE;
  uint64_t gap = source->has_file ? FILE_GAP : ZERO_GAP;
  uint64_t clean = 0;           /* from here on nothing was changed, up to `first` */
  uint64_t first = 0, last = 0; /* of the present run of changes; `last` is behind its last one */
  for (uint64_t page = 0; page < pages; page++) {
    if (!is_changed(source, entry_of(dump, source, page), page)) continue;
    if (last && page - last >= gap) {
      add_clean(dump, source, clean, first);
      add_changed(dump, source, first, last);
      clean = last;
      first = page;
    } else if (!last)
      first = page;
    last = page + 1;
  }
  if (last) {
    add_clean(dump, source, clean, first);
    add_changed(dump, source, first, last);
    clean = last;
  }
  add_clean(dump, source, clean, pages);
}

/* ---- files ---- */

static uint16_t file_number(struct dump *dump, const char *name) {
  struct scratch *scratch = dump->scratch;
  size_t length = 0;
  while (name[length] && name[length] != '\n') length++;
  static const char *const unreal[] = {"/memfd:", "/dev/", "/SYSV", "/anon_hugepage", "/proc/", "/sys/"};
  for (size_t i = 0; i < sizeof unreal / sizeof *unreal; i++) {
    if (text_begins(name, unreal[i])) refuse("what it has mapped is no file of the image", name);
  }
  uint32_t count = scratch->header.files.count;
  for (uint32_t i = 0; i < count; i++) {
    const char *known = scratch->strings + scratch->files[i].path;
    if (text_length(known) == length && text_begins(name, known)) return (uint16_t)i;
  }
  uint32_t path = count < SNAPSHOT_MAX_FILES ? scratch_string(scratch, name, length) : 0;
  if (!path) refuse("it has mapped too many files", "");
  /* The kernel's struct stat: bytes at 48, seconds of the last change of contents at 88. */
  _Alignas(16) uint8_t status[256];
  for (size_t i = 0; i < length; i++) {
    if (name[i] == '\\') refuse("the name of a file has signs that /proc does not show", name);
  }
  if (CALL4(newfstatat, AT_FDCWD, scratch->strings + path, status, 0) < 0)
    refuse("a file that it has mapped is there no more", name);
  scratch->files[count] =
      (struct snapshot_file){.path = path, .bytes = *(uint64_t *)(status + 48), .mtime = *(int64_t *)(status + 88)};
  scratch->header.files.count = count + 1;
  return (uint16_t)count;
}

/* The first of the files is the program itself. */
static void add_program(struct dump *dump) {
  char path[4096];
  long length = CALL4(readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof path - 1);
  if (length <= 0) refuse("/proc/self/exe cannot be read", "");
  path[length] = 0;
  file_number(dump, path);
}

/* ---- mappings ---- */

enum what { UNKNOWN, DUMPED, ADVISED, RECREATED, KERNEL, REFUSED };

static enum what what_of(const char *letters, uint32_t *advice) {
#define VMA(code, what)                                                                                                \
  if (letters[0] == #code[0] && letters[1] == #code[1]) return what;
#define VMA_ADVISED(code, bit)                                                                                         \
  if (letters[0] == #code[0] && letters[1] == #code[1]) {                                                              \
    *advice |= bit;                                                                                                    \
    return ADVISED;                                                                                                    \
  }
#include "../vma.def"
#undef VMA
#undef VMA_ADVISED
  return UNKNOWN;
}

static bool is_of_kernel(struct dump *dump, const struct mapping *mapping) {
  struct snapshot_context *context = &freeze.context;
  if (maps_is(mapping, "[vdso]")) {
    context->vdso = mapping->start;
    context->vdso_bytes = mapping->end - mapping->start;
    return true;
  }
  if (maps_is(mapping, "[vvar]") || maps_is(mapping, "[vvar_vclock]")) {
    if (!context->vvar) context->vvar = mapping->start;
    context->vvar_bytes = mapping->end - context->vvar;
    return true;
  }

  (void)dump;
  return maps_is(mapping, "[vsyscall]") || maps_is(mapping, "[stack]");
}

static void add_mapping(struct dump *dump, const struct mapping *mapping, const char *flags) {
  if (is_of_kernel(dump, mapping)) return;
  if (mapping->start >= SNAPSHOT_WINDOW && mapping->start < SNAPSHOT_WINDOW + SNAPSHOT_WINDOW_BYTES) return;
  if (mapping->start == freeze.guard && mapping->end == freeze.guard + SNAPSHOT_PAGE) return;
  struct source source = {.mapping = *mapping, .has_file = mapping->name[0] == '/'};
  source.base.protection = (uint8_t)mapping->protection;
  bool droppable = false;
  for (; *flags && *flags != '\n'; flags += 3) {
    enum what what = what_of(flags, &source.base.advice);
    if (what == UNKNOWN || what == REFUSED || what == KERNEL)
      refuse("a mapping is of a kind that cannot be kept", flags);
    droppable |= what == RECREATED;
  }
  if ((mapping->protection & PROT_WRITE) && (mapping->protection & PROT_EXEC))
    refuse("memory can be both written and executed", mapping->name);
  if (source.has_file) source.base.file = file_number(dump, mapping->name);
  if (mapping->shared) {
    if (!source.has_file || (mapping->protection & PROT_WRITE)) refuse("memory is shared with others", mapping->name);
    source.base.kind = SNAPSHOT_SHARED;
    source.base.address = mapping->start;
    source.base.bytes = mapping->end - mapping->start;
    source.base.offset = mapping->offset;
    add_region(dump, source.base);
  } else if (droppable || (source.base.advice & SNAPSHOT_WIPE_ON_FORK)) {
    if (source.has_file) refuse("a file is mapped in a way that cannot be kept", mapping->name);
    source.base.kind = droppable ? SNAPSHOT_DROPPABLE : SNAPSHOT_ZERO;
    source.base.address = mapping->start;
    source.base.bytes = mapping->end - mapping->start;
    add_region(dump, source.base);
  } else
    add_pages(dump, &source);
}

static void add_mappings(struct dump *dump) {
  char *text = dump->scratch->text;
  if (maps_read("/proc/self/smaps", text, FREEZE_TEXT_BYTES) < 0) refuse("/proc/self/smaps cannot be read", "");
  struct mapping mapping = {.name = ""};
  bool open = false;
  for (const char *line = text; *line;) {
    struct mapping next;
    const char *behind = maps_line(line, &next);
    if (behind) {
      if (open) refuse("the kernel does not say what kind its mappings are of", "");
      mapping = next;
      open = true;
      line = behind;
      continue;
    }
    if (open && text_begins(line, "VmFlags: ")) {
      add_mapping(dump, &mapping, line + sizeof "VmFlags: " - 1);
      open = false;
    }
    while (*line && *line != '\n') line++;
    if (*line) line++;
  }
}

static void take_vdso(struct dump *dump) {
  struct scratch *scratch = dump->scratch;
  const struct snapshot_context *context = &freeze.context;
  static struct vdso_symbol symbols[SNAPSHOT_MAX_SYMBOLS];
  if (!context->vdso || context->vdso_bytes > SNAPSHOT_MAX_VDSO) refuse("it has no vdso, or a large one", "");
  if (context->vvar_bytes && context->vvar + context->vvar_bytes != context->vdso)
    refuse("the parts of its vdso are apart", "");
  const uint8_t *image = (const uint8_t *)(uintptr_t)context->vdso;
  int count = vdso_symbols(image, context->vdso_bytes, symbols, SNAPSHOT_MAX_SYMBOLS);
  if (count < 0) refuse("its vdso cannot be understood", "");
  for (int i = 0; i < count; i++) {
    uint32_t name = scratch_string(scratch, symbols[i].name, text_length(symbols[i].name));
    scratch->symbols[i] = (struct snapshot_symbol){name, symbols[i].offset};
  }
  scratch->header.symbols.count = (uint32_t)count;
  for (uint64_t i = 0; i < context->vdso_bytes; i++) scratch->vdso[i] = image[i];
  scratch->header.vdso.count = (uint32_t)context->vdso_bytes;
}

/* ---- the file ---- */

static void copy(uint8_t *to, const void *from, uint64_t bytes) {
  const uint8_t *source = from;
  for (uint64_t i = 0; i < bytes; i++) to[i] = source[i];
}

static void put_list(struct scratch *scratch, uint64_t *at, struct snapshot_list *list, const void *from,
                     uint64_t size) {
  *at = (*at + 7) / 8 * 8;
  uint64_t bytes = list->count * size;
  if (bytes > SNAPSHOT_META_BYTES - *at) refuse("there is too much to say about it", "");
  list->offset = (uint32_t)*at;
  copy(scratch->meta + *at, from, bytes);
  *at += bytes;
}

static void write_meta(struct dump *dump) {
  struct scratch *scratch = dump->scratch;
  struct snapshot_header *header = &scratch->header;
  uint64_t at = sizeof *header;
  put_list(scratch, &at, &header->regions, scratch->regions, sizeof *scratch->regions);
  put_list(scratch, &at, &header->files, scratch->files, sizeof *scratch->files);
  put_list(scratch, &at, &header->stamps, scratch->stamps, sizeof *scratch->stamps);
  put_list(scratch, &at, &header->symbols, scratch->symbols, sizeof *scratch->symbols);
  put_list(scratch, &at, &header->vdso, scratch->vdso, 1);
  put_list(scratch, &at, &header->strings, scratch->strings, 1);
  put_list(scratch, &at, &header->warm, scratch->warm, sizeof *scratch->warm);
  put_list(scratch, &at, &header->programs, scratch->programs, sizeof *scratch->programs);
  put_list(scratch, &at, &header->ahead, scratch->ahead, sizeof *scratch->ahead);
  put_list(scratch, &at, &header->folders, scratch->folders, sizeof *scratch->folders);
  copy(header->magic, SNAPSHOT_MAGIC, SNAPSHOT_MAGIC_BYTES);
  header->magic[0] = SNAPSHOT_UNSEALED;
  header->format = SNAPSHOT_FORMAT;
  header->machine = MACHINE_X86_64;
  header->libc = LIBC_GLIBC;
  header->meta_bytes = (uint32_t)at;
  header->file_bytes = dump->end;
  header->context = freeze.context;
  copy(scratch->meta, header, sizeof *header);
  write_pages(dump, (uint64_t)(uintptr_t)scratch->meta, at, 0);
  if (CALL2(ftruncate, dump->fd, dump->end) < 0) refuse("the file cannot be written", "");
}

__attribute__((noreturn, noinline)) static void write_dump(void) {
  struct dump dump = {.scratch = freeze.scratch, .end = SNAPSHOT_META_BYTES};
  dump.fd = CALL4(openat, AT_FDCWD, freeze.path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  dump.pagemap = CALL4(openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
  if (dump.fd < 0) refuse("the file cannot be written", freeze.path);
  if (dump.pagemap < 0) refuse("/proc/self/pagemap cannot be read", "");
  add_program(&dump);
  add_mappings(&dump);
  take_vdso(&dump);
  write_meta(&dump);
  CALL1(exit_group, 0);
  __builtin_unreachable();
}

/* Of this child alone: the template still starts programs. */
static void forget_variables(void) {
  for (char **entry = environ; entry && *entry; entry++) {
    char *at = *entry;
    while (*at && *at != '=') at++;
    while (*at) *at++ = 0;
  }
}

void dump_at_fork(void) {
  if (!freeze.dumping) return;
  freeze.dumping = false;
  take_thread(&freeze.context);
  struct handover *handover = save_registers(&freeze.context);
  if (!handover) {
    forget_variables();
    write_dump();
  }
  /* No template any more. */
  freeze.path = NULL;
  freeze.handover = handover;
  /* For the handlers of fork that come now; resume.c gives the process its own. */
  environ = handover->environment;
}
