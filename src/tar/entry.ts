// SPDX-License-Identifier: Apache-2.0
// What this project knows of a member of a tar archive.

/** A member to be written. Everything that reaches the archive is in here. */
export interface TarEntry {
  /** Path relative to the root of the archive, `/` as separator. */
  readonly name: string
  readonly type: 'file' | 'directory' | 'symlink' | 'link'
  /** Permission bits only, at most 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Whole seconds; a fraction is cut off. */
  readonly mtime: Date
  /** Target of a symlink, or the name of an earlier member for a hard link. */
  readonly linkname?: string
  /** Content of a file; an absent body is an empty file. */
  readonly body?: Buffer
}

/** A member as read: no body, and kinds that this project never writes are `other`. */
export interface TarHeader {
  /** Without a leading `/` or `./` and without a trailing `/`; empty for the root itself. */
  readonly name: string
  readonly type: TarEntry['type'] | 'other'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: Date
  readonly linkname?: string
  /** Bytes of the body. */
  readonly size: number
  /** Programs in it run with capabilities of their own. */
  readonly isCapable?: true
  /** What is `other`: a device, a fifo, or a kind that nobody here knows. */
  readonly other?: 'device' | 'fifo' | 'unknown'
  /** The body is a list of holes and what is between them, in the form that GNU tar writes in pax archives. */
  readonly sparse?: { readonly version: string; readonly realSize: number }
}
