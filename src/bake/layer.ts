// SPDX-License-Identifier: Apache-2.0
// The one layer that a bake adds. Directories that exist keep their mode, owner and time:
// a layer that left them out, or changed them, would change the image.
import { sha256DiffId } from '../image/index.js'
import { packTar, type TarEntry } from '../tar/index.js'
import { ARCHIVE_FOLDER, ARCHIVE_NAME } from './marks.js'
import type { Container, LinkStat, NewLayer } from './ports.js'

export { ARCHIVE_PATH } from './marks.js'

const MANIFEST_NAME = 'manifest.json'
export const MANIFEST_PATH = `${ARCHIVE_FOLDER}/${MANIFEST_NAME}`
const RUNTIME_NAME = '_pycds.abi3.so'
/** `site` reads .pth files in order of name; this one must come before those that import. */
const HOOK_NAME = '00-pycds.pth'
const HOOK_START = 'import os; exec("try:\\n import _pycds\\nexcept Exception:\\n pass") '
const HOOK = {
  variable: `${HOOK_START}if os.environ.get("PYCDS_ARCHIVE") and os.environ.get("PYCDS") != "off" else None\n`,
  // An empty PYCDS_ARCHIVE is a choice too.
  'by-itself': `${HOOK_START}if os.environ.get("PYCDS_ARCHIVE", "-") and os.environ.get("PYCDS") != "off" else None\n`,
}
/** Whether a text that an interpreter compiled is the hook of an earlier bake, with or without the end of its line. */
export function isHook(text: string): boolean {
  return Object.values(HOOK).some((hook) => hook.trim() === text.trim())
}

/** More links than this in one path is a loop; Linux allows 40. */
const MAX_LINKS = 40
const ROOTS = { mode: 0o755, uid: 0, gid: 0 }

export interface LayerContent {
  archive: Buffer
  manifest: unknown
  runtime: Buffer
  /** Absolute paths inside the image. */
  siteDirectories: readonly string[]
  /** Bytecode of modules that are not in the archive. */
  bytecode?: readonly LayerFile[]
  /** The time of everything new in the layer. */
  mtime: Date
}

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

/**
 * The files of a bake, by path.
 * @param hook whether it waits for PYCDS_ARCHIVE, or takes the runtime's own idea of where the archive is.
 * @param folder of archive and manifest
 */
export function layerFiles(
  content: Omit<LayerContent, 'mtime'>,
  hook: keyof typeof HOOK = 'variable',
  folder = ARCHIVE_FOLDER,
): LayerFile[] {
  const manifest = Buffer.from(`${JSON.stringify(content.manifest, null, 2)}\n`)
  return [
    { path: `${folder}/${ARCHIVE_NAME}`, mode: 0o444, body: content.archive },
    { path: `${folder}/${MANIFEST_NAME}`, mode: 0o444, body: manifest },
    ...content.siteDirectories.flatMap((directory) => [
      { path: `${directory}/${RUNTIME_NAME}`, mode: 0o644, body: content.runtime },
      { path: `${directory}/${HOOK_NAME}`, mode: 0o644, body: Buffer.from(HOOK[hook]) },
    ]),
    ...(content.bytecode ?? []),
  ].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Packs the layer; the same content on the same image gives the same bytes. */
export async function makeLayer(image: Container, content: LayerContent): Promise<NewLayer> {
  return packLayer(image, layerFiles(content), content.mtime)
}

/** Packs files into a layer for an image. */
export async function packLayer(
  image: Container,
  files: readonly LayerFile[],
  mtime: Date,
): Promise<NewLayer> {
  const entries = new Map<string, TarEntry>()
  for (const { path, mode, body, uid = 0, gid = 0, directory = ROOTS } of files) {
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
    const { mode, uid, gid, mtime } = found ?? fresh
    const name = here.slice(1)
    entries.set(name, { name, type: 'directory', mode, uid, gid, mtime })
    real = here
  }
  return real
}

function dirname(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
