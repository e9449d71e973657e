// SPDX-License-Identifier: Apache-2.0
// Prints one row of core/layouts.def: where the CPython whose headers this is
// compiled against keeps each field that the archiver fills in. Run by
// tools/gen-layouts.sh, once per CPython minor version.
#define Py_BUILD_CORE 1
#include <Python.h>
#include <stddef.h>
#include <stdio.h>
#include <internal/pycore_frame.h>
#include <opcode.h>

#if PY_VERSION_HEX < 0x030b0000
#error "layouts before CPython 3.11 have another shape of code object"
#endif

#define CODE(field) ((int)offsetof(PyCodeObject, field))

int main(void) {
  int framesize = -1, nplaincellvars = -1, version = -1, warmup = -1;
#if PY_VERSION_HEX < 0x030c0000
  nplaincellvars = CODE(co_nplaincellvars);
  warmup = CODE(co_warmup);
#else
  framesize = CODE(co_framesize);
  version = CODE(co_version);
#endif
  printf("LAYOUT(%d, %d,\n", PY_MAJOR_VERSION, PY_MINOR_VERSION);
  printf("       /* code: bytes, flags, argcount, posonlyargcount, kwonlyargcount, stacksize, firstlineno */\n");
  printf("       %d, %d, %d, %d, %d, %d, %d,\n", CODE(co_code_adaptive), CODE(co_flags), CODE(co_argcount),
         CODE(co_posonlyargcount), CODE(co_kwonlyargcount), CODE(co_stacksize), CODE(co_firstlineno));
  printf("       /* nlocalsplus, framesize, nlocals, nplaincellvars, ncellvars, nfreevars, version, warmup, "
         "firsttraceable */\n");
  printf("       %d, %d, %d, %d, %d, %d, %d, %d, %d,\n", CODE(co_nlocalsplus), framesize, CODE(co_nlocals),
         nplaincellvars, CODE(co_ncellvars), CODE(co_nfreevars), version, warmup, CODE(_co_firsttraceable));
  printf("       /* consts, names, exceptiontable, localsplusnames, localspluskinds, filename, name, qualname, "
         "linetable */\n");
  printf("       %d, %d, %d, %d, %d, %d, %d, %d, %d,\n", CODE(co_consts), CODE(co_names), CODE(co_exceptiontable),
         CODE(co_localsplusnames), CODE(co_localspluskinds), CODE(co_filename), CODE(co_name), CODE(co_qualname),
         CODE(co_linetable));
  printf("       /* frame specials in words, RESUME opcode, warmup start */\n");
  printf("       %d, %d, %d,\n", (int)FRAME_SPECIALS_SIZE, RESUME, warmup < 0 ? 0 : -8);
  printf("       /* str: ASCII header, other header, state bits always set; tuple items; int: tagged length; small int "
         "maximum */\n");
  printf("       %d, %d, %d, %d, %d, %d,\n", (int)sizeof(PyASCIIObject), (int)sizeof(PyCompactUnicodeObject),
         PY_VERSION_HEX < 0x030c0000 ? 0x80 : 0, (int)offsetof(PyTupleObject, ob_item), PY_VERSION_HEX >= 0x030c0000,
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
