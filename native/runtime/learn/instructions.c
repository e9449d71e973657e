// SPDX-License-Identifier: Apache-2.0
#include "instructions.h"

#include <stdlib.h>
#include <string.h>

#include "../../cpython/object.h"
#include "../../format/fresh.h"
#include "../../format/layout.h"
#include "../../format/stream.h"
#include "kind.h"
#include "log.h"

/* CPython 3.12 fills inline bytes in as it makes a code object. */
#define FIRST_COUNTED 12

/* ---- of one code object after the other ---- */

/* Code objects that were seen, by their address. */
struct seen {
  PyObject **slots;
  size_t capacity, used;
  struct pycds_buffer *out;
  bool failed;
};

static bool is_new(struct seen *seen, PyObject *code) {
  if (2 * seen->used >= seen->capacity) {
    size_t capacity = seen->capacity ? 2 * seen->capacity : 128;
    PyObject **slots = calloc(capacity, sizeof *slots);
    seen->failed = seen->failed || !slots;
    if (!slots) return false;
    for (size_t i = 0; i < seen->capacity; i++) {
      if (!seen->slots[i]) continue;
      size_t at = ((uintptr_t)seen->slots[i] >> 4) & (capacity - 1);
      while (slots[at]) at = (at + 1) & (capacity - 1);
      slots[at] = seen->slots[i];
    }
    free(seen->slots);
    seen->slots = slots;
    seen->capacity = capacity;
  }
  size_t at = ((uintptr_t)code >> 4) & (seen->capacity - 1);
  for (; seen->slots[at]; at = (at + 1) & (seen->capacity - 1)) {
    if (seen->slots[at] == code) return false;
  }
  seen->slots[at] = code;
  seen->used++;
  return true;
}

/* What `_co_code_adaptive` and `co_consts` give, without an object for each: where they lie is known (format/layouts.def). */
static void put_instructions(struct seen *seen, PyObject *code, const struct pycds_layout *layout) {
  const uint8_t *fields = (const uint8_t *)code;
  Py_ssize_t units;
  PyObject *constants;
  if (!is_new(seen, code)) return;
  memcpy(&units, fields + PYCDS_OBJECT_SIZE, sizeof units);
  memcpy(&constants, fields + layout->code_consts, sizeof constants);
  pycds_buffer_put(seen->out, fields + layout->code_bytes, 2 * (size_t)units);
  for (Py_ssize_t i = 0; i < PyTuple_Size(constants); i++) {
    PyObject *item = PyTuple_GetItem(constants, i);
    if (type_of(item) == &PyCode_Type) put_instructions(seen, item, layout);
  }
}

static bool put_all(PyObject *code, const struct pycds_layout *layout, struct pycds_buffer *out) {
  struct seen seen = {.out = out};
  put_instructions(&seen, code, layout);
  free(seen.slots);
  return !seen.failed && !out->failed;
}

/* ---- of a sample ---- */

/* Whatever has inline bytes: attributes, items, calls, operators, loops, conditions, unpacking, generators. And whatever
 * 3.12 makes one of: loads and stores of variables and constants in turn. */
static const char sample[] = "class C(D):\n"
                             " def f(s, *a, **k):\n"
                             "  super().f(*a, **k)\n"
                             "  s.x = a[0]\n"
                             "  a[s] = s.f(s in a, k=s)\n"
                             "  b, c = a\n"
                             "  for d in a:\n"
                             "   if d == b and d is None or d is not None and not c:\n"
                             "    yield d + c\n"
                             "  while b:\n"
                             "   b = g(c, 1, d, k=b[1:c]) if b else c\n"
                             "  yield from s\n"
                             "async def g(x):\n"
                             " async for y in x:\n"
                             "  await y\n"
                             " async with x as z:\n"
                             "  return [i async for i in z], {**x}\n";

/* The bytecode of a code object and of all in it. */
static bool put_bytecode(PyObject *code, struct pycds_buffer *out) {
  char *bytes;
  Py_ssize_t length;
  PyObject *bytecode = PyObject_GetAttrString(code, "co_code");
  PyObject *constants = bytecode ? PyObject_GetAttrString(code, "co_consts") : NULL;
  bool found = constants && PyBytes_AsStringAndSize(bytecode, &bytes, &length) == 0;
  if (found) pycds_buffer_put(out, bytes, (size_t)length);
  for (Py_ssize_t i = 0; found && i < PyTuple_Size(constants); i++) {
    PyObject *item = PyTuple_GetItem(constants, i);
    if (type_of(item) == &PyCode_Type) found = put_bytecode(item, out);
  }
  drop(constants);
  drop(bytecode);
  return found;
}

/* False: instructions of this interpreter cannot be told from a sample. */
static bool record_sample(const struct pycds_layout *layout) {
  struct pycds_fresh fresh;
  struct pycds_buffer bytecode = {0}, instructions = {0};
  memset(&fresh, 0, sizeof fresh);
  PyObject *code = Py_CompileString(sample, "<sample>", Py_file_input);
  bool told = code && put_bytecode(code, &bytecode) && put_all(code, layout, &instructions) && !bytecode.failed &&
              bytecode.length == instructions.length &&
              pycds_fresh_learn(&fresh, bytecode.bytes, instructions.bytes, bytecode.length);
  if (told) {
    const struct record_fresh record = {
        .bytecode = field_of((const char *)bytecode.bytes, bytecode.length),
        .instructions = field_of((const char *)instructions.bytes, instructions.length),
    };
    LOG_APPEND(fresh, &record);
  }
  pycds_buffer_free(&bytecode);
  pycds_buffer_free(&instructions);
  drop(code);
  PyErr_Clear();
  return told;
}

bool learn_instructions(PyObject *code, struct pycds_buffer *out) {
  static enum { UNASKED, TOLD, NOT_TOLD } sampled;
  const struct pycds_layout *layout = kind_layout();
  if (!layout) return false;
  /* Before, fresh instructions are those of the bytecode; there is no count in them yet, or nothing inline at all. */
  if (layout->minor < FIRST_COUNTED) return true;
  if (sampled == UNASKED) sampled = record_sample(layout) ? TOLD : NOT_TOLD;
  return sampled == TOLD || put_all(code, layout, out);
}
