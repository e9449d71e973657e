// SPDX-License-Identifier: Apache-2.0
// Imports modules into a template before it is frozen, and sets them aside: a process that is made of it has not imported
// them, until its program does.
//
//   recorder.py      what each import did, from its beginning to its end; with a file for each kind of thing:
//   namespaces.py, subclasses.py, environment.py, process.py, audited.py, warned.py, lookups.py, loggers.py, shared.py and others
//   record.py        what was seen in a template that is watched; with replaced.py, remembered.py, anew.py
//   table.py         the table of one that is frozen; with merge.py, prints.py, programs.py, taken.py
//   describe.py, documents.py, graph.py
//                    what both need: where modules are, records in files, who asks for whom
//   effects.py       what importing changes elsewhere: taken out, put back; renewals.py what single modules remember of their import
//   values.py        what modules hold, compared between templates
//   surroundings.py  what each import asked of its surroundings, and
//   program.py       of the program: asked again at each start; also
//   dates.py         what it compared with today's date
//   codecs.py, finalizers.py, generators.py, locals.py, processor.py
//                    single things that are taken out, and put back or made anew
//   authorities.py, authorities.c
//                    the certificates of TLS contexts that are made anew
//   variables.c  the environment that the C library has
//   seeded.py, engine.c
//                    generators of libraries, which see by a page that they are in another process
//   asking.c     sees calls of functions in C. In a template that is watched only
//   frames.c     who looks at frames
//   failing.c    what ends a template, and tells why
//   called.c     which code was executed for whom
//   probe.c      what watch.c has seen
//   libraries.c  the loaded libraries, and loading them anew
//   watch.c      a library of its own: what the C library is asked for. In a template that is watched only
//   holes.c      memory that is free
//   keys.c       keys of hash maps, which are others in each process
//   reversed.c   part of that: other orders of files in a directory
//   state.c      part of that: what the kernel and the C library keep for the process
#ifndef PYCDS_SNAPSHOT_WARM_H
#define PYCDS_SNAPSHOT_WARM_H

#include "../freeze/freeze.h"

/* Reads what is to be imported out of the environment, and takes it out of there. Before anything of Python runs. */
void warm_configure(void);

/* Imports the modules, and gives them to the runtime. A template that is watched writes its record to freeze.path, and
 * ends here. One in which modules were imported otherwise writes which beside freeze.path, and refuses. Without modules it
 * does nothing. */
void warm_import(void);

/* What there is of objects is never looked at by the collector again. The last thing that is done with objects. */
void warm_finish(void);

#endif
