// SPDX-License-Identifier: Apache-2.0
// The names that a baked image is known by. Nothing is imported here: whoever only reads or writes a
// configuration needs no more of a bake.

/** Where a bake keeps what has no other place in an image. */
export const FOLDER = '/opt/pycds'
export const MANIFEST_NAME = 'manifest.json'
export const MANIFEST_PATH = `${FOLDER}/${MANIFEST_NAME}`

export const LABELS = {
  layer: 'io.pycds.layer',
  source: 'io.pycds.source',
  version: 'io.pycds.version',
  python: 'io.pycds.python',
  key: 'io.pycds.key',
  /** The directory of a prepared image. */
  learn: 'io.pycds.learn',
} as const
