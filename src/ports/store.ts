// SPDX-License-Identifier: Apache-2.0
// Where images come from and go to.
import type { ImageConfig } from '../image/config.js'
import type { DiffId } from '../image/digest.js'

/** An image that exists in a store, as far as the store tells without opening it. */
export interface SourceImage {
  /** As the user wrote it. */
  readonly reference: string
  /** The same with what was left out, where the store knows it: the tag of the only image of a layout. */
  readonly name?: string
  /** `sha256:...`; stays valid when the reference moves to another image. */
  readonly id: string
  /** Digest of its manifest, where the store has manifests apart from ids. */
  readonly manifest?: string
  /** Digest of what its name points at there: the manifest, or an index around it. */
  readonly target?: string
  /** Digests of the other images in that index, which stay in it beside a new one. */
  readonly besides?: readonly string[]
  /**
   * The store's own view of the configuration (environment, user, entrypoint, labels...).
   * Good for deciding, not for writing: fields may be missing and history is empty.
   * {@link ImageStore.readConfig} gives the exact one.
   */
  readonly config: ImageConfig
  readonly os: string
  readonly architecture: string
  /** Number of layers. */
  readonly layers: number
  /** Oldest first. */
  readonly diffIds: readonly DiffId[]
}

/** A layer that is to become the last one of a new image. */
export interface NewLayer {
  /** Uncompressed. */
  readonly tar: Buffer
  /** sha256 of `tar`. */
  readonly diffId: DiffId
}

/** What an image that was given a name can be found by. */
export interface ImageDigests {
  /** Of its configuration. */
  readonly config: string
  /** Of its manifest, or of the index around it; absent where there is none. */
  readonly manifest?: string
}

/** Something that is said of an image, as an in-toto statement. */
export interface Statement {
  readonly predicateType: string
  readonly body: Buffer
}

/** What is to be attached to an image whose manifest has a digest. */
export type Statements = (manifest: string) => readonly Statement[]

/** Where images come from and go to. */
export interface ImageStore {
  /** Finds an image by name, digest or id; IMAGE_NOT_FOUND when there is none. */
  resolve(reference: string): Promise<SourceImage>

  /** Reads the exact configuration, no field lost; IMAGE_INVALID when it does not hash to the image's id. */
  readConfig(image: SourceImage): Promise<ImageConfig>

  /**
   * Makes an untagged image of `config`, whose last diff id is `layer` and whose other diff
   * ids are the first layers of `image`: all of them, or all but an old last one that was replaced.
   * Returns the id of the new image. On failure nothing new is left in the store.
   */
  append(image: SourceImage, config: ImageConfig, layer: NewLayer): Promise<string>

  /**
   * Looks, before anything is made, whether an image can be given a name: the place that it names must be there and
   * take it. USAGE when it cannot; a store whose names are no places has nothing to look at.
   */
  assertNameable(reference: string): Promise<void>

  /**
   * Points a name at an image; a name that exists moves.
   * @param statements about the image, which stores keep beside it that have a place for them
   */
  tag(imageId: string, reference: string, statements?: Statements): Promise<ImageDigests>

  /** Deletes an image that no name points at; does nothing when it has a name or is gone. */
  remove(imageId: string): Promise<void>
}

/** An image that a pattern fits. */
export interface ListedImage {
  readonly name: string
  /** Absent where they are not known without looking at the image. */
  readonly labels?: Readonly<Record<string, string>>
}

/** A store whose names may stand for an index: several images, each for a platform of its own. */
export interface IndexStore extends ImageStore {
  /** The same store, in which a name means the image for one platform, given as `linux/arm64`. */
  forPlatform(platform: string): ImageStore

  /**
   * Points a name at images made from one index, and at everything else of it. Each takes the place of the one that
   * it was made from; the others stay as they are. Returns the digest of the manifest or index that the name points at;
   * undefined where such are not written.
   * @param statements about each of the images, by its id
   */
  publish(
    imageIds: readonly string[],
    reference: string,
    statements?: ReadonlyMap<string, Statements>,
  ): Promise<string | undefined>
}
