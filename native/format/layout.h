// SPDX-License-Identifier: Apache-2.0
// Where each supported CPython keeps the fields of the objects that an archive holds.
#ifndef PYCDS_LAYOUT_H
#define PYCDS_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

/* Offsets are bytes from the start of the object; -1: the version has no such field. */
struct pycds_layout {
  int major, minor;
  int code_bytes; /* size of the fixed part; where there is no code_code, the bytecode follows it */
  int code_flags, code_argcount, code_posonlyargcount, code_kwonlyargcount, code_stacksize, code_firstlineno;
  int code_nlocalsplus, code_framesize, code_nlocals, code_nplaincellvars, code_ncellvars, code_nfreevars;
  int code_version, code_warmup, code_firsttraceable;
  int code_consts, code_names, code_exceptiontable, code_localsplusnames, code_localspluskinds;
  int code_filename, code_name, code_qualname, code_linetable;
  int code_code, code_varnames, code_freevars, code_cellvars, code_cell2arg; /* before 3.11 */
  int frame_specials;   /* words that a frame needs beside locals and stack */
  int resume_opcode;    /* its first use is _co_firsttraceable */
  int warmup_start;     /* initial value of code_warmup */
  int str_ascii_header; /* bytes before the characters of a compact ASCII str */
  int str_header;       /* the same of every other compact str */
  int str_state;        /* state bits that are set in every str */
  int tuple_items;
  int int_tagged; /* 1: the length of an int is lv_tag (3.12), 0: a signed ob_size */
  int small_int_max;
  uint64_t refcount; /* immortal, or too large to ever fall to zero */
};

/* Layout of CPython `major.minor`, or NULL when that version is not supported. */
const struct pycds_layout *pycds_layout_find(int major, int minor);

/* All supported layouts, oldest first; *count is set. For listings and tests. */
const struct pycds_layout *pycds_layout_all(size_t *count);

#endif
