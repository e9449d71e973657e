// SPDX-License-Identifier: Apache-2.0
// Not an archive, but the place in which containers learn one: a file that the runtime reads where no variable may
// choose a path, a variable for everything else, and the directory itself.
import type { Artifact } from '../../layer/artifact.js'
import { LABELS, learnEnvironment } from '../../marks/marks.js'
import { LEARN_NAME } from '../../marks/places.js'

/** Others write to it, too; the runtime makes a directory of its own in it for each user. */
const SHARED = { mode: 0o1777, uid: 0, gid: 0 }
/** Programs that make backups leave such directories out (bford.info/cachedir). */
const TAG = 'Signature: 8a477f597d28d172789f06886806bc55\n# Archives that pycds-image has learned.\n'

/**
 * @param directory absolute
 * @param image what tells this image from another; starts of two images learn apart
 */
export function makeLearning(directory: string, image: string): Artifact {
  return {
    kind: 'learning',
    files: (folder) => [
      { path: `${folder}/${LEARN_NAME}`, mode: 0o444, body: Buffer.from(`${directory}\n${image}\n`) },
      { path: `${directory}/CACHEDIR.TAG`, mode: 0o444, body: Buffer.from(TAG), directory: SHARED },
    ],
    environment: () => learnEnvironment(directory),
    labels: { [LABELS.learn]: directory },
  }
}
