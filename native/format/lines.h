// SPDX-License-Identifier: Apache-2.0
// Everything that the runtime says on stderr, each line behind LINE_START and the number of its process. Who reads them
// is made from this by `npm run gen` (src/artifact/kind/line-forms.ts); what stands behind a line are the kinds of its values:
//   NAME of a module, which may be a path; PATH; CODE of a .def file; COUNT; TIME in milliseconds; PERCENT; TEXT.
// A reader takes the first form that fits a line.
#ifndef PYCDS_LINES_H
#define PYCDS_LINES_H

#define LINE_START "pycds[%d]: "

/* The summary of PYCDS=report. */
#define LINE_MODULES                                                                                                   \
  "served %lu of %lu path-based modules (%.1f %%) from %s, %.1f ms in the runtime" /* COUNT COUNT PERCENT PATH TIME */
#define LINE_BESIDE "%lu of them from what was learned beside it"                  /* COUNT */
#define LINE_COMPILATIONS "served %lu of %lu compilations of %s"                   /* COUNT COUNT TEXT */
#define LINE_NOT_SERVED "not served: %s%s"                                         /* TEXT TEXT */
#define LINE_NOT_USED "archive %s not used: %s: %s"                                /* PATH CODE TEXT */
#define LINE_SNAPSHOT_NOT_USED "snapshot %s not used: %s: %s%s%s"                  /* PATH CODE TEXT TEXT TEXT */
#define LINE_SNAPSHOT_USED                                                                                             \
  "snapshot %s: thawed %lu modules in %.1f ms; %lu from the archive" /* PATH COUNT TIME COUNT */
#define LINE_SNAPSHOT_IDLE                                                                                             \
  "snapshot %s: thawed in %.1f ms, but none of its modules is used, since the archive is not: %s" /* PATH TIME CODE */
#define LINE_SOME_NOT_READY                                                                                            \
  "%lu of %lu import statements did not find their modules ready (PYCDS_LOG=1 tells why)" /* COUNT COUNT */
#define LINE_LEARNING "learning: %s: %s"                                                  /* CODE TEXT */

/* PYCDS=require. */
#define LINE_UNMET "PYCDS=require, but %s is not used: %s: %s" /* PATH CODE TEXT */

/* PYCDS_LOG, as it happens. */
#define LINE_THAWED "snapshot thawed in %.1f ms"                 /* TIME */
#define LINE_THAWED_AT_ONCE "snapshot thawed at once in %.1f ms" /* TIME */
#define LINE_NOT_THAWED "snapshot %s"                            /* CODE */
#define LINE_NOT_THAWED_FOR "snapshot %s: %s"                    /* CODE NAME */
#define LINE_NOT_AT_ONCE "not at once: %s"                       /* CODE */
#define LINE_REJECTED "rejected %s"                              /* CODE */
#define LINE_READY "ready %s: %lu modules"                       /* NAME COUNT */
#define LINE_NOT_READY "not ready %s: %s: %s%s%s"                /* NAME NAME TEXT TEXT TEXT */
#define LINE_MISSED "missed %s %s"                               /* NAME CODE */
#define LINE_SERVED "served %s"                                  /* NAME */

#endif
