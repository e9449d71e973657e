// SPDX-License-Identifier: Apache-2.0
// One container: what it is made of, and what can be done with it.
import type { TarEntry } from '../tar/entry.js'

/** How a container for a training run or a check is made. */
export interface ContainerSpec {
  /** Image id or reference. */
  readonly image: string
  /** Replaces ENTRYPOINT and CMD; absent or empty: the image's own. */
  readonly command?: readonly string[]
  /** Added to the image's environment, replacing variables of the same name. */
  readonly env: Readonly<Record<string, string>>
  /** Nothing but that is added, also where a run that is only watched would be given more. */
  readonly plainEnvironment?: boolean
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
  /** No program gains rights by being executed: set-user-ID and file capabilities have no effect. */
  readonly noNewPrivileges?: boolean
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
  /** Of a file: it has capabilities, as far as the engine can tell. */
  readonly isCapable?: true
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

  /** Those of the absolute `paths` that are not as in the image: made, changed or deleted, or put in. */
  changed(paths: readonly string[]): Promise<ReadonlySet<string>>
}
