// SPDX-License-Identifier: Apache-2.0
// The one layer that a bake adds. Directories that exist keep their mode, owner and time:
// a layer that left them out, or changed them, would change the image.
import { PycdsError } from '../errors/index.js'
import { sha256DiffId } from '../image/index.js'
import { MANIFEST_NAME } from '../marks/marks.js'
import { FOLDER } from '../marks/places.js'
import type { Container, LayerFile, LinkStat, NewLayer } from '../ports/index.js'
import { packTar, type TarEntry } from '../tar/index.js'
import { MAX_LINKS } from '../util/links.js'
import { by } from '../util/order.js'
import type { Artifact } from './artifact.js'
import { type Hidden, whiteoutOf } from './earlier.js'
import { type Hook, hookFiles } from './hook.js'

const ROOTS = { mode: 0o755, uid: 0, gid: 0 }

/** What a bake puts into an image. */
export interface LayerContent {
  artifacts: readonly Artifact[]
  manifest: Buffer
  runtime: Buffer
  /** Where the hook goes: absolute paths inside the image. */
  siteDirectories: readonly string[]
}

/**
 * The files of a bake, by path.
 * @param folder of the manifest, and of what has no place of its own.
 */
export function layerFiles(content: LayerContent, hook: Hook = 'variable', folder = FOLDER): LayerFile[] {
  return [
    ...content.artifacts.flatMap((artifact) => artifact.files(folder)),
    { path: `${folder}/${MANIFEST_NAME}`, mode: 0o444, body: content.manifest },
    ...hookFiles(content.siteDirectories, content.runtime, hook),
  ].sort(by('path'))
}

export interface LayerOptions {
  /** Of everything that is new in it. */
  mtime: Date
  hook: Hook
  /** What must not be seen any more of what a bake below has left. */
  hides: Hidden | undefined
}

/** Packs the layer; the same content on the same image gives the same bytes. The same errors as {@link packLayer}. */
export async function makeLayer(
  image: Container,
  content: LayerContent,
  { mtime, hook, hides }: LayerOptions,
): Promise<NewLayer> {
  const files = layerFiles(content, hook)
  const hiding = whiteoutOf(hides, files).map((path) => ({ path, mode: 0o444, body: Buffer.alloc(0) }))
  return packLayer(image, [...hiding, ...files], mtime)
}

/** Packs files into a layer for an image; IMAGE_INVALID when something else lies where a directory has to be. */
export async function packLayer(
  image: Container,
  files: readonly LayerFile[],
  mtime: Date,
): Promise<NewLayer> {
  const entries = new Map<string, TarEntry>()
  for (const { path, mode, body, uid = 0, gid = 0, directory = ROOTS } of files) {
    await addDirectory(image, dirname(dirname(path)), { ...ROOTS, mtime }, entries)
    const folder = await addDirectory(image, dirname(path), { ...directory, mtime }, entries)
    const name = `${folder}/${basename(path)}`.slice(1)
    entries.set(name, { name, type: 'file', mode, uid, gid, mtime, body })
  }
  const tar = await packTar([...entries.values()])
  return { tar, diffId: sha256DiffId(tar) }
}

/**
 * Adds entries for a directory and all above it, through symlinks of the image; returns its real path.
 * @param fresh what directories get that are not in the image.
 */
async function addDirectory(
  image: Container,
  path: string,
  fresh: Pick<LinkStat, 'mode' | 'uid' | 'gid' | 'mtime'>,
  entries: Map<string, TarEntry>,
): Promise<string> {
  let real = ''
  let links = 0
  const rest = path.split('/').filter(Boolean)
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === '.' || part === '..') {
      if (part === '..') real = dirname(real)
      continue
    }
    const here = `${real}/${part}`
    const known = entries.get(here.slice(1))
    const found: LinkStat | undefined = known ? { ...known } : await image.lstat(here)
    if (found?.type === 'symlink' && found.linkname !== undefined && links++ < MAX_LINKS) {
      if (found.linkname.startsWith('/')) real = ''
      rest.unshift(...found.linkname.split('/').filter(Boolean))
      continue
    }
    if (found !== undefined && found.type !== 'directory') throw inTheWay(here, path)
    const { mode, uid, gid, mtime } = found ?? fresh
    const name = here.slice(1)
    entries.set(name, { name, type: 'directory', mode, uid, gid, mtime })
    real = here
  }
  return real
}

/** A layer would take it away from the image. */
function inTheWay(path: string, wanted: string): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `${path} in the image: it is no directory, and something is to be put into ${wanted}`,
    hint: `Build the image with a directory at ${path}, or with nothing there.`,
  })
}

function dirname(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
