// SPDX-License-Identifier: Apache-2.0
// The part of CPython's stable ABI that the runtime and the tracer use, declared here so
// that building needs no Python headers. Names and signatures: CPython's Doc/c-api.
#ifndef PYCDS_PYAPI_H
#define PYCDS_PYAPI_H

#include <stddef.h>
#include <stdint.h>

/* What is loaded into any program of a container is built with PYCDS_WEAK_PYAPI: a shell has none of these. */
#ifdef PYCDS_WEAK_PYAPI
#define PYCDS_PYAPI __attribute__((weak))
#else
#define PYCDS_PYAPI
#endif

typedef struct _object PyObject;
typedef struct _typeobject PyTypeObject;
typedef intptr_t Py_ssize_t;
typedef PyObject *(*PyCFunction)(PyObject *, PyObject *);
typedef PyObject *(*PyCFunctionFastWithKeywords)(PyObject *, PyObject *const *args, Py_ssize_t count,
                                                 PyObject *keywords);

typedef struct {
  const char *ml_name;
  PyCFunction ml_meth;
  int ml_flags;
  const char *ml_doc;
} PyMethodDef;

typedef struct {
  int slot;
  void *value;
} PyModuleDef_Slot;

typedef struct PyModuleDef {
  struct {
    intptr_t refcount;
    PyTypeObject *type;
    PyObject *(*init)(void);
    Py_ssize_t index;
    PyObject *copy;
  } base;
  const char *name, *doc;
  Py_ssize_t size;
  PyMethodDef *methods;
  PyModuleDef_Slot *slots;
  void *traverse, *clear, *free;
} PyModuleDef;

#define METH_VARARGS 1
#define METH_KEYWORDS 2
#define METH_NOARGS 4
#define METH_O 8
#define METH_CLASS 16
#define METH_FASTCALL 128
#define Py_mod_exec 2
#define Py_mod_multiple_interpreters 3 /* since 3.12 */
#define Py_mod_gil 4                   /* since 3.13 */
#define PY_MOD_PER_INTERPRETER_GIL_SUPPORTED ((void *)2)
#define PY_MOD_GIL_NOT_USED ((void *)1)
#define Py_single_input 256
#define Py_file_input 257
#define Py_eval_input 258

/* Data. Only addresses of types and singletons are used, never what they hold. */
extern PYCDS_PYAPI PyTypeObject PyUnicode_Type, PyBytes_Type, PyLong_Type, PyFloat_Type, PyComplex_Type, PyTuple_Type,
    PySlice_Type, PyCode_Type, PyModule_Type, PyList_Type, PyDict_Type, PyFunction_Type;
extern PYCDS_PYAPI PyObject _Py_NoneStruct, _Py_TrueStruct, _Py_FalseStruct, _Py_EllipsisObject;
extern PYCDS_PYAPI PyObject *PyExc_LookupError, *PyExc_KeyError, *PyExc_AttributeError, *PyExc_Exception,
    *PyExc_ImportWarning;
/* Weak: what 3.9 does not have is NULL there, and the library loads all the same. */
extern PYCDS_PYAPI PyTypeObject PyCFunction_Type;
extern PYCDS_PYAPI PyObject *PyExc_Warning, *PyExc_KeyboardInterrupt;
extern __attribute__((weak)) const unsigned long Py_Version; /* since 3.11 */
__attribute__((weak)) void _Py_DecRefShared(PyObject *);     /* only in free-threaded builds */

PYCDS_PYAPI void Py_IncRef(PyObject *);
PYCDS_PYAPI void Py_DecRef(PyObject *);
PYCDS_PYAPI PyObject *PyModuleDef_Init(PyModuleDef *);
PYCDS_PYAPI PyObject *PyDescr_NewMethod(PyTypeObject *, PyMethodDef *);
PYCDS_PYAPI PyObject *PyCFunction_NewEx(PyMethodDef *, PyObject *self, PyObject *module);
PYCDS_PYAPI PyCFunction PyCFunction_GetFunction(PyObject *);
PYCDS_PYAPI int PyCFunction_GetFlags(PyObject *);
PYCDS_PYAPI PyObject *PyImport_ImportModule(const char *);
PYCDS_PYAPI PyObject *PyImport_GetModuleDict(void);
PYCDS_PYAPI PyObject *PySys_GetObject(const char *); /* borrowed */
PYCDS_PYAPI PyObject *PyObject_GetAttrString(PyObject *, const char *);
PYCDS_PYAPI PyObject *PyObject_GetAttr(PyObject *, PyObject *);
PYCDS_PYAPI int PyObject_SetAttr(PyObject *, PyObject *, PyObject *);
PYCDS_PYAPI int PyObject_HasAttr(PyObject *, PyObject *);
PYCDS_PYAPI PyObject *PyObject_GetItem(PyObject *, PyObject *);
PYCDS_PYAPI PyObject *PyObject_CallMethodObjArgs(PyObject *, PyObject *name, ...);
PYCDS_PYAPI PyObject *PyModule_NewObject(PyObject *);
PYCDS_PYAPI PyObject *PyModule_GetDict(PyObject *); /* borrowed */
PYCDS_PYAPI int PyObject_SetAttrString(PyObject *, const char *, PyObject *);
PYCDS_PYAPI PyObject *PyObject_CallFunctionObjArgs(PyObject *, ...);
PYCDS_PYAPI PyObject *PyObject_Call(PyObject *, PyObject *args, PyObject *kwargs);
PYCDS_PYAPI int Py_EnterRecursiveCall(const char *where);
PYCDS_PYAPI void Py_LeaveRecursiveCall(void);
PYCDS_PYAPI PyObject *PyObject_Repr(PyObject *);
PYCDS_PYAPI int PyObject_IsTrue(PyObject *);
PYCDS_PYAPI PyObject *PyUnicode_FromStringAndSize(const char *, Py_ssize_t);
PYCDS_PYAPI PyObject *PyUnicode_DecodeUTF8(const char *, Py_ssize_t, const char *errors);
PYCDS_PYAPI PyObject *PyUnicode_FromOrdinal(int);
PYCDS_PYAPI const char *PyUnicode_AsUTF8AndSize(PyObject *, Py_ssize_t *);
PYCDS_PYAPI void PyUnicode_InternInPlace(PyObject **);
PYCDS_PYAPI PyObject *PyUnicode_InternFromString(const char *);
PYCDS_PYAPI int PyUnicode_Compare(PyObject *, PyObject *);
PYCDS_PYAPI PyObject *PyBytes_FromStringAndSize(const char *, Py_ssize_t);
PYCDS_PYAPI int PyBytes_AsStringAndSize(PyObject *, char **, Py_ssize_t *);
PYCDS_PYAPI PyObject *PyLong_FromLong(long);
PYCDS_PYAPI PyObject *PyLong_FromLongLong(long long);
PYCDS_PYAPI PyObject *PyLong_FromVoidPtr(void *);
PYCDS_PYAPI PyObject *PyLong_FromUnsignedLong(unsigned long);
PYCDS_PYAPI long PyLong_AsLong(PyObject *);
PYCDS_PYAPI unsigned long PyLong_AsUnsignedLongMask(PyObject *);
PYCDS_PYAPI long long PyLong_AsLongLong(PyObject *);
PYCDS_PYAPI double PyFloat_AsDouble(PyObject *);
PYCDS_PYAPI int PyType_IsSubtype(PyTypeObject *, PyTypeObject *);
PYCDS_PYAPI int PyList_SetItem(PyObject *, Py_ssize_t, PyObject *); /* steals */
PYCDS_PYAPI PyObject *PyTuple_New(Py_ssize_t);
PYCDS_PYAPI PyObject *PyTuple_GetItem(PyObject *, Py_ssize_t); /* borrowed */
PYCDS_PYAPI Py_ssize_t PyTuple_Size(PyObject *);
PYCDS_PYAPI int PyTuple_SetItem(PyObject *, Py_ssize_t, PyObject *);
PYCDS_PYAPI PyObject *PyFrozenSet_New(PyObject *);
PYCDS_PYAPI int PySet_Contains(PyObject *, PyObject *);
PYCDS_PYAPI PyObject *PyDict_New(void);
PYCDS_PYAPI PyObject *PyDict_GetItemString(PyObject *, const char *); /* borrowed */
PYCDS_PYAPI int PyDict_SetItemString(PyObject *, const char *, PyObject *);
PYCDS_PYAPI int PyDict_DelItemString(PyObject *, const char *);
PYCDS_PYAPI PyObject *PyDict_GetItemWithError(PyObject *, PyObject *); /* borrowed */
PYCDS_PYAPI int PyDict_SetItem(PyObject *, PyObject *, PyObject *);
PYCDS_PYAPI int PyDict_DelItem(PyObject *, PyObject *);
PYCDS_PYAPI int PyDict_Contains(PyObject *, PyObject *);
PYCDS_PYAPI int PyDict_Next(PyObject *, Py_ssize_t *, PyObject **key, PyObject **value);
PYCDS_PYAPI Py_ssize_t PyList_Size(PyObject *);
PYCDS_PYAPI int PyList_Insert(PyObject *, Py_ssize_t, PyObject *);
PYCDS_PYAPI PyObject *PyList_New(Py_ssize_t);
PYCDS_PYAPI int PyList_Append(PyObject *, PyObject *);
PYCDS_PYAPI int PyList_SetSlice(PyObject *, Py_ssize_t, Py_ssize_t, PyObject *);
PYCDS_PYAPI PyObject *PyList_GetItem(PyObject *, Py_ssize_t); /* borrowed */
PYCDS_PYAPI Py_ssize_t PySequence_Size(PyObject *);
PYCDS_PYAPI PyObject *PySequence_List(PyObject *);
PYCDS_PYAPI PyObject *PySequence_GetItem(PyObject *, Py_ssize_t);
PYCDS_PYAPI void PyErr_Clear(void);
PYCDS_PYAPI PyObject *PyErr_Occurred(void); /* borrowed */
PYCDS_PYAPI void PyErr_SetString(PyObject *, const char *);
PYCDS_PYAPI void PyErr_SetObject(PyObject *, PyObject *);
PYCDS_PYAPI int PyErr_ExceptionMatches(PyObject *);
PYCDS_PYAPI int PyErr_WarnFormat(PyObject *, Py_ssize_t stack_level, const char *, ...);
PYCDS_PYAPI void PyErr_Fetch(PyObject **, PyObject **, PyObject **);
PYCDS_PYAPI void PyErr_NormalizeException(PyObject **, PyObject **, PyObject **);
PYCDS_PYAPI void PyErr_Restore(PyObject *, PyObject *, PyObject *);
PYCDS_PYAPI int PyArg_ParseTuple(PyObject *, const char *, ...);
PYCDS_PYAPI int PyArg_ParseTupleAndKeywords(PyObject *, PyObject *, const char *, char **, ...);
PYCDS_PYAPI PyObject *PyEval_GetBuiltins(void); /* borrowed */
PYCDS_PYAPI PyObject *PyEval_EvalCode(PyObject *, PyObject *, PyObject *);
PYCDS_PYAPI PyObject *Py_CompileString(const char *, const char *, int);
PYCDS_PYAPI const char *Py_GetVersion(void);
PYCDS_PYAPI void *PyInterpreterState_Get(void);
PYCDS_PYAPI int64_t PyInterpreterState_GetID(void *);
PYCDS_PYAPI PyObject *PyInterpreterState_GetDict(void *); /* borrowed */
PYCDS_PYAPI int Py_IsInitialized(void);
PYCDS_PYAPI int Py_AtExit(void (*)(void));
PYCDS_PYAPI unsigned long PyThread_get_thread_ident(void);
/* Not in the stable ABI, but exported unchanged by 3.8 and everything later. */
PYCDS_PYAPI int PySys_AddAuditHook(int (*)(const char *, PyObject *, void *), void *);
PYCDS_PYAPI PyObject *PyMarshal_ReadObjectFromString(const char *, Py_ssize_t);
/* `flags` points to two ints: flags, and the minor version of the language. */
__attribute__((weak)) int PyEval_MergeCompilerFlags(void *flags);
__attribute__((weak)) PyObject *Py_CompileStringObject(const char *, PyObject *filename, int start, void *flags,
                                                       int optimize);
PYCDS_PYAPI int PySys_Audit(const char *, const char *format, ...);

#endif
