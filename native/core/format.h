// SPDX-License-Identifier: Apache-2.0
// The archive file, format version PYCDS_FORMAT. This header is the specification;
// docs/archive-format.md explains it with pictures.
//
// All numbers are little endian. "File offset" counts bytes from the start of the file,
// "arena offset" counts bytes from the start of the memory that the runtime reserves and
// into which it copies the objects of the modules that are really imported.
//
//   header | section table | index | records | module blocks ... | info
//
// A module block is five consecutive parts, with checksums in the module's
// record, so that one read brings exactly what an import needs:
//
//   fix-ups     | string offsets  | strings | objects       | relocations
//   (how to       (where its own    (copied to the arena)     (only read when
//    finish the    strings start)                              the arena moved)
//    objects)
//
// Strings that must be interned are stored once for the whole archive, in the block of
// the first module (in import order) that uses them; a module's fix-ups name the other
// blocks whose strings it needs. Nothing in the file depends on addresses of the
// interpreter or on the hash seed: equal input gives equal bytes.
#ifndef PYCDS_FORMAT_H
#define PYCDS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* Ledger of format versions (a test keeps it and the number together):
 *   1  2026-11  first format: CPython 3.11 to 3.13 */
#define PYCDS_FORMAT 1u

/* "\x89PYCDS\r\n" once sealed. Until then the first byte is '!'. */
#define PYCDS_MAGIC "\x89PYCDS\r\n"
#define PYCDS_MAGIC_BYTES 8
#define PYCDS_UNSEALED '!'

/* Preferred address of the arena: free in every layout of x86-64 and of aarch64 with
 * 39-bit addresses. Internal pointers are stored for it. */
#define PYCDS_ARENA_BASE 0x3a00000000ull

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
  uint64_t arena_base;                    /* address for which pointers are stored */
  uint64_t arena_bytes;
  uint32_t module_count;
  uint32_t string_count;   /* interned strings, over all modules */
  uint8_t python_magic[4]; /* importlib.util.MAGIC_NUMBER of the interpreter */
  uint32_t index_slots;    /* a power of two */
};
_Static_assert(offsetof(struct pycds_header, identity) == 64, "frozen prefix");
_Static_assert(sizeof(struct pycds_header) == 128, "header size");

enum pycds_section_kind {
  PYCDS_SECTION_INDEX = 1,   /* struct pycds_slot[index_slots] */
  PYCDS_SECTION_RECORDS = 2, /* struct pycds_record[module_count], in import order */
  PYCDS_SECTION_BLOCKS = 3,  /* the module blocks */
  PYCDS_SECTION_INFO = 4,    /* JSON for people and tools; never read at run time */
};

/* Kinds that a reader does not know are skipped: later formats add caches here. */
struct pycds_section {
  uint32_t kind; /* enum pycds_section_kind */
  uint32_t reserved;
  uint64_t offset; /* file offset */
  uint64_t bytes;
  uint64_t hash; /* XXH64 of the section; of BLOCKS 0: each block has its own checksums */
};
_Static_assert(sizeof(struct pycds_section) == 32, "section size");

/* Open addressing with linear probing; an empty slot has record == PYCDS_NO_RECORD. */
#define PYCDS_NO_RECORD 0xffffffffu
struct pycds_slot {
  uint64_t name_hash; /* XXH64 of the module's full name, UTF-8 */
  uint32_t record;    /* number of its record */
  uint32_t check;     /* low half of name_hash xor record: a damaged slot is no match */
};
_Static_assert(sizeof(struct pycds_slot) == 16, "slot size");

struct pycds_record {
  uint64_t record_hash; /* XXH64 of the rest of this record */
  uint64_t name_hash;
  uint64_t block;        /* file offset of the fix-ups, the first part */
  uint32_t reloc_bytes;  /* u32 per pointer slot: object offsets that hold arena addresses */
  uint32_t fixup_bytes;  /* struct pycds_fixups and its lists */
  uint32_t offset_bytes; /* u32 per own string: its offset in the strings part */
  uint32_t string_bytes;
  uint32_t object_bytes;
  uint32_t string_count; /* own strings */
  uint32_t string_first; /* number of the first own string in the archive's string table */
  uint32_t reserved;
  uint64_t arena; /* arena offset of the strings; the objects follow at once */
  uint64_t reloc_hash;
  uint64_t fixup_hash;
  uint64_t offset_hash;
  uint64_t string_hash;
  uint64_t object_hash;
};
_Static_assert(sizeof(struct pycds_record) == 104, "record size");

enum pycds_module_flag {
  PYCDS_MODULE_PACKAGE = 1,
};

/* Types whose address is written into the objects at load; lists of object offsets come
 * in this order. */
enum pycds_type {
  PYCDS_TYPE_STR,
  PYCDS_TYPE_BYTES,
  PYCDS_TYPE_INT,
  PYCDS_TYPE_FLOAT,
  PYCDS_TYPE_COMPLEX,
  PYCDS_TYPE_TUPLE,
  PYCDS_TYPE_CODE,
  PYCDS_TYPE_COUNT
};

/* What a symbolic slot refers to: kind in the upper byte, value below. */
enum pycds_symbol {
  PYCDS_SYMBOL_NONE = 0,
  PYCDS_SYMBOL_TRUE = 1,
  PYCDS_SYMBOL_FALSE = 2,
  PYCDS_SYMBOL_ELLIPSIS = 3,
  PYCDS_SYMBOL_EMPTY_TUPLE = 4,
  PYCDS_SYMBOL_EMPTY_BYTES = 5,
  PYCDS_SYMBOL_EMPTY_STR = 6,
  PYCDS_SYMBOL_LATIN1 = 7,    /* the one-character string of that code point */
  PYCDS_SYMBOL_SMALL_INT = 8, /* value - PYCDS_SMALL_INT_BIAS */
  PYCDS_SYMBOL_KINDS = 9
};
#define PYCDS_SYMBOL_SHIFT 24
#define PYCDS_SYMBOL_VALUE 0xffffffu
#define PYCDS_SMALL_INT_BIAS 5
/* Set in the value of LATIN1 for a name: before 3.13 the interned string of a character
 * need not be its singleton. */
#define PYCDS_LATIN1_INTERNED 0x100u

/* The fix-ups of one module: this header, then, without gaps, u32 lists in the order of
 * the counts, then the texts. Object offsets count from the start of the module's
 * objects. */
struct pycds_fixups {
  int64_t source_mtime;                   /* seconds since 1970, as a .pyc records it */
  uint64_t source_size;                   /* bytes */
  uint64_t source_hash;                   /* importlib.util.source_hash, little endian; 0: not known */
  uint32_t flags;                         /* enum pycds_module_flag */
  uint32_t code;                          /* object offset of the module's code object */
  uint32_t code_objects;                  /* for statistics */
  uint32_t marshal_bytes;                 /* size of the marshalled code this was made from, likewise */
  uint32_t type_counts[PYCDS_TYPE_COUNT]; /* object offsets, per type */
  uint32_t block_count;                   /* numbers of the records whose strings are needed too */
  uint32_t string_slots;                  /* pairs: object offset of a pointer, string number */
  uint32_t symbol_slots;                  /* pairs: object offset of a pointer, symbol */
  uint32_t frozenset_words;               /* groups: offset of a tuple with the items, count, slots */
  /* Texts, UTF-8 with surrogateescape, not terminated: the full name; __file__;
   * __cached__; and the entry of sys.path, or of the parent's __path__, that led to it. */
  uint32_t name_bytes, origin_bytes, cached_bytes, entry_bytes;
  uint32_t reserved[3];
};
_Static_assert(sizeof(struct pycds_fixups) == 112, "fix-ups header size");

#endif
