// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "drawn.h"

#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of a name of `uuid.uuid4`. */
#define NAME_BYTES 16
#define NAME_LENGTH 36

/* The head of CPython's PyASCIIObject. */
struct ascii {
  intptr_t references;
  PyTypeObject *type;
  Py_ssize_t length, hash;
};

static void write_name(char name[NAME_LENGTH], uint8_t drawn[NAME_BYTES]) {
  drawn[6] = (uint8_t)((drawn[6] & 0x0f) | 0x40);
  drawn[8] = (uint8_t)((drawn[8] & 0x3f) | 0x80);
  for (int i = 0; i < NAME_BYTES; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *name++ = '-';
    *name++ = "0123456789abcdef"[drawn[i] >> 4];
    *name++ = "0123456789abcdef"[drawn[i] & 15];
  }
}

static bool has(const struct entry *entry, const PyObject *text) {
  PyObject *namespace = entry_namespace(entry), *key, *value;
  Py_ssize_t at = 0;
  while (namespace && PyDict_Next(namespace, &at, &key, &value)) {
    if (value == text) return true;
  }
  return false;
}

void drawn_anew(PyObject *payload, struct entry *entry) {
  uint8_t drawn[NAME_BYTES];
  Py_ssize_t length;
  PyObject *text = PyTuple_GetItem(payload, DRAWN_TEXT);
  const char *characters = PyUnicode_AsUTF8AndSize(text, &length);
  long offset = PyLong_AsLong(PyTuple_GetItem(payload, DRAWN_OFFSET));
  if (!characters || offset < 0 || offset + NAME_LENGTH > length) return;
  /* Where the kernel has none it stays what it was. */
  if (syscall(SYS_getrandom, drawn, sizeof drawn, GRND_NONBLOCK) != NAME_BYTES) return;
  write_name((char *)(uintptr_t)characters + offset, drawn);
  ((struct ascii *)(void *)text)->hash = -1;
  /* A module is known by the hashes of its texts. */
  entry->touched = true;
  for (uint32_t i = 0; i < shadow.count; i++) {
    struct entry *other = &shadow.entries[i];
    if (other->state == WAITING && !other->touched) other->touched = has(other, text);
  }
}
