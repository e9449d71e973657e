// SPDX-License-Identifier: Apache-2.0
// The part of unpacking that touches the disk. It is given paths without symlinks inside a directory that nobody
// else can reach, and still never follows one at the end of a path.
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { TreeNode } from './node.js'

/** Shorter runs of zeros are not worth a hole. */
const HOLE_BYTES = 4096
const ZEROS = Buffer.alloc(HOLE_BYTES)
/** The kernel's answers when an owner cannot be given: no right to, or no such user in this namespace. */
const NOT_GIVEN: readonly (string | undefined)[] = ['EPERM', 'EINVAL', 'EOVERFLOW']

/** Writes the files of one root directory. */
export class RootFiles {
  readonly directory: string
  /** Whether files have the owners of the image; otherwise all belong to the user who unpacks. */
  ownersKept: boolean

  constructor(directory: string, keepsOwners: boolean) {
    this.directory = directory
    this.ownersKept = keepsOwners && process.geteuid?.() === 0
  }

  makeDirectory(path: string, node: TreeNode): void {
    mkdirSync(join(this.directory, path), { mode: 0o700 })
    this.setDirectory(path, node)
  }

  /** Sets everything but the time, which changes with every entry that comes into it. */
  setDirectory(path: string, node: Pick<TreeNode, 'mode' | 'uid' | 'gid'>): void {
    const at = join(this.directory, path)
    this.#own(() => chownSync(at, node.uid, node.gid))
    // Whoever unpacked it must be able to take it away again.
    chmodSync(at, this.ownersKept ? node.mode : (node.mode & 0o777) | 0o700)
  }

  setDirectoryTime(path: string, node: TreeNode): void {
    utimesSync(join(this.directory, path), node.mtime, node.mtime)
  }

  makeSymlink(path: string, node: TreeNode): void {
    const at = join(this.directory, path)
    symlinkSync(node.linkname ?? '', at)
    this.#own(() => lchownSync(at, node.uid, node.gid))
    lutimesSync(at, node.mtime, node.mtime)
  }

  makeLink(existing: string, path: string): void {
    linkSync(join(this.directory, existing), join(this.directory, path))
  }

  /** Opens a new file; it has no more rights than its owner needs until it is finished. */
  openFile(path: string): FileWriter {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    return new FileWriter(openSync(join(this.directory, path), flags, 0o600))
  }

  finishFile(file: FileWriter, node: TreeNode): void {
    this.#own(() => fchownSync(file.fd, node.uid, node.gid))
    fchmodSync(file.fd, this.ownersKept ? node.mode : (node.mode & 0o777) | 0o400)
    futimesSync(file.fd, node.mtime, node.mtime)
  }

  remove(path: string): void {
    rmSync(join(this.directory, path), { recursive: true, force: true })
  }

  #own(change: () => void): void {
    if (!this.ownersKept) return
    try {
      change()
    } catch (error) {
      if (!NOT_GIVEN.includes((error as NodeJS.ErrnoException).code)) throw error
      this.ownersKept = false
    }
  }
}

/** Writes one file from its beginning to its end; long runs of zeros become holes. */
export class FileWriter {
  readonly fd: number
  #position = 0
  /** Where the last write has ended. */
  #written = 0

  constructor(fd: number) {
    this.fd = fd
  }

  write(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      const hole = zerosAt(chunk, at)
      if (hole > 0) {
        this.#position += hole
        at += hole
        continue
      }
      // Up to the next block that may begin a hole.
      let end = Math.min(at + HOLE_BYTES, chunk.length)
      while (end < chunk.length && zerosAt(chunk, end) === 0) end = Math.min(end + HOLE_BYTES, chunk.length)
      let written = at
      while (written < end) {
        const count = writeSync(this.fd, chunk, written, end - written, this.#position)
        written += count
        this.#position += count
      }
      this.#written = this.#position
      at = end
    }
  }

  /** Leaves a hole up to a position. */
  skipTo(position: number): void {
    this.#position = position
  }

  /** Gives the file its size, also when it ends in a hole. */
  end(size: number): void {
    if (this.#written !== size) ftruncateSync(this.fd, size)
  }

  close(): void {
    closeSync(this.fd)
  }
}

function zerosAt(chunk: Buffer, at: number): number {
  let end = at
  while (
    end + HOLE_BYTES <= chunk.length &&
    chunk.compare(ZEROS, 0, HOLE_BYTES, end, end + HOLE_BYTES) === 0
  ) {
    end += HOLE_BYTES
  }
  return end - at
}
