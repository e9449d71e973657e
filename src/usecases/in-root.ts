// SPDX-License-Identifier: Apache-2.0
// What the use cases share that work on a root file system at hand: that of a build step, or a virtual environment.
import { PycdsError } from '../errors/index.js'
import { BESIDE_FOLDER, FOLDER } from '../marks/places.js'
import type { ImageRoot, LayerFile } from '../ports/index.js'

/** How messages name an image that has no name yet. */
export const SUBJECT = 'being built'

/**
 * Started outside of a build this would change the machine; what is written elsewhere still runs there.
 * @param here whether the root is meant whatever it looks like
 * @param instead what else can be done, in the words of a hint
 * @throws USAGE
 */
export function assertImage({ here }: { here: boolean }, root: ImageRoot, instead: string): void {
  const sign = here ? undefined : root.wholeMachine()
  if (sign === undefined) return
  throw new PycdsError('USAGE', {
    message: `step: this is no image that is being built: ${sign}`,
    hint: `Start it by a RUN instruction of a Dockerfile, or ${instead}`,
  })
}

/** Where something can be put that has no place of its own: for a user who cannot write to /opt, and in a virtual environment. */
export function besideOf(siteDirectory: string): string {
  return `${siteDirectory}/${BESIDE_FOLDER}`
}

/** Where it goes. */
export function folderFor(
  siteDirectories: readonly string[],
  { output }: { output?: string },
  root: ImageRoot,
): string {
  return root.archiveFolder(FOLDER, besideOf(siteDirectories[0] ?? ''), output)
}

/** Files as results tell of them. */
export function sizesOf(files: readonly LayerFile[]): { path: string; bytes: number }[] {
  return files.map(({ path, body }) => ({ path, bytes: body.length }))
}
