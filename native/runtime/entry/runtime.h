// SPDX-License-Identifier: Apache-2.0
// The state of the runtime in this process: the archives in use, the main interpreter.
//
// How an import goes, once _pycds has opened the archive (module.c, archive/archive.c):
//
//   1. importlib's _find_and_load is ours: find_and_load in takeover.c. Where it is not, because importlib is unknown
//      or has been changed, our finder is asked for a spec: finder.c, which does 3 to 5 and leaves the rest to importlib.
//   2. A parent that is not there yet is imported first, as a module of its own (takeover.c).
//   3. The name is looked up: slot, record, unit; what was read is checked (archive/archive.c, format/archive_read.c).
//   4. Would importing without the archive lead to the same file? The finders in front and the import system are those
//      of training (decide/conditions.c), no directory that is searched earlier has the module, and the source is what
//      it was (decide/search.c).
//   5. The objects of the unit are made in the arena, with the shared constants that they need, and stay for good
//      (make/objects.c, after the operations of format/stream.h). The cached results of re are told (caches/regex.c).
//   6. Loader, spec and module are made as importlib would (make/parts.c).
//   7. The module is noted as being loaded, in the place of its lock (host/locks.c). Up to here the module itself has
//      left no trace: whatever did not fit has left the call to the original.
//   8. It enters sys.modules and its code runs; what can be seen of that, events and failures too, is in importlib's
//      order (takeover.c), and so are the frames below it (host/frames.c). What is young before and after it is moved out
//      of the collector's way (host/collector.c). Module bodies ask for compiled regular expressions and sources
//      (caches/).
//   9. It is bound to its parent, and who waits for it is woken up.
//
// Whatever else finds the file, the path finder or a finder of the program, ends in the method get_code of importlib's
// loader, and that is ours, too (get_code.c). It looks the unit up by the path of its source and does 5 when the source
// is what it was and nothing is replaced that the original would have called; where the file was looked for is not its
// business. Each unit is handed out once in a process, by whichever of the three ways.
#ifndef PYCDS_RUNTIME_RUNTIME_H
#define PYCDS_RUNTIME_RUNTIME_H

#include "../archive/facts.h"
#include "../host/importlib.h"

/* That of the image, and beside it one that an earlier start has learned; or one of the two. */
enum { RUNTIME_ARCHIVES = 2 };

extern struct runtime {
  struct archive archives[RUNTIME_ARCHIVES]; /* that of the image first */
  unsigned count;                            /* of those that are open and fit; 0: importing is left alone */
  const struct archive *learned;             /* the last of them, where it was learned */
  bool reads;                                /* importlib's get_code is ours */
  bool taken;                                /* importlib's _find_and_load is ours */
  PyObject *self;                            /* the module _pycds, which is the finder */
} runtime;

/* Finds a module in the archives by its name, or by the path of its source: what was learned is what that of the image
 * lacks, and comes first. What `found` points to lives until the next find, which
 * may come from any Python code that runs in between. Leaves no exception. */
enum pycds_miss runtime_find(enum archive_key key, struct text text, struct found *found);

/* Counts a module that comes from one of the archives. */
void runtime_served(struct archive *archive);

/* Whether the path finder, searching `path`, a list, would find the module. Runs no Python code. */
enum pycds_miss runtime_check(PyObject *path, const struct found *found);

/* Whether its source is what it was in training, as the archive asks for. Runs no Python code. */
enum pycds_miss runtime_check_source(const struct found *found);

#endif
