// SPDX-License-Identifier: Apache-2.0
// Prints one row of format/layouts.def: where the CPython whose headers this is
// compiled against keeps each field that the archiver fills in. Run by
// tools/gen-layouts.sh, once per CPython minor version.
#define Py_BUILD_CORE 1
#include <Python.h>
#include <opcode.h>
#include <stddef.h>
#include <stdio.h>
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_interpframe.h>
#elif PY_VERSION_HEX >= 0x030b0000
#include <internal/pycore_frame.h>
#endif

#if defined(Py_GIL_DISABLED) || defined(Py_TRACE_REFS)
#error "only builds with the GIL and without Py_TRACE_REFS have these layouts"
#endif

#define CODE(field) ((int)offsetof(PyCodeObject, field))

/* `ready`, without which a str of 3.11 and before is nothing; `statically_allocated` later:
 * 3.14 makes interned strings mortal when it ends, and only these are not freed. */
#define STR_STATE 0x80

struct code_layout {
  int bytes, nlocalsplus, framesize, nplaincellvars, ncellvars, nfreevars, version, warmup, firsttraceable;
  int exceptiontable, localsplusnames, localspluskinds, qualname, linetable;
  int code, varnames, freevars, cellvars, cell2arg;
  int frame_specials, resume, warmup_start;
};

#if PY_VERSION_HEX < 0x030b0000
/* The bytecode is an object of its own, and names are kept by kind of variable. */
static struct code_layout code_layout(void) {
  struct code_layout t = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, -1, 0};
  t.bytes = (int)sizeof(PyCodeObject);
#if PY_VERSION_HEX < 0x030a0000
  t.linetable = CODE(co_lnotab);
#else
  t.linetable = CODE(co_linetable);
#endif
  t.code = CODE(co_code);
  t.varnames = CODE(co_varnames);
  t.freevars = CODE(co_freevars);
  t.cellvars = CODE(co_cellvars);
  t.cell2arg = CODE(co_cell2arg);
  return t;
}
#else
static struct code_layout code_layout(void) {
  struct code_layout t = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, -1, 0};
  t.bytes = CODE(co_code_adaptive);
  t.nlocalsplus = CODE(co_nlocalsplus);
  t.ncellvars = CODE(co_ncellvars);
  t.nfreevars = CODE(co_nfreevars);
  t.firsttraceable = CODE(_co_firsttraceable);
  t.exceptiontable = CODE(co_exceptiontable);
  t.localsplusnames = CODE(co_localsplusnames);
  t.localspluskinds = CODE(co_localspluskinds);
  t.qualname = CODE(co_qualname);
  t.linetable = CODE(co_linetable);
  t.frame_specials = (int)FRAME_SPECIALS_SIZE;
  t.resume = RESUME;
#if PY_VERSION_HEX < 0x030c0000
  t.nplaincellvars = CODE(co_nplaincellvars);
  t.warmup = CODE(co_warmup);
  t.warmup_start = -8;
#else
  t.framesize = CODE(co_framesize);
  t.version = CODE(co_version);
#endif
  return t;
}
#endif

int main(void) {
  const struct code_layout t = code_layout();
  printf("LAYOUT(%d, %d,\n", PY_MAJOR_VERSION, PY_MINOR_VERSION);
  printf("       /* code: bytes, flags, argcount, posonlyargcount, kwonlyargcount, stacksize, firstlineno */\n");
  printf("       %d, %d, %d, %d, %d, %d, %d,\n", t.bytes, CODE(co_flags), CODE(co_argcount), CODE(co_posonlyargcount),
         CODE(co_kwonlyargcount), CODE(co_stacksize), CODE(co_firstlineno));
  printf("       /* nlocalsplus, framesize, nlocals, nplaincellvars, ncellvars, nfreevars, version, warmup, "
         "firsttraceable */\n");
  printf("       %d, %d, %d, %d, %d, %d, %d, %d, %d,\n", t.nlocalsplus, t.framesize, CODE(co_nlocals), t.nplaincellvars,
         t.ncellvars, t.nfreevars, t.version, t.warmup, t.firsttraceable);
  printf("       /* consts, names, exceptiontable, localsplusnames, localspluskinds, filename, name, qualname, "
         "linetable */\n");
  printf("       %d, %d, %d, %d, %d, %d, %d, %d, %d,\n", CODE(co_consts), CODE(co_names), t.exceptiontable,
         t.localsplusnames, t.localspluskinds, CODE(co_filename), CODE(co_name), t.qualname, t.linetable);
  printf("       /* code, varnames, freevars, cellvars, cell2arg */\n");
  printf("       %d, %d, %d, %d, %d,\n", t.code, t.varnames, t.freevars, t.cellvars, t.cell2arg);
  printf("       /* frame specials in words, RESUME opcode, warmup start */\n");
  printf("       %d, %d, %d,\n", t.frame_specials, t.resume, t.warmup_start);
  printf("       /* str: ASCII header, other header, state bits always set; tuple items; int: tagged length; small int "
         "maximum */\n");
  printf("       %d, %d, %d, %d, %d, %d,\n", (int)sizeof(PyASCIIObject), (int)sizeof(PyCompactUnicodeObject), STR_STATE,
         (int)offsetof(PyTupleObject, ob_item), PY_VERSION_HEX >= 0x030c0000,
         PY_VERSION_HEX >= 0x030f0000 ? 1024 : 256);
  printf("       /* reference count of an archived object */\n");
#if PY_VERSION_HEX >= 0x030e0000
  printf("       0x00010000c0000000)\n");
#elif PY_VERSION_HEX >= 0x030c0000
  printf("       0x00000000ffffffff)\n");
#else
  printf("       0x0000010000000000)\n");
#endif
  return 0;
}
