// SPDX-License-Identifier: Apache-2.0
// What a user says of a snapshot.

/** How far the processor may be used: the features of x86-64-v2 or v3, or all of the one at hand. */
export type SnapshotCpu = 'v2' | 'v3' | 'native'

/**
 * What goes on in it: the Python that the entrypoint starts, at its hook, as every other; or the entrypoint at once, by a program
 * in front of it.
 */
export type SnapshotLaunch = 'hook' | 'entrypoint'

export interface SnapshotOptions {
  cpu: SnapshotCpu
  /** Globs of module names that are imported in advance though they are no libraries. */
  include: readonly string[]
  /** Globs of module names that are not, with all that imports them. */
  exclude: readonly string[]
  launch: SnapshotLaunch
}
