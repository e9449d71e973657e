// SPDX-License-Identifier: Apache-2.0
// Sees who looks at frames, in a template that is watched: attributes of frames and sys._getframe tell nobody themselves.
#include "frames.h"

#include "../../cpython/object.h"

PYCDS_PYAPI int PySys_SetObject(const char *, PyObject *);
PYCDS_PYAPI extern PyTypeObject PyFrame_Type;

/* Include/descrobject.h */
struct getset {
  const char *name;
  PyObject *(*get)(PyObject *, void *);
};
struct getset_descriptor {
  struct {
    Py_ssize_t references;
    PyTypeObject *type;
  } head;
  PyTypeObject *of;
  PyObject *name, *qualified_name;
  struct getset *getset;
};

static struct {
  PyObject *note;
  PyObject *getframe, *module_name;
  PyObject *(*back)(PyObject *, void *);
  bool noting; /* what is noted looks at frames too */
} frames;

static void tell(PyObject *start, PyObject *frame) {
  if (frames.noting || !frame) return;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  frames.noting = true;
  drop(PyObject_CallFunctionObjArgs(frames.note, start, frame, NULL));
  frames.noting = false;
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
}

static PyObject *back(PyObject *frame, void *closure) {
  PyObject *caller = frames.back(frame, closure);
  tell(frame, caller);
  return caller;
}

static PyObject *getframe(PyObject *self, PyObject *args) {
  (void)self;
  PyObject *frame = PyObject_Call(frames.getframe, args, NULL);
  tell(&_Py_NoneStruct, frame);
  return frame;
}

/* Since 3.12: the name of the module of a frame, without the frame. */
static PyObject *module_name(PyObject *self, PyObject *args, PyObject *keywords) {
  (void)self;
  PyObject *named = keywords ? PyDict_GetItemString(keywords, "depth") : NULL;
  PyObject *frame =
      named ? PyObject_CallFunctionObjArgs(frames.getframe, named, NULL) : PyObject_Call(frames.getframe, args, NULL);
  PyErr_Clear();
  tell(&_Py_NoneStruct, frame);
  drop(frame);
  return PyObject_Call(frames.module_name, args, keywords);
}

static bool stand_in(PyMethodDef *method, PyObject **original) {
  *original = PySys_GetObject(method->ml_name);
  if (!*original) return false;
  Py_IncRef(*original);
  PyObject *function = PyCFunction_NewEx(method, *original, NULL);
  bool done = function && PySys_SetObject(method->ml_name, function) == 0;
  drop(function);
  return done;
}

bool frames_watch(PyObject *note) {
  static PyMethodDef by_number = {"_getframe", getframe, METH_VARARGS, NULL};
  static PyMethodDef of_module = {"_getframemodulename", (PyCFunction)(void (*)(void))module_name,
                                  METH_VARARGS | METH_KEYWORDS, NULL};
  frames.note = note;
  if (!stand_in(&by_number, &frames.getframe)) return false;
  if (PySys_GetObject(of_module.ml_name) && !stand_in(&of_module, &frames.module_name)) return false;
  PyObject *descriptor = PyObject_GetAttrString((PyObject *)&PyFrame_Type, "f_back");
  if (!descriptor) return false;
  /* Never given back. */
  struct getset *getset = ((struct getset_descriptor *)(void *)descriptor)->getset;
  frames.back = getset->get;
  getset->get = back;
  return true;
}
