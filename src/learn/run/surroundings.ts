// SPDX-License-Identifier: Apache-2.0
// What surrounds a run of the image and is no part of it: never written to the image, a
// trace, a manifest or a log.
import type { ContainerSpec, Mount } from '../../ports/index.js'

export interface Surroundings {
  readonly env: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  /** `none`, `default`, or one of the engine's networks. */
  readonly network: string
  /** As `name:address`. */
  readonly hosts: readonly string[]
}

/** The image alone: what a run gets when nothing else is asked for. */
export const ALONE: Surroundings = Object.freeze({ env: {}, mounts: [], network: 'none', hosts: [] })

/** The fields of a container's specification, but for its environment, which runs add to. */
export function surround({
  mounts,
  network,
  hosts,
}: Surroundings): Pick<ContainerSpec, 'network' | 'mounts' | 'hosts'> {
  return { network, ...(mounts.length > 0 ? { mounts } : {}), ...(hosts.length > 0 ? { hosts } : {}) }
}

/** Whether a path lies in something that was only mounted. */
export function isMounted(path: string, { mounts }: Surroundings): boolean {
  return mounts.some(({ target }) => path === target || path.startsWith(`${target.replace(/\/+$/, '')}/`))
}
