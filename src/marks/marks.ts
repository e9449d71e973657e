// SPDX-License-Identifier: Apache-2.0
// The names that a baked image is known by, and what its artifacts leave in a configuration. Whoever only reads or writes
// a configuration, such as the frontend, or takes away what an earlier bake has left, needs no more of a bake.
import { ARCHIVE_NAME, FOLDER } from './places.js'

/** In the folder of a bake: what was baked, from what. */
export const MANIFEST_NAME = 'manifest.json'
export const MANIFEST_PATH = `${FOLDER}/${MANIFEST_NAME}`

/** The library that a snapshot was made with, and whose code its processes begin with. */
export const SNAPSHOT_LIBRARY_NAME = 'pycds-freeze.so'

export const LABELS = {
  layer: 'io.pycds.layer',
  source: 'io.pycds.source',
  version: 'io.pycds.version',
  python: 'io.pycds.python',
  key: 'io.pycds.key',
  /** What the layer hides of those below it, which a bake that takes it off has to hide again. */
  hides: 'io.pycds.hides',
  /** The directory of a prepared image. */
  learn: 'io.pycds.learn',
} as const

/** What the history of an image says of its layer, by what has made it. */
export const COMMENTS = {
  bake: 'code data sharing archive',
  prepare: 'code data sharing at the first start',
} as const

/** The variables by which the containers of an image find what lies in the folder of a bake. */
export function artifactEnvironment(folder: string) {
  return { PYCDS_ARCHIVE: `${folder}/${ARCHIVE_NAME}` }
}

/** Their names: what a training run must not see, and a new bake takes away. */
export const ARTIFACT_VARIABLES: readonly string[] = Object.keys(artifactEnvironment(''))

/** Where the containers of a prepared image learn, unless PYCDS_LEARN says otherwise. */
export const LEARN_DIRECTORY = '/var/cache/pycds'

/** The variable by which the containers of a prepared image find the directory in which they learn. */
export function learnEnvironment(directory: string) {
  return { PYCDS_LEARN: directory }
}

/** Its name: what runs of an image must not see, since they would learn what their container takes away again. */
export const LEARN_VARIABLES: readonly string[] = Object.keys(learnEnvironment(''))
