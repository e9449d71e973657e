// SPDX-License-Identifier: Apache-2.0
// What a bake in place needs of the root file system that it runs in, beside an engine that
// starts processes there. Every method throws a PycdsError.

/** A file that a bake puts into an image. */
export interface LayerFile {
  /** Absolute. */
  path: string
  mode: number
  body: Buffer
  /** Default: root. */
  uid?: number
  gid?: number
  /** Of the file's directory where there is none yet. */
  directory?: { mode: number; uid: number; gid: number }
}

/** One path that differs from the image. */
export interface PathChange {
  /** Absolute. */
  readonly path: string
  readonly kind: 'modified' | 'added' | 'deleted'
}

/** What became of the changes that a training run made. */
export interface Undone {
  /** Paths that were new and are gone again. */
  removed: string[]
  /** Paths that were changed or deleted, which nothing can bring back. */
  kept: PathChange[]
}

export interface WriteOptions {
  /** Of every file and of every directory that has to be made. */
  mtime: Date
  /** Instead of the root itself: a directory that gets the files at their paths below it. */
  output?: string
}

/** The root file system of this process. */
export interface ImageRoot {
  /** The environment that this process was given, before its launcher cleaned it. */
  readonly environment: Readonly<Record<string, string>>

  /** The working directory of what is run. */
  readonly directory: string

  /** Makes a directory for the files of a run, outside of the image where there is such a place. */
  makePlace(): string

  /** What shows that this is the root of a machine and no image, as a sentence; undefined when nothing does. */
  wholeMachine(): string | undefined

  /**
   * Remembers the files as they are now; {@link changes} and {@link undo} compare with that.
   * @throws the reason of `signal` when that aborts
   */
  remember(signal: AbortSignal): Promise<void>

  changes(): Promise<PathChange[]>

  /** Whether there is something at an absolute path that there was not then. */
  isNew(path: string): boolean

  /** Takes back what has changed since, as far as that is possible, and removes the place of the run. */
  undo(): Promise<Undone>

  /** Whether there is something at an absolute path. */
  has(path: string): boolean

  /**
   * Tells this root from others: the paths, and of directories what lies in them, by name, kind, size and, with `times`,
   * time of change.
   * @param without absolute paths that do not count
   */
  fingerprint(paths: readonly string[], options: { times: boolean; without: readonly string[] }): string

  /** A path without symlinks, as far as there is something. */
  realPath(path: string): string

  /** Where archive and manifest go: one place for the whole image, or beside the runtime for a user who cannot write there. */
  archiveFolder(common: string, beside: string, output?: string): string

  /** Puts files in, each whole or not at all; directories that exist keep their time. */
  write(files: readonly LayerFile[], options: WriteOptions): void
}
