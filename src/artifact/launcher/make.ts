// SPDX-License-Identifier: Apache-2.0
// The program that an entrypoint begins with whose starts go on in a snapshot at once. It needs none: without one it becomes
// what follows it, so that an entrypoint which somebody else has written starts all the same.
import type { Artifact } from '../../layer/artifact.js'
import { START_NAME } from '../../marks/places.js'

export function makeLauncher(body: Buffer): Artifact {
  return {
    kind: 'launcher',
    files: (folder) => [{ path: `${folder}/${START_NAME}`, mode: 0o555, body }],
    environment: () => ({}),
    labels: {},
  }
}
