// SPDX-License-Identifier: Apache-2.0
// Root file systems for containers. Unpacking takes seconds, so one that a container has only added files to is
// taken back to what it was and used again.
import type { ImageContents } from '../../oci/index.js'
import { openLayer } from '../../oci/index.js'
import {
  compareSnapshots,
  type Difference,
  revertAdditions,
  type Snapshot,
  type Tree,
  takeSnapshot,
  unpack,
} from '../../rootfs/index.js'
import { removeTree, type Workspace } from './workspace.js'

/** An unpacked image, used by one container at a time. */
export interface Root {
  readonly image: string
  readonly directory: string
  readonly tree: Tree
  readonly ownersKept: boolean
  /** As the image is. */
  baseline: Snapshot
}

/** Unpacks images, lends their roots and takes them back. */
export class RootPool {
  readonly #contents: (image: string) => ImageContents
  readonly #workspace: Workspace
  readonly #idle: Root[] = []
  readonly #stop = new AbortController()

  constructor(contents: (image: string) => ImageContents, workspace: Workspace) {
    this.#contents = contents
    this.#workspace = workspace
  }

  /** @param keepsOwners whether files may have the owners of the image. */
  async lend(image: string, keepsOwners: boolean): Promise<Root> {
    const at = this.#idle.findIndex((root) => root.image === image)
    const [idle] = at < 0 ? [] : this.#idle.splice(at, 1)
    if (idle !== undefined) return idle
    const { layers, subject } = this.#contents(image)
    const directory = await this.#workspace.make('root')
    const sources = layers.map((layer) => ({
      subject: `${subject}: layer ${layer.descriptor.digest}`,
      open: () => openLayer(layer, subject),
    }))
    try {
      const unpacked = await unpack(sources, directory, { signal: this.#stop.signal, keepsOwners })
      return { image, directory, ...unpacked, baseline: takeSnapshot(directory) }
    } catch (error) {
      await removeTree(directory)
      throw error
    }
  }

  /** Takes a root back after everything in it has ended. */
  async giveBack(root: Root, wasTouched: boolean): Promise<void> {
    if (wasTouched && !this.#revert(root)) await removeTree(root.directory)
    else this.#idle.push(root)
  }

  /** Ends unpacking that is going on. */
  stop(reason: Error): void {
    this.#stop.abort(reason)
  }

  #revert(root: Root): boolean {
    const differences = differencesOf(root)
    if (!revertAdditions(root.directory, root.baseline, differences)) return false
    root.baseline = takeSnapshot(root.directory)
    return true
  }
}

/** What differs from the image in a root. */
export function differencesOf(root: Root): Difference[] {
  return compareSnapshots(root.baseline, takeSnapshot(root.directory))
}
