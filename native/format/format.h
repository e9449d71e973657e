// SPDX-License-Identifier: Apache-2.0
// The archive file, format version PYCDS_FORMAT. This header and stream.h are the
// specification; docs/archive-format.md explains them with pictures.
//
// All numbers are little endian. "File offset" counts bytes from the start of the file.
//
//   header | section table | layout | index | path index | records | unit blocks ... | info | cache index | cache | files
//
// A unit is the code of a module. Its block has two parts, each with a checksum in the unit's
// record:
//
//   shared                                   | unit
//   (stream of the constants that this unit     (struct pycds_unit, texts, stream of the
//    uses first and that later ones use too)      unit's other objects and its code)
//
// A stream describes objects, inner before outer; the runtime makes them, as that CPython
// would have them in memory, in an arena of its own. Nothing in the file is an address or
// depends on the hash seed: equal input gives equal bytes.
#ifndef PYCDS_FORMAT_H
#define PYCDS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* Ledger of format versions (a test keeps it and the number together):
 *   1  2026-11  first format: memory images with fix-ups
 *   2  2026-11  streams of object descriptions, constants shared between units
 *   3  2026-11  faster checksums of blocks; every unit is a module
 *   4  2026-11  units are found by the path of their source, too
 *   5  2026-11  a sample stands for the numbers of its sign only */
#define PYCDS_FORMAT 5u

/* "\x89PYCDS\r\n" once sealed. Until then the first byte is '!'. */
#define PYCDS_MAGIC "\x89PYCDS\r\n"
#define PYCDS_MAGIC_BYTES 8
#define PYCDS_UNSEALED '!'

#define PYCDS_ALIGN 16u
#define PYCDS_IDENTITY_BYTES 32u

enum pycds_identity_kind {
  PYCDS_IDENTITY_BUILD_ID = 1, /* the GNU build-id note */
  PYCDS_IDENTITY_DIGEST = 2,   /* XXH64 over the start of the first loaded segment */
};

enum pycds_validate { PYCDS_VALIDATE_NONE = 0, PYCDS_VALIDATE_STAT = 1, PYCDS_VALIDATE_HASH = 2 };

/* The first 64 bytes never change their meaning, so that any version can name any archive. */
struct pycds_header {
  uint8_t magic[PYCDS_MAGIC_BYTES];
  uint32_t format;       /* PYCDS_FORMAT of the writer */
  uint32_t header_bytes; /* header and section table; what the checksum covers */
  uint64_t file_bytes;   /* size of the whole file */
  uint64_t header_hash;  /* XXH64 of header and section table, this field taken as 0 */
  uint32_t hexversion;   /* PY_VERSION_HEX of the interpreter, with patch and release level */
  uint16_t machine;      /* ELF e_machine: 62 x86-64, 183 aarch64 */
  uint8_t pointer_bytes; /* 8 */
  uint8_t abi_flags;     /* 1 debug, 2 free-threaded: never set in this format */
  uint8_t validate;      /* enum pycds_validate */
  uint8_t optimize;      /* sys.flags.optimize of training */
  uint8_t identity_kind; /* enum pycds_identity_kind */
  uint8_t identity_bytes;
  uint32_t section_count;
  uint8_t reserved[16]; /* 0 */
  /* --- end of the frozen prefix --- */
  uint8_t identity[PYCDS_IDENTITY_BYTES]; /* of the file that holds the interpreter */
  uint64_t arena_bytes;                   /* memory that all objects of all units take */
  uint32_t unit_count;
  uint32_t shared_count;   /* shared constants, over all units */
  uint8_t python_magic[4]; /* importlib.util.MAGIC_NUMBER of the interpreter */
  uint32_t index_slots;    /* of either index; a power of two */
  uint8_t reserved_end[8]; /* 0 */
};
_Static_assert(offsetof(struct pycds_header, identity) == 64, "frozen prefix");
_Static_assert(sizeof(struct pycds_header) == 128, "header size");

enum pycds_section_kind {
  PYCDS_SECTION_INDEX = 1,       /* struct pycds_slot[index_slots] */
  PYCDS_SECTION_RECORDS = 2,     /* struct pycds_record[unit_count], modules in import order */
  PYCDS_SECTION_BLOCKS = 3,      /* the unit blocks */
  PYCDS_SECTION_INFO = 4,        /* JSON for people and tools; never read at run time */
  PYCDS_SECTION_LAYOUT = 5,      /* struct pycds_object_layout */
  PYCDS_SECTION_CACHE_INDEX = 6, /* both specified in cache.h */
  PYCDS_SECTION_CACHE = 7,
  PYCDS_SECTION_FILES = 8,      /* paths, each followed by NUL: what else training loaded, in order */
  PYCDS_SECTION_PATH_INDEX = 9, /* struct pycds_slot[index_slots] */
};

/* Kinds that a reader does not know are skipped. */
struct pycds_section {
  uint32_t kind; /* enum pycds_section_kind */
  uint32_t reserved;
  uint64_t offset; /* file offset */
  uint64_t bytes;
  uint64_t hash; /* XXH64 of the section; of BLOCKS 0: each block has its own checksums */
};
_Static_assert(sizeof(struct pycds_section) == 32, "section size");

/* Where the target CPython keeps what the runtime writes: offsets in bytes from the start
 * of the object. Lists are as long as their count. */
#define PYCDS_MAX_CODE_INTS 16
#define PYCDS_MAX_CODE_POINTERS 12
struct pycds_object_layout {
  uint64_t refcount;         /* immortal, or too large to ever fall to zero */
  uint16_t code_bytes;       /* fixed part of a code object */
  uint8_t code_inline;       /* 1: the bytecode follows it, ob_size counts code units */
  uint8_t str_state;         /* state bits that are set in every str */
  uint16_t str_ascii_header; /* bytes before the characters of a compact ASCII str */
  uint16_t str_header;       /* the same of every other compact str */
  uint16_t tuple_items;      /* 24; where it is 32 a cached hash, -1, stands before */
  uint16_t code_version;     /* u32, counted on for each code object; 0: no such field */
  uint16_t code_warmup;      /* i16; 0: no such field */
  int16_t code_warmup_start;
  uint16_t code_int_count, code_pointer_count;
  uint16_t code_ints[PYCDS_MAX_CODE_INTS];         /* i32 each, in the order of the stream */
  uint16_t code_pointers[PYCDS_MAX_CODE_POINTERS]; /* likewise */
  uint32_t reserved;
};
_Static_assert(sizeof(struct pycds_object_layout) == 88, "layout size");

/* Of INDEX and of PATH_INDEX. Open addressing with linear probing; an empty slot has record == PYCDS_NO_RECORD. Of
 * units with the same path the first one in import order is found first. */
#define PYCDS_NO_RECORD 0xffffffffu
struct pycds_slot {
  uint64_t hash;   /* XXH64 of the unit's name, or of its __file__ */
  uint32_t record; /* number of its record */
  uint32_t check;  /* low half of hash xor record: a damaged slot is no match */
};
_Static_assert(sizeof(struct pycds_slot) == 16, "slot size");

struct pycds_record {
  uint64_t record_hash; /* XXH64 of the rest of this record */
  uint64_t name_hash;
  uint64_t block;                    /* file offset of the shared part; the unit part follows at once */
  uint64_t shared_hash, unit_hash;   /* pycds_block_hash */
  uint32_t shared_bytes, unit_bytes; /* like `block`, shared_bytes is a multiple of PYCDS_ALIGN: padded with 0 */
  uint32_t shared_first;             /* number of the first constant of the shared part */
  uint32_t shared_count;
};
_Static_assert(sizeof(struct pycds_record) == 56, "record size");

enum pycds_module_flag {
  PYCDS_MODULE_PACKAGE = 1,
};

/* The unit part: this header, which begins at a multiple of PYCDS_ALIGN in the file, then the texts, then the
 * stream. */
struct pycds_unit {
  int64_t source_mtime;   /* seconds since 1970, as a .pyc records it */
  uint64_t source_size;   /* bytes */
  uint64_t source_hash;   /* importlib.util.source_hash, little endian; 0: not known */
  uint32_t flags;         /* enum pycds_module_flag */
  uint32_t objects;       /* objects of the stream; the last one is the unit's code object */
  uint32_t first_version; /* co_version of its first code object, in the order of the stream */
  uint32_t code_objects;  /* for statistics */
  uint32_t marshal_bytes; /* size of the marshalled code this was made from, likewise */
  /* Texts, UTF-8 with surrogateescape, not terminated: the full name; __file__; __cached__; and
   * the entry of sys.path, or of the parent's `__path__`, that led to it. */
  uint32_t name_bytes, origin_bytes, cached_bytes, entry_bytes;
  uint32_t reserved; /* 0 */
};
_Static_assert(sizeof(struct pycds_unit) == 64, "unit header size");

#endif
