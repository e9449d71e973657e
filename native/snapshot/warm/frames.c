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
  PyObject *getframe;
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

bool frames_watch(PyObject *note) {
  static PyMethodDef method = {"_getframe", getframe, METH_VARARGS, NULL};
  frames.note = note;
  frames.getframe = PySys_GetObject("_getframe");
  if (!frames.getframe) return false;
  Py_IncRef(frames.getframe);
  PyObject *descriptor = PyObject_GetAttrString((PyObject *)&PyFrame_Type, "f_back");
  PyObject *function = PyCFunction_NewEx(&method, frames.getframe, NULL);
  if (!descriptor || !function || PySys_SetObject("_getframe", function) != 0) return false;
  drop(function);
  /* Never given back. */
  struct getset *getset = ((struct getset_descriptor *)(void *)descriptor)->getset;
  frames.back = getset->get;
  getset->get = back;
  return true;
}
