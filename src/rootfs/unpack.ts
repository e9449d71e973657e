// SPDX-License-Identifier: Apache-2.0
// Applies layers to a directory. Extended attributes are left out, and so are devices, fifos and sockets: a run
// gets its devices from the runtime, and what an image brings along of them could only do harm.
import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { PycdsError } from '../errors/index.js'
import {
  type BodySink,
  DEFAULT_LIMITS,
  scanTar,
  type TarHeader,
  unreadable,
  whyUnreadable,
} from '../tar/index.js'
import { isFull } from '../util/full.js'
import { RootFiles } from './files.js'
import type { TreeNode } from './node.js'
import { SparseWriter } from './sparse.js'
import { assertReachable, type Place, refused, splitName, Tree } from './tree.js'

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
const MAX_ID = 2 ** 32 - 2

/** A layer to be applied. */
export interface UnpackLayer {
  /** As it starts an error message. */
  readonly subject: string
  /** Its tar, not compressed, which fails when its content is not what it should be. */
  open(): Promise<Readable>
}

export interface UnpackOptions {
  readonly signal: AbortSignal
  /** Whether files may have the owners of the image; only root can give them. */
  readonly keepsOwners: boolean
}

/** What was unpacked. */
export interface Unpacked {
  readonly tree: Tree
  /** Whether the files have the owners of the image. */
  readonly ownersKept: boolean
}

/** Unpacks layers into an empty directory, oldest first. IMAGE_INVALID, NO_SPACE, or the reason of `signal`. */
export async function unpack(
  layers: readonly UnpackLayer[],
  directory: string,
  { signal, keepsOwners }: UnpackOptions,
): Promise<Unpacked> {
  const files = new RootFiles(directory, keepsOwners)
  const tree = new Tree()
  await apply(layers, { tree, files, first: 0 }, signal)
  setTimes(tree.root, '', files)
  return { tree, ownersKept: files.ownersKept }
}

/**
 * Adds layers to what was unpacked, and to its tree. The times of directories that get new entries are not set anew.
 * @param first how many layers are there already
 */
export async function addLayers(
  layers: readonly UnpackLayer[],
  directory: string,
  { tree, ownersKept, first }: Unpacked & { first: number },
  signal: AbortSignal,
): Promise<void> {
  await apply(layers, { tree, files: new RootFiles(directory, ownersKept), first }, signal)
}

async function apply(
  layers: readonly UnpackLayer[],
  { tree, files, first }: { tree: Tree; files: RootFiles; first: number },
  signal: AbortSignal,
): Promise<void> {
  for (const [index, layer] of layers.entries()) {
    const unpacker = new LayerUnpacker(tree, files, first + index, layer.subject)
    try {
      const visit = (header: TarHeader) => {
        signal.throwIfAborted()
        return unpacker.add(header)
      }
      await scanTar(await layer.open(), DEFAULT_LIMITS, visit, layer.subject)
    } catch (error) {
      throw translate(error, layer.subject)
    }
  }
}

class LayerUnpacker {
  constructor(
    private readonly tree: Tree,
    private readonly files: RootFiles,
    private readonly layer: number,
    private readonly subject: string,
  ) {}

  /** Applies one member; what is returned takes its body. */
  add(header: TarHeader): BodySink | undefined {
    const parts = splitName(header.name, this.subject)
    const name = parts.pop()
    if (name === undefined) {
      if (header.type === 'directory') this.#setDirectory({ path: '', node: this.tree.root }, header)
      return undefined
    }
    const parent = this.#directoryAt(parts, header.name)
    if (!name.startsWith(WHITEOUT)) return this.#put(parent, name, header)
    if (name === OPAQUE) this.#hide(parent)
    else if (name.startsWith(`${WHITEOUT}${WHITEOUT}`))
      return undefined // bookkeeping of AUFS
    else this.#whiteOut(parent, name.slice(WHITEOUT.length), header.name)
    return undefined
  }

  #put(parent: Place, name: string, header: TarHeader): BodySink | undefined {
    const path = posix.join(parent.path, name)
    assertReachable(path, this.subject, header.name)
    const existing = parent.node.children?.get(name)
    if (header.type === 'directory' && existing?.type === 'directory') {
      this.#setDirectory({ path, node: existing }, header)
      return undefined
    }
    if (header.type === 'other') {
      const reason = whyUnreadable(header)
      if (reason !== undefined) throw unreadable(this.subject, header.name, reason)
      this.#remove(parent, name)
      return undefined
    }
    // Found before the old one goes: a link may name what it replaces.
    const target = header.type === 'link' ? this.#linkTarget(header) : undefined
    if (target?.path === path) return undefined
    this.#remove(parent, name)
    // A copy, since the layer of the name is not that of the file.
    const node = target === undefined ? this.#nodeOf(header) : { ...target.node, layer: this.layer }
    if (target !== undefined) this.files.makeLink(target.path, path)
    else if (node.type === 'directory') this.files.makeDirectory(path, node)
    else if (node.type === 'symlink') this.files.makeSymlink(path, node)
    parent.node.children?.set(name, node)
    return target === undefined && node.type === 'file' ? this.#fileSink(path, node, header) : undefined
  }

  #fileSink(path: string, node: TreeNode, header: TarHeader): BodySink {
    const reason = whyUnreadable(header)
    if (reason !== undefined) throw unreadable(this.subject, header.name, reason)
    const file = this.files.openFile(path)
    const sparse =
      header.sparse &&
      new SparseWriter(file, header.sparse.realSize, (why) => refused(this.subject, header.name, why))
    return {
      write: (chunk) => (sparse ?? file).write(chunk),
      end: (isWhole) => {
        try {
          if (!isWhole) return
          sparse?.end()
          file.end(node.size)
          this.files.finishFile(file, node)
        } finally {
          file.close()
        }
      },
    }
  }

  #linkTarget(header: TarHeader): Place {
    const parts = splitName(header.linkname ?? '', this.subject)
    const found = this.tree.resolve(parts.join('/'), false)
    if (found === undefined)
      throw refused(this.subject, header.name, 'it links to a file that does not exist')
    if (found.node.type === 'directory') throw refused(this.subject, header.name, 'it links to a directory')
    return found
  }

  #nodeOf(header: TarHeader): TreeNode {
    const attributes = this.#attributesOf(header)
    if (header.type === 'directory') return this.tree.makeDirectory(this.layer, attributes)
    if (header.type !== 'symlink') {
      const size = header.sparse?.realSize ?? header.size
      return { ...attributes, type: 'file', size, isCapable: header.isCapable }
    }
    const linkname = header.linkname ?? ''
    if (linkname === '' || linkname.includes('\0'))
      throw refused(this.subject, header.name, 'it has no target')
    return { ...attributes, type: 'symlink', size: Buffer.byteLength(linkname), linkname }
  }

  #attributesOf(header: TarHeader): Pick<TreeNode, 'mode' | 'uid' | 'gid' | 'mtime' | 'layer'> {
    const { uid, gid } = header
    if (![uid, gid].every((id) => Number.isInteger(id) && id >= 0 && id <= MAX_ID)) {
      throw refused(this.subject, header.name, 'its owner is not a 32 bit number')
    }
    return { mode: header.mode & 0o7777, uid, gid, mtime: timeOf(header.mtime), layer: this.layer }
  }

  #setDirectory({ path, node }: Place, header: TarHeader): void {
    Object.assign(node, this.#attributesOf(header))
    this.files.setDirectory(path, node)
  }

  /** The directory of a member; missing ones are made, symlinks on the way are followed inside the tree. */
  #directoryAt(parts: readonly string[], name: string): Place {
    let here: Place = { path: '', node: this.tree.root }
    for (const part of parts) {
      const existing = here.node.children?.get(part)
      const found =
        existing?.type === 'symlink' ? this.tree.resolve(posix.join(here.path, part), true) : undefined
      if (existing === undefined) {
        const path = posix.join(here.path, part)
        assertReachable(path, this.subject, name)
        const node = this.tree.makeDirectory(this.layer)
        this.files.makeDirectory(path, node)
        here.node.children?.set(part, node)
        here = { path, node }
      } else if (existing.type === 'directory') {
        here = { path: posix.join(here.path, part), node: existing }
      } else if (found?.node.type === 'directory') {
        here = found
      } else {
        throw refused(this.subject, name, `${JSON.stringify(part)} on its path is no directory`)
      }
    }
    return here
  }

  #remove(parent: Place, name: string): void {
    if (!parent.node.children?.delete(name)) return
    this.files.remove(posix.join(parent.path, name))
  }

  #whiteOut(parent: Place, name: string, member: string): void {
    if (name === '' || name === '.' || name === '..') throw refused(this.subject, member, 'it hides nothing')
    const node = parent.node.children?.get(name)
    if (node === undefined) return
    if (node.layer < this.layer) this.#remove(parent, name)
    else if (node.type === 'directory') this.#hide({ path: posix.join(parent.path, name), node })
  }

  /** Removes what earlier layers have put into a directory; what this layer brought stays, whatever the order. */
  #hide(directory: Place): void {
    for (const [name, node] of [...(directory.node.children ?? [])]) {
      const path = posix.join(directory.path, name)
      if (node.layer < this.layer && !holdsLayer(node, this.layer)) this.#remove(directory, name)
      else if (node.type === 'directory') this.#hide({ path, node })
    }
  }
}

function holdsLayer(node: TreeNode, layer: number): boolean {
  return [...(node.children ?? [])].some(([, child]) => child.layer === layer || holdsLayer(child, layer))
}

/** Gives all directories below a node their times, which every entry that came into them has changed. */
export function setTimes(node: TreeNode, path: string, files: RootFiles): void {
  for (const [name, child] of node.children ?? []) {
    if (child.type === 'directory') setTimes(child, posix.join(path, name), files)
  }
  files.setDirectoryTime(path, node)
}

function timeOf(time: Date): Date {
  return Number.isFinite(time.getTime()) ? time : new Date(0)
}

function translate(error: unknown, subject: string): unknown {
  if (error instanceof PycdsError) return error
  const { code } = error as NodeJS.ErrnoException
  if (isFull(error)) {
    return new PycdsError('NO_SPACE', {
      message: `${subject}: no space is left to unpack it`,
      hint: 'Free some space, or set TMPDIR to a directory that has some.',
      cause: error,
    })
  }
  if (code === 'ENAMETOOLONG') {
    return new PycdsError('IMAGE_INVALID', {
      message: `${subject}: it has a path that is longer than this system allows`,
      hint: 'The layer is damaged or was made to harm; build the image again from sources that you trust.',
      cause: error,
    })
  }
  return error
}
