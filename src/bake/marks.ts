// SPDX-License-Identifier: Apache-2.0
// The names that a baked image is known by. Nothing is imported here: whoever only reads or writes a
// configuration needs no more of a bake.

export const ARCHIVE_FOLDER = '/opt/pycds'
export const ARCHIVE_NAME = 'app.cds'
export const ARCHIVE_PATH = `${ARCHIVE_FOLDER}/${ARCHIVE_NAME}`

export const LABELS = {
  layer: 'io.pycds.layer',
  source: 'io.pycds.source',
  version: 'io.pycds.version',
  python: 'io.pycds.python',
} as const

export const ARCHIVE_ENV = { PYCDS_ARCHIVE: ARCHIVE_PATH }
