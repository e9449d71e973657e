// SPDX-License-Identifier: Apache-2.0
// `re` compiles what its own cache does not hold by `re._compiler.compile` (before 3.11
// `sre_compile.compile`), looked up as an attribute at each call. A function put there finds
// the program of an archived pattern and calls `_sre.compile` with it, as the stock function
// would; everything else it passes on: other types, errors, warnings, DEBUG, LOCALE.
// Only where re's own modules came from the archive too: what computes programs must be what
// computed them in training.
#include <string.h>

#include "../../cpython/object.h"
#include "../decide/search.h"
#include "../host/report.h"
#include "ask.h"

#define CPYTHON_3_11 0x030b0000u

static const char *const own_modules[][4] = {
    {"sre_compile", "sre_parse", "sre_constants", NULL},
    {"re._compiler", "re._parser", "re._constants", "re._casefix"},
};

static struct {
  bool wanted;
  const char *const *modules;                        /* the compiler's name first */
  unsigned served;                                   /* bit i: modules[i] came from the archive */
  PyObject *compiler_code;                           /* of the compiler's module, until it has run */
  PyObject *stock;                                   /* the compiler's own compile() */
  PyObject *own;                                     /* what stands in its place; NULL: nothing does */
  PyObject *build;                                   /* _sre.compile */
  PyObject *names, *parser_names;                    /* of the compiler's module, of the parser's */
  PyObject *code_key, *parser_key, *parse_key;       /* in these */
  PyObject *code_function, *parser, *parse_function; /* what they were */
} regex;

/* ---- answering ---- */

static PyObject *word_list(struct pycds_regex *program) {
  PyObject *list = PyList_New((Py_ssize_t)program->words);
  for (uint32_t i = 0; list && i < program->words; i++) {
    uint32_t word;
    PyObject *item = pycds_regex_number(program, &word) ? PyLong_FromLongLong(word) : NULL;
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) != 0) {
      Py_DecRef(list);
      return NULL;
    }
  }
  return list;
}

/* One entry of groupindex, and its inverse in indexgroup. */
static bool put_name(struct pycds_regex *program, PyObject *groupindex, PyObject *indexgroup) {
  uint32_t group, bytes;
  const char *text;
  if (!pycds_regex_name(program, &group, &text, &bytes)) return false;
  PyObject *name = PyUnicode_DecodeUTF8(text, (Py_ssize_t)bytes, NULL);
  PyObject *number = PyLong_FromLongLong(group);
  bool done = name && number && PyDict_SetItem(groupindex, name, number) == 0;
  drop(number);
  if (done) return PyTuple_SetItem(indexgroup, (Py_ssize_t)group, name) == 0;
  drop(name);
  return false;
}

static PyObject *build_pattern(PyObject *pattern, struct pycds_regex *program) {
  uint32_t name_count;
  PyObject *groupindex = NULL, *indexgroup = NULL, *flags = NULL, *groups = NULL, *result = NULL;
  PyObject *code = word_list(program);
  if (!code || !pycds_regex_number(program, &name_count)) goto out;
  groupindex = PyDict_New();
  indexgroup = PyTuple_New((Py_ssize_t)program->groups + 1);
  flags = PyLong_FromLongLong(program->flags);
  groups = PyLong_FromLongLong(program->groups);
  if (!groupindex || !indexgroup || !flags || !groups) goto out;
  for (uint32_t i = 0; i <= program->groups; i++) {
    Py_IncRef(&_Py_NoneStruct);
    if (PyTuple_SetItem(indexgroup, (Py_ssize_t)i, &_Py_NoneStruct) != 0) goto out;
  }
  for (uint32_t i = 0; i < name_count; i++) {
    if (!put_name(program, groupindex, indexgroup)) goto out;
  }
  result = PyObject_CallFunctionObjArgs(regex.build, pattern, flags, code, groups, groupindex, indexgroup, NULL);
out:
  drop(code);
  drop(groupindex);
  drop(indexgroup);
  drop(flags);
  drop(groups);
  return result;
}

/* Fills in the question; false when it is none that is ever answered here. */
static bool question_of(PyObject *pattern, PyObject *flags, struct pycds_question *head, const char **text,
                        Py_ssize_t *bytes) {
  *head = (struct pycds_question){.kind = PYCDS_QUESTION_REGEX};
  if (flags) {
    if (!PyType_IsSubtype(type_of(flags), &PyLong_Type)) return false;
    long long value = PyLong_AsLongLong(flags);
    if (value < 0 || value > UINT32_MAX) return false;
    head->flags = (uint32_t)value;
  }
  if (type_of(pattern) == &PyUnicode_Type) {
    *text = PyUnicode_AsUTF8AndSize(pattern, bytes);
    return *text != NULL;
  }
  head->type = PYCDS_PATTERN_BYTES;
  char *data;
  if (type_of(pattern) != &PyBytes_Type || PyBytes_AsStringAndSize(pattern, &data, bytes) != 0) return false;
  *text = data;
  return true;
}

/* Somebody may have replaced the parts of re that the stock function would use. */
static bool is_stock(void) {
  return item_of(regex.names, regex.code_key) == regex.code_function &&
         item_of(regex.names, regex.parser_key) == regex.parser &&
         item_of(regex.parser_names, regex.parse_key) == regex.parse_function;
}

static PyObject *answer(PyObject *pattern, PyObject *flags) {
  struct pycds_question head;
  struct pycds_regex program;
  const char *text;
  const uint8_t *bytes;
  Py_ssize_t length;
  uint32_t count;
  if (!question_of(pattern, flags, &head, &text, &length) || !is_stock()) {
    PyErr_Clear();
    return NULL;
  }
  double start = report_wanted() ? report_clock() : 0;
  PyObject *result = NULL;
  if (cache_ask(&head, NULL, text, (size_t)length, &bytes, &count)) {
    if (pycds_regex_open(bytes, count, &program)) result = build_pattern(pattern, &program);
    cache_release();
    PyErr_Clear();
  }
  report_cached(REPORT_REGEX, result != NULL);
  if (report_wanted()) report.milliseconds += report_clock() - start;
  return result;
}

static PyObject *compile(PyObject *self, PyObject *args, PyObject *keywords) {
  (void)self;
  Py_ssize_t count = PySequence_Size(args);
  if (!keywords && (count == 1 || count == 2)) {
    PyObject *result = answer(PyTuple_GetItem(args, 0), count == 2 ? PyTuple_GetItem(args, 1) : NULL);
    if (result) return result;
  }
  return PyObject_Call(regex.stock, args, keywords);
}

/* ---- taking the place of re's compile() ---- */

static PyMethodDef compile_method = {"compile", (PyCFunction)(void (*)(void))compile, METH_VARARGS | METH_KEYWORDS,
                                     "compile(p, flags=0)\n--\n\n"};

static bool take(PyObject *object, const char *name, PyObject **out) {
  *out = object ? PyObject_GetAttrString(object, name) : NULL;
  return *out != NULL;
}

static bool same_namespace(PyObject *function, PyObject *module) {
  PyObject *globals, *dict = NULL;
  bool same = take(function, "__globals__", &globals) && take(module, "__dict__", &dict) && globals == dict;
  drop(globals);
  drop(dict);
  return same;
}

static void attach(PyObject *module) {
  PyObject *function = NULL, *sre = NULL, *name = NULL;
  if (!take(module, "compile", &function) || !same_namespace(function, module)) goto out;
  const char *parser = regex.modules[0][0] == 'r' ? "_parser" : "sre_parse"; /* the name in the compiler */
  regex.parser_key = PyUnicode_InternFromString(parser);
  regex.code_key = PyUnicode_InternFromString("_code");
  regex.parse_key = PyUnicode_InternFromString("parse");
  if (!regex.parser_key || !regex.code_key || !regex.parse_key) goto out;
  if (!take(module, "__dict__", &regex.names) || !take(module, parser, &regex.parser) ||
      !take(module, "_code", &regex.code_function) || !take(regex.parser, "parse", &regex.parse_function) ||
      !take(regex.parser, "__dict__", &regex.parser_names) || !take(module, "_sre", &sre) ||
      !take(sre, "compile", &regex.build) || !take(module, "__name__", &name)) {
    goto out;
  }
  regex.stock = function;
  regex.own = PyCFunction_NewEx(&compile_method, NULL, name); /* like the stock function kept for good */
  if (regex.own && PyObject_SetAttrString(module, "compile", regex.own) == 0) function = NULL;
out:
  drop(name);
  drop(sre);
  drop(function);
  PyErr_Clear();
}

static bool all_served(void) {
  for (unsigned i = 0; i < 4 && regex.modules[i]; i++) {
    if (!(regex.served & 1u << i)) return false;
  }
  return true;
}

void cache_regex_found(const char *name, size_t length, PyObject *code) {
  if (!regex.wanted || length < 9 || name[0] != regex.modules[0][0] || name[1] != regex.modules[0][1]) return;
  for (unsigned i = 0; i < 4 && regex.modules[i]; i++) {
    if (strlen(regex.modules[i]) != length || memcmp(name, regex.modules[i], length) != 0) continue;
    regex.served |= 1u << i;
    if (i == 0) regex.compiler_code = code;
  }
}

void cache_regex_ran(PyObject *code, PyObject *module) {
  if (!code || code != regex.compiler_code) return;
  regex.compiler_code = NULL;
  if (all_served()) attach(module);
}

void cache_regex_ran_in(PyObject *code, PyObject *namespace) {
  if (!code || code != regex.compiler_code || type_of(namespace) != &PyDict_Type) return;
  PyObject *name = PyDict_GetItemString(namespace, "__name__");
  PyObject *module = name ? PyDict_GetItemWithError(PyImport_GetModuleDict(), name) : NULL;
  if (module && type_of(module) == &PyModule_Type && PyModule_GetDict(module) == namespace)
    cache_regex_ran(code, module);
  PyErr_Clear();
}

/* Imported before the hook: then not from the archive, but perhaps from the same files. */
static bool is_unchanged(struct archive *archive, const char *name) {
  const struct pycds_header *header = &archive->header;
  struct found found;
  if (archive_find(archive, ARCHIVE_NAME, name, strlen(name), &found) != PYCDS_SERVED) return false;
  struct facts facts = facts_of(&found);
  return search_check_source(&facts, header->validate, header->python_magic) == PYCDS_SERVED;
}

static bool are_unchanged(struct archive *archives, unsigned count) {
  for (unsigned i = 0; i < 4 && regex.modules[i]; i++) {
    bool found = false;
    for (unsigned j = 0; j < count && !found; j++) found = is_unchanged(&archives[j], regex.modules[i]);
    if (!found) return false;
  }
  return true;
}

void cache_regex_start(struct archive *archives, unsigned count) {
  if (regex.wanted) return;
  regex.wanted = true;
  regex.modules = own_modules[archives->header.hexversion >= CPYTHON_3_11];
  PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), regex.modules[0]);
  if (module && are_unchanged(archives, count)) attach(module);
}

bool cache_regex_is_due(void) { return regex.compiler_code != NULL; }

PyObject *cache_regex_own(void) { return regex.own; }
