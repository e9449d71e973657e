// SPDX-License-Identifier: Apache-2.0
// Root file systems for containers. Unpacking takes long, so there are as few as possible: many may read one at the
// same time, one that a container has only added files to is taken back to what it was, and an image that another one
// continues by a layer of new files is made from it and turned into it again.
import { join } from 'node:path'
import type { ImageContents, LayerContents } from '../../oci/index.js'
import { openLayer } from '../../oci/index.js'
import {
  type Additions,
  additionsOf,
  type Difference,
  findDifferences,
  type Moment,
  nextMoment,
  putOnTop,
  removeAdditions,
  revertAdditions,
  type Tree,
  type UnpackLayer,
  unpack,
} from '../../rootfs/index.js'
import { removeTree, type Workspace } from './workspace.js'

/** An unpacked image. */
export interface Root {
  readonly image: string
  readonly directory: string
  readonly tree: Tree
  readonly ownersKept: boolean
  /** When it was as the image is. */
  readonly since: Moment
}

/** What the pool knows of a root. */
interface Held {
  root: Root
  /** The image that was unpacked, when `root` has one more layer. */
  below: { image: string; tree: Tree; additions: Additions } | undefined
  /** Lent to a container that may change it. */
  isLent: boolean
  /** Who reads it right now. */
  readonly readers: Set<Promise<unknown>>
}

export interface RootPoolOptions {
  contents(image: string): ImageContents
  workspace: Workspace
  /** Told before an image is unpacked, which takes long; what is returned is called at its end. */
  onUnpack(subject: string): (failed: boolean) => void
}

/** Unpacks images, lends their roots and takes them back. */
export class RootPool {
  readonly #options: RootPoolOptions
  readonly #held: Held[] = []
  readonly #stop = new AbortController()
  #isUsed = false
  /** Roots are found or made one after the other, so that two who want the same one get it. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: RootPoolOptions) {
    this.#options = options
  }

  /** Whether an image was unpacked. */
  get isUsed(): boolean {
    return this.#isUsed
  }

  /**
   * Lends a root to one container.
   * @param keepsOwners whether files may have the owners of the image.
   */
  lend(image: string, keepsOwners: boolean): Promise<Root> {
    return this.#inTurn(async () => {
      const held = await this.#obtain(image, keepsOwners)
      await Promise.all(held.readers)
      held.isLent = true
      return held.root
    })
  }

  /** Lends a root for reading; it is as the image is as long as `use` goes on. */
  async read<T>(image: string, keepsOwners: boolean, use: (root: Root) => Promise<T>): Promise<T> {
    const [reading] = await this.#inTurn(async () => {
      const found = await this.#obtain(image, keepsOwners)
      const used = use(found.root)
      const settled = used.catch(() => {})
      found.readers.add(settled)
      void settled.then(() => found.readers.delete(settled))
      // In an array, since it is not awaited here: others may read meanwhile.
      return [used] as const
    })
    return await reading
  }

  /** Takes a root back after everything in it has ended. */
  async giveBack(root: Root, wasTouched: boolean): Promise<void> {
    const held = this.#held.find((one) => one.root === root)
    if (held === undefined) return
    if (wasTouched && !(await this.#revert(held))) {
      this.#held.splice(this.#held.indexOf(held), 1)
      if (!this.#stop.signal.aborted) await removeTree(root.directory)
      return
    }
    held.isLent = false
  }

  /** Ends unpacking that is going on. */
  stop(reason: Error): void {
    this.#stop.abort(reason)
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return await result
  }

  /** A root of the image that nobody may change right now. */
  async #obtain(image: string, keepsOwners: boolean): Promise<Held> {
    const idle = this.#held.filter(({ isLent }) => !isLent)
    const found = idle.find(({ root }) => root.image === image)
    if (found !== undefined) return found
    for (const held of idle) if (await this.#turnInto(held, image)) return held
    const held = await this.#unpack(image, keepsOwners)
    this.#held.push(held)
    return held
  }

  /** Makes of an idle root one of another image where only the last layer differs. */
  async #turnInto(held: Held, image: string): Promise<boolean> {
    const { contents } = this.#options
    const below = held.below?.image ?? held.root.image
    const wanted = contents(image)
    const top = layerOnTop(contents(below).layers, wanted.layers)
    if (below !== image && top === undefined) return false
    const tree = held.below?.tree ?? held.root.tree
    const layer = top && toUnpack(top, wanted.subject)
    const additions = layer && (await additionsOf(layer, tree))
    if (below !== image && additions === undefined) return false
    await Promise.all(held.readers)
    const { directory, ownersKept } = held.root
    try {
      if (held.below !== undefined) removeAdditions(directory, ownersKept, held.below.additions)
      held.below = undefined
      held.root = { image: below, directory, tree, ownersKept, since: 0 }
      if (layer !== undefined && additions !== undefined) {
        const first = contents(below).layers.length
        const both = await putOnTop(
          layer,
          directory,
          { tree, ownersKept, first },
          additions,
          this.#stop.signal,
        )
        held.below = { image: below, tree, additions }
        held.root = { image, directory, tree: both, ownersKept, since: 0 }
      }
      held.root = { ...held.root, since: await nextMoment(probeBeside(directory)) }
    } catch (error) {
      // Between two images it is of no use.
      this.#held.splice(this.#held.indexOf(held), 1)
      if (!this.#stop.signal.aborted) await removeTree(directory)
      throw error
    }
    return true
  }

  async #unpack(image: string, keepsOwners: boolean): Promise<Held> {
    const { contents, workspace, onUnpack } = this.#options
    const { layers, subject } = contents(image)
    const directory = await workspace.make('root')
    const done = onUnpack(subject)
    this.#isUsed = true
    try {
      for (const { blob } of layers) blob.prefetch?.()
      const sources = layers.map((layer) => toUnpack(layer, subject))
      const unpacked = await unpack(sources, directory, { signal: this.#stop.signal, keepsOwners })
      const since = await nextMoment(probeBeside(directory))
      done(false)
      return {
        root: { image, directory, ...unpacked, since },
        below: undefined,
        isLent: false,
        readers: new Set(),
      }
    } catch (error) {
      done(true)
      // Whoever stops it removes all there is, at once.
      if (!this.#stop.signal.aborted) await removeTree(directory)
      throw error
    }
  }

  async #revert(held: Held): Promise<boolean> {
    const { root } = held
    if (!revertAdditions(root, await differencesOf(root))) return false
    held.root = { ...root, since: await nextMoment(probeBeside(root.directory)) }
    return true
  }
}

/** What differs from the image in a root. */
export function differencesOf({ directory, tree, since }: Root): Promise<Difference[]> {
  return findDifferences(directory, tree.root, since)
}

function probeBeside(directory: string): string {
  return join(directory, '..', 'clock')
}

function toUnpack(layer: LayerContents, subject: string): UnpackLayer {
  return {
    subject: `${subject}: layer ${layer.descriptor.digest}`,
    open: () => openLayer(layer, subject),
  }
}

/** The layer that one image has more than another; undefined when they differ in anything else. */
function layerOnTop(
  lower: readonly LayerContents[],
  upper: readonly LayerContents[],
): LayerContents | undefined {
  const continues =
    upper.length === lower.length + 1 && lower.every(({ diffId }, at) => diffId === upper[at]?.diffId)
  return continues ? upper.at(-1) : undefined
}
