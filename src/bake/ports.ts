// SPDX-License-Identifier: Apache-2.0
// What a bake needs from the outside world. The use cases in this folder are given
// implementations; they never know which engine or which kind of store they work on.
// Every method rejects with a PycdsError. ENGINE_UNREACHABLE, ENGINE_FAILED and NO_SPACE
// can come from any of them and are not repeated below.
import type { ImageConfig } from '../image/config.js'
import type { DiffId } from '../image/digest.js'
import type { TarEntry } from '../tar/entry.js'

/** An image that exists in a store, as far as the store tells without opening it. */
export interface SourceImage {
  /** As the user wrote it. */
  readonly reference: string
  /** The same with what was left out, where the store knows it: the tag of the only image of a layout. */
  readonly name?: string
  /** `sha256:...`; stays valid when the reference moves to another image. */
  readonly id: string
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

  /** Points a name at an image; a name that exists moves. */
  tag(imageId: string, reference: string): Promise<ImageDigests>

  /** Deletes an image that no name points at; does nothing when it has a name or is gone. */
  remove(imageId: string): Promise<void>
}

/** A store whose names may stand for an index: several images, each for a platform of its own. */
export interface IndexStore extends ImageStore {
  /** The same store, in which a name means the image for one platform, given as `linux/arm64`. */
  forPlatform(platform: string): ImageStore

  /**
   * Points a name at images made from one index, and at everything else of it. Each takes the place of the one that
   * it was made from; the others stay as they are. Returns the digest of the manifest or index that the name points at;
   * undefined where such are not written.
   */
  publish(imageIds: readonly string[], reference: string): Promise<string | undefined>
}

/** How a container for a training run or a check is made. */
export interface ContainerSpec {
  /** Image id or reference. */
  readonly image: string
  /** Replaces ENTRYPOINT and CMD; absent or empty: the image's own. */
  readonly command?: readonly string[]
  /** Added to the image's environment, replacing variables of the same name. */
  readonly env: Readonly<Record<string, string>>
  /** Variables of the image's environment that the container must not see. */
  readonly unsetEnv?: readonly string[]
  /** None but loopback, the engine's default one, or one of the engine's networks by name. */
  readonly network: 'none' | 'default' | (string & {})
  /** Names that resolve to an address inside, as `name:address`. */
  readonly hosts?: readonly string[]
  readonly mounts?: readonly Mount[]
  /** Absent: the image's USER. */
  readonly user?: string
  /** Read-only root filesystem; then all `files` must lie in one directory of their own below `/`. */
  readonly readOnly?: boolean
  /** Run with no capability at all. */
  readonly dropCapabilities?: boolean
  /**
   * Put into `/` before the start. Missing parent directories are made by the engine; list
   * them here to choose their mode and owner. A listed directory that exists gets the given ones.
   */
  readonly files: readonly TarEntry[]
  readonly labels?: Readonly<Record<string, string>>
}

/** A path, or a volume by name, that a container sees at `target`. */
export interface Mount {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

/** Receives what a container writes, in order within each stream. */
export type OutputListener = (stream: 'stdout' | 'stderr', chunk: Buffer) => void

/** A program that is run inside a running container, beside its own command. */
export interface ExecSpec {
  /** Not through a shell; the image need not have one. */
  readonly command: readonly string[]
  /** Added to the environment of the container. */
  readonly env?: Readonly<Record<string, string>>
  /** Absent: the user of the container. */
  readonly user?: string
  /** How long to wait for its end. */
  readonly timeoutMs: number
}

/** How a program inside a container ended. */
export interface ExecResult {
  /** 126 or 127 when it cannot be executed; null when it did not end in time, or the container ended before it. */
  readonly exitCode: number | null
  /** The beginning of what it wrote to both outputs; why it has no exit code, when it has none. */
  readonly output: string
}

/** What `stat` tells of a path in a container. */
export interface PathStat {
  /** Bytes. */
  readonly size: number
  /** RFC 3339 with nanoseconds as the engine gives it. */
  readonly mtime: string
  /** As `st_mode`: type and permission bits. */
  readonly mode: number
}

/** What `lstat` tells of a path in a container. */
export interface LinkStat {
  readonly type: TarEntry['type'] | 'other'
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Whole seconds, rounded by the engine; use {@link Container.stat} for the exact time. */
  readonly mtime: Date
  /** Where a symlink points, as written in it. */
  readonly linkname?: string
}

/** One path that differs from the image. */
export interface PathChange {
  /** Absolute. */
  readonly path: string
  readonly kind: 'modified' | 'added' | 'deleted'
}

/** A container that this process made; files can be read before, during and after its run. */
export interface Container {
  readonly id: string

  /**
   * Starts it. Output is attached before, so not a byte is lost.
   * TRAINING_FAILED when the engine cannot execute the command, NO_PYTHON when that command is a python.
   */
  start(onOutput?: OutputListener): Promise<void>

  /** Resolves when it has stopped and its output was delivered; the same promise for every caller. */
  wait(): Promise<{ exitCode: number }>

  /**
   * Runs a program inside it while it runs, and waits for its end; a failure of the program is a result, not an error.
   * A program that is not waited for any longer may go on until the container stops.
   */
  exec(spec: ExecSpec): Promise<ExecResult>

  /** Sends the image's stop signal, then SIGKILL after `graceSeconds`; no error when it has stopped already. */
  stop(graceSeconds: number): Promise<void>

  /** Follows symlinks; undefined when the path does not exist. */
  stat(path: string): Promise<PathStat | undefined>

  /** Does not follow a symlink at the end of the path; undefined when the path does not exist. */
  lstat(path: string): Promise<LinkStat | undefined>

  /** Content of a regular file, symlinks followed; undefined when there is none. */
  readFile(path: string): Promise<Buffer | undefined>

  /** Content of all regular files below a directory by relative name; empty when the directory does not exist. */
  readTree(path: string): Promise<Map<string, Buffer>>

  /** What differs from the image, including the files that were put in. */
  changes(): Promise<readonly PathChange[]>
}

/** What is known of the engine that runs containers. */
export interface EngineDescription {
  readonly name: string
  readonly version: string
  readonly apiVersion: string
  readonly os: string
  readonly architecture: string
  /** Other architectures whose programs it can run; absent: not known. */
  readonly emulated?: readonly string[]
  readonly storageDriver: string
  /** Address, without credentials. */
  readonly endpoint: string
  /** Whether its containers run on the kernel of this machine, and so read files through its page cache. */
  readonly local: boolean
}

/** Runs containers. */
export interface Engine {
  describe(): Promise<EngineDescription>

  /** Makes a container and puts its files in; IMAGE_NOT_FOUND, or INTERRUPTED after {@link Engine.removeAll}. */
  create(spec: ContainerSpec): Promise<Container>

  /** Removes a container in any state with its anonymous volumes; no error when it is gone. */
  remove(container: Container): Promise<void>

  /**
   * Removes everything this instance made and has not removed, also what is just being made.
   * Final: later calls of `create` are refused, so nothing can slip through while the process ends.
   */
  removeAll(): Promise<void>
}

export type { Archiver } from './archiver.js'
