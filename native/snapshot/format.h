// SPDX-License-Identifier: Apache-2.0
// The snapshot file, format version SNAPSHOT_FORMAT. This header is the specification; docs/snapshot-format.md
// explains it with a picture.
//
// A snapshot holds the memory of a CPython that has been started and has run nothing yet. A process of the same
// interpreter, started in the same way, replaces its own memory by it. All addresses are those of the process that was
// frozen, and nothing is moved: a snapshot whose addresses are not free is not used.
//
// All numbers are little endian. "File offset" counts bytes from the start of the file.
//
//   header | regions | files | stamps | symbols | vdso | strings | warm | programs | ahead | folders | (a hole) | data ...
//   <---------------------- meta, at most SNAPSHOT_META_BYTES ----------------------------->
#ifndef PYCDS_SNAPSHOT_FORMAT_H
#define PYCDS_SNAPSHOT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* Ledger of format versions (a test keeps it and the number together):
 *   1  2026-11  first format
 *   2  2026-11  pages that every start changes
 *   3  2026-11  programs that it is used for
 *   4  2026-11  digests of single variables
 *   5  2026-11  stamps of contents, and of the dynamic loader's cache
 *   6  2026-11  the program that an entrypoint starts
 *   7  2026-11  pages that every start reads, and directories that its imports look at
 *   8  2026-11  streams with and without buffers */
#define SNAPSHOT_FORMAT 8u

/* "\x89PYSNP\r\n" once sealed. Until then the first byte is '!'. */
#define SNAPSHOT_MAGIC "\x89PYSNP\r\n"
#define SNAPSHOT_MAGIC_BYTES 8
#define SNAPSHOT_UNSEALED '!'

#define SNAPSHOT_PAGE UINT64_C(4096)
/* The data begin here, whatever the size of what stands before. */
#define SNAPSHOT_META_BYTES (UINT64_C(256) << 10)

/* Addresses that a region may have: above what mmap_min_addr can be set to, below the end of user memory with four
 * levels of page tables. */
#define SNAPSHOT_LOWEST UINT64_C(0x10000)
#define SNAPSHOT_HIGHEST UINT64_C(0x7ffffffff000)
/* And the ones that belong to the thaw: no region lies here, and the kernel's own choices never do. */
#define SNAPSHOT_WINDOW UINT64_C(0x100000000000)
#define SNAPSHOT_WINDOW_BYTES (UINT64_C(1) << 32)

#define SNAPSHOT_MAX_REGIONS 2048u
#define SNAPSHOT_MAX_FILES 512u
#define SNAPSHOT_MAX_STAMPS 512u
#define SNAPSHOT_MAX_SYMBOLS 32u
#define SNAPSHOT_MAX_WARM 1024u
#define SNAPSHOT_MAX_PROGRAMS 256u
#define SNAPSHOT_MAX_AHEAD 1024u
#define SNAPSHOT_MAX_FOLDERS 512u
#define SNAPSHOT_MAX_ACTIONS 4u
#define SNAPSHOT_MAX_VARIABLES 32u
#define SNAPSHOT_MAX_VDSO (UINT64_C(64) << 10)
#define SNAPSHOT_MAX_STRINGS (UINT64_C(96) << 10)

/* ---- where the frozen process goes on ---- */

/* A handler that the interpreter has installed; as the kernel keeps it. */
struct snapshot_action {
  uint64_t signal;
  uint64_t handler; /* an address in an executable region */
  uint64_t flags;
  uint64_t restorer;
  uint64_t mask;
};

struct snapshot_context {
  /* What a called function must preserve, the stack pointer behind the call, and the address to return to. The call
   * seems to return the address of the hand-over. */
  uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
  uint32_t mxcsr;
  uint16_t x87_control;
  uint16_t reserved;
  uint64_t fs_base;
  uint64_t tid;                       /* address of the C library's own copy of the thread's number, int32_t */
  uint64_t clear_tid;                 /* what set_tid_address was told */
  uint64_t robust_list, robust_bytes; /* what set_robust_list was told; 0: nothing */
  uint64_t rseq;                      /* address of the registered area; 0: none */
  uint32_t rseq_bytes;                /* length that it is registered with: at least 32 */
  uint32_t rseq_features;             /* how much of it the C library takes for filled in by the kernel */
  uint64_t break_variable;            /* address of the C library's copy of the break; 0: none */
  uint64_t break_start, break_end;    /* of the frozen process */
  uint64_t vdso, vdso_bytes;          /* where its code was */
  uint64_t vvar, vvar_bytes;          /* and its data, which end where the code begins; 0 bytes: none */
  struct snapshot_action actions[SNAPSHOT_MAX_ACTIONS]; /* signal 0: not used */
};

/* ---- what a process must be to be replaced ---- */

#define SNAPSHOT_CPU_WORDS 10
struct snapshot_cpu {
  uint32_t features[SNAPSHOT_CPU_WORDS]; /* see cpu.h; all of them must be there */
  uint32_t xsave_bytes, xsave_compact_bytes;
  uint64_t xcr0;
  uint64_t signal_stack; /* AT_MINSIGSTKSZ; a host may need less, not more. 0: not told */
  uint64_t hwcap2;       /* AT_HWCAP2 */
};

/* Of the standard streams. */
enum snapshot_buffering {
  SNAPSHOT_BUFFERED = 0,
  SNAPSHOT_UNBUFFERED = 1,   /* option -u, PYTHONUNBUFFERED */
  SNAPSHOT_BUFFERS_HELD = 2, /* in a file alone: buffered, and something in it has got hold of a buffer */
};

/* Digests (XXH64) of what the interpreter was at its hook. Equal values, equal start; of `buffering` see buffering.h. */
struct snapshot_key {
  uint64_t configuration; /* every field of PyConfig that does not name the program: config.def */
  uint64_t environment;   /* variables of environment.def */
  uint64_t modules;       /* names in sys.modules, in their order */
  uint64_t objects;       /* paths of what the dynamic loader has loaded, in its order */
  uint64_t search;        /* sys.path, sys.prefix and the like */
  uint64_t user_site;     /* site.ENABLE_USER_SITE */
  uint64_t utf8_mode;     /* sys.flags.utf8_mode: follows from the locale, too, and is no field of PyConfig */
  uint64_t buffering;     /* enum snapshot_buffering */
};

/* A variable of environment.def, to tell which one differs; nothing is decided by it. Halves of XXH64. */
struct snapshot_variable {
  uint32_t name;  /* 0 with a whole of 0: none */
  uint32_t whole; /* as much of it as counts */
};

/* ---- the header ---- */

/* Where a list lies, in bytes from the start of the file. */
struct snapshot_list {
  uint32_t offset; /* a multiple of 8 */
  uint32_t count;  /* of elements; of bytes for vdso and strings */
};

/* The first 64 bytes never change their meaning. */
struct snapshot_header {
  uint8_t magic[SNAPSHOT_MAGIC_BYTES];
  uint32_t format;
  uint32_t meta_bytes;  /* header and lists; what the checksum covers */
  uint64_t file_bytes;  /* size of the whole file */
  uint64_t meta_hash;   /* XXH64 of two XXH64: of the meta part before this field, and of all of it behind */
  uint64_t data_hash;   /* XXH64 from SNAPSHOT_META_BYTES to the end; not looked at by a start */
  uint32_t hexversion;  /* PY_VERSION_HEX of the interpreter */
  uint16_t machine;     /* ELF e_machine: 62 x86-64 */
  uint16_t libc;        /* 1: glibc */
  uint8_t reserved[16]; /* 0 */
  /* --- end of the frozen prefix --- */
  struct snapshot_context context;
  struct snapshot_cpu cpu;
  struct snapshot_key key;
  struct snapshot_list regions;  /* struct snapshot_region, by address, without overlaps */
  struct snapshot_list files;    /* struct snapshot_file; the first is the program */
  struct snapshot_list stamps;   /* struct snapshot_stamp */
  struct snapshot_list symbols;  /* struct snapshot_symbol of the vdso */
  struct snapshot_list vdso;     /* the image of its code */
  struct snapshot_list strings;  /* texts, each followed by NUL; text 0 is empty */
  struct snapshot_list warm;     /* struct snapshot_range, by address, without overlaps */
  struct snapshot_list programs; /* struct snapshot_program; none: it is used for all */
  struct snapshot_list ahead;    /* struct snapshot_pages, in order, without overlaps */
  struct snapshot_list folders;  /* uint32_t, texts: of each directory with modules that are ready one of their files */
  uint32_t cost;                 /* processor time that a start takes more with it than without, microseconds */
  uint32_t executable;           /* sys.executable, for starts without it: docs/snapshots.md; 0: there are none */
  struct snapshot_variable variables[SNAPSHOT_MAX_VARIABLES]; /* the first ones */
};
_Static_assert(offsetof(struct snapshot_header, context) == 64, "frozen prefix");

/* ---- memory ---- */

enum snapshot_region_kind {
  SNAPSHOT_ZERO = 1,      /* anonymous memory of zeros */
  SNAPSHOT_DATA = 2,      /* of this file, private */
  SNAPSHOT_FILE = 3,      /* of another file, private */
  SNAPSHOT_SHARED = 4,    /* of another file, shared, never writable */
  SNAPSHOT_DROPPABLE = 5, /* zeros that the kernel may take back (MAP_DROPPABLE) */
};

/* Bits that a region keeps; vma.def says from which letters of /proc/PID/smaps they come. */
enum snapshot_advice {
  SNAPSHOT_WIPE_ON_FORK = 1,
  SNAPSHOT_DONT_FORK = 2,
  SNAPSHOT_DONT_DUMP = 4,
  SNAPSHOT_HUGE_PAGES = 8,
  SNAPSHOT_NO_HUGE_PAGES = 16,
  SNAPSHOT_ONE_BY_ONE = 32, /* no page is read that is not asked for: while it is seen which ones are */
};

struct snapshot_region {
  uint64_t address, bytes; /* multiples of SNAPSHOT_PAGE */
  uint64_t offset;         /* in this or the other file, a multiple of SNAPSHOT_PAGE; else 0 */
  uint8_t kind;            /* enum snapshot_region_kind */
  uint8_t protection;      /* PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4; never the last two together */
  uint16_t file;           /* number of the other file; else 0 */
  uint32_t advice;         /* enum snapshot_advice */
};
_Static_assert(sizeof(struct snapshot_region) == 32, "region size");

struct snapshot_file {
  uint32_t path; /* offset in the strings */
  uint32_t reserved;
  uint64_t bytes;
  int64_t mtime; /* seconds since 1970 */
};
_Static_assert(sizeof(struct snapshot_file) == 24, "file size");

/* What the start of the interpreter, or of a library, has looked at beside the files that are mapped. */
enum snapshot_stamp_kind {
  SNAPSHOT_ABSENT = 1,    /* there was nothing of this name */
  SNAPSHOT_SOURCE = 2,    /* a file: size and time */
  SNAPSHOT_DIRECTORY = 3, /* a directory: the names in it, see listing.h */
  SNAPSHOT_CONTENTS = 4,  /* a file: what is in it, see contents.h */
  SNAPSHOT_LOADER = 5,    /* the dynamic loader's cache: where libraries of these names are, see contents.h */
};

#define SNAPSHOT_LOADER_CACHE "/etc/ld.so.cache"

struct snapshot_stamp {
  uint32_t path;  /* of SNAPSHOT_LOADER: the names, each followed by a line feed */
  uint32_t kind;  /* enum snapshot_stamp_kind */
  uint64_t bytes; /* of a source: its size; else the digest */
  int64_t mtime;  /* of a source; else 0 */
};
_Static_assert(sizeof(struct snapshot_stamp) == 24, "stamp size");

/* Pages that every start changes before its program begins; within writable regions of data. */
struct snapshot_range {
  uint64_t address, bytes; /* multiples of SNAPSHOT_PAGE */
};
_Static_assert(sizeof(struct snapshot_range) == 16, "range size");

/* What every start reads before its program begins, with short gaps, to be read at once where it has to come from a disk. */
struct snapshot_pages {
  uint32_t first, count; /* pages of this file */
};
_Static_assert(sizeof(struct snapshot_pages) == 8, "pages size");

enum snapshot_program_kind {
  SNAPSHOT_SCRIPT = 1,  /* a path, without symbolic links */
  SNAPSHOT_MODULE = 2,  /* -m */
  SNAPSHOT_COMMAND = 3, /* what a command (-c) begins with */
};

/* A main program that is known to import what the snapshot holds. */
struct snapshot_program {
  uint32_t text;
  uint32_t kind;     /* enum snapshot_program_kind */
  uint32_t gain;     /* processor time that its imports take less with the snapshot than without, microseconds */
  uint32_t reserved; /* 0 */
};
_Static_assert(sizeof(struct snapshot_program) == 16, "program size");

struct snapshot_symbol {
  uint32_t name;
  uint32_t offset; /* of the function in the vdso image */
};

#endif
