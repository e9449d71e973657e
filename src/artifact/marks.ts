// SPDX-License-Identifier: Apache-2.0
// What artifacts leave in the configuration of an image, by name. Nothing is imported here: whoever only reads or
// writes a configuration, such as the frontend, or takes away what an earlier bake has left, needs no more of them.

/** The archive, in the folder of a bake. */
export const ARCHIVE_NAME = 'app.cds'

/** The process snapshot, which the runtime looks for beside the archive. */
export const SNAPSHOT_NAME = 'app.snap'

/** The library that a snapshot was made with, and whose code its processes begin with. */
export const SNAPSHOT_LIBRARY_NAME = 'pycds-freeze.so'

/** The variables by which the containers of an image find what lies in the folder of a bake. */
export function artifactEnvironment(folder: string) {
  return { PYCDS_ARCHIVE: `${folder}/${ARCHIVE_NAME}` }
}

/** Their names: what a training run must not see, and a new bake takes away. */
export const ARTIFACT_VARIABLES: readonly string[] = Object.keys(artifactEnvironment(''))

/** The file in which an image says where it learns; in the folder of a bake. */
export const LEARN_NAME = 'learn'

/** The variable by which the containers of a prepared image find the directory in which they learn. */
export function learnEnvironment(directory: string) {
  return { PYCDS_LEARN: directory }
}

/** Its name: what runs of an image must not see, since they would learn what their container takes away again. */
export const LEARN_VARIABLES: readonly string[] = Object.keys(learnEnvironment(''))
