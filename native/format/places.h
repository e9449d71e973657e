// SPDX-License-Identifier: Apache-2.0
// Where what is put into an image lies, and what starts leave where they learn. Who writes that and who finds it are of two
// languages; src/marks/places.ts is made from this by `npm run gen`.
#ifndef PYCDS_PLACES_H
#define PYCDS_PLACES_H

/* What has no other place in an image; for a user who cannot write there, a folder beside the runtime, which looks there
 * first. */
#define PYCDS_FOLDER "/opt/pycds"
#define PYCDS_BESIDE_FOLDER "_pycds.data"

/* In that folder; a snapshot lies beside the archive that it was made with. */
#define PYCDS_ARCHIVE_NAME "app.cds"
#define PYCDS_SNAPSHOT_NAME "app.snap"
/* The program in front of an entrypoint that goes on in the snapshot at once. */
#define PYCDS_START_NAME "start"
/* Says where an image learns. */
#define PYCDS_LEARN_NAME "learn"

/* In a site directory. `site` reads .pth files in order of name; this one must come before those that import. */
#define PYCDS_HOOK_NAME "00-pycds.pth"
#define PYCDS_RUNTIME_NAME "_pycds.abi3.so"
/* By what every hook begins with it is known among source strings, also that of another version. */
#define PYCDS_HOOK_START "import os; exec(\"try:\\n import _pycds\\nexcept Exception:\\n pass\") "

/* In a directory in which starts learn, behind the key of a kind of start: the archive, and its records without code. */
#define PYCDS_LEARNED_ARCHIVE ".cds"
#define PYCDS_LEARNED_RECORDS ".learned"
/* Records of a start that ended before there was an archive of them, and a byte for each time that one was begun. */
#define PYCDS_LEARNED_KEPT ".records"
#define PYCDS_LEARNED_TRIES ".tries"
/* In front of a user's number: a directory of their own in one that others may write to. */
#define PYCDS_LEARNED_OF_USER "pycds-"

#endif
