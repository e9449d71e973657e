// SPDX-License-Identifier: Apache-2.0
// Blobs come first and index.json last, each under its name only when it is whole: whoever reads meanwhile
// sees the layout before or after, never between.
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { blobPath } from '../../image/index.js'
import {
  type Blob,
  changePlace,
  EMPTY_INDEX,
  indexTextWith,
  type NewEntry,
  openVerified,
} from '../../oci/index.js'
import { makeDirectories } from '../../util/make-directories.js'
import { removeAbandoned, stagingPath, writeWhole } from '../../util/staging.js'
import { LAYOUT_VERSION, openLayout } from './read.js'

/** Adds an image or index to a layout, which is made when it does not exist. */
export async function writeLayout(path: string, entry: NewEntry): Promise<void> {
  const subject = `oci:${path}`
  await changePlace(path, subject, (target) => write(target, entry, subject))
}

async function write(target: string, entry: NewEntry, subject: string): Promise<void> {
  if (await isMissing(target)) return await create(target, entry, subject)
  // An empty directory becomes a layout; anything else has to be one.
  const isNew = await isMissing(join(target, 'index.json'))
  if (isNew && (await isMissing(join(target, 'oci-layout')))) await begin(target)
  const medium = await openLayout(target)
  await removeAbandoned(join(target, 'blobs', 'sha256'))
  const added: string[] = []
  try {
    for (const blob of entry.publication.blobs.values()) {
      if (await putBlob(target, blob, subject)) added.push(join(target, blobPath(blob.digest)))
    }
    await writeWhole(join(target, 'index.json'), (file) => writeFile(file, indexTextWith(medium, entry)))
  } catch (error) {
    await Promise.all(added.map((file) => rm(file, { force: true })))
    throw error
  }
}

/** A new layout is prepared beside its place and moved there as a whole. */
async function create(target: string, entry: NewEntry, subject: string): Promise<void> {
  const staged = stagingPath(target)
  try {
    await mkdir(staged)
    await begin(staged)
    for (const blob of entry.publication.blobs.values()) await putBlob(staged, blob, subject)
    await writeFile(join(staged, 'index.json'), indexTextWith(undefined, entry))
    await rename(staged, target)
  } catch (error) {
    await rm(staged, { recursive: true, force: true })
    throw error
  }
}

async function begin(directory: string): Promise<void> {
  await makeDirectories(join(directory, 'blobs', 'sha256'))
  await writeFile(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION }))
  await writeFile(join(directory, 'index.json'), JSON.stringify(EMPTY_INDEX))
}

/** Writes a blob unless it is there; an existing one is not touched. */
async function putBlob(directory: string, blob: Blob, subject: string): Promise<boolean> {
  const path = join(directory, blobPath(blob.digest))
  const existing = await stat(path).catch(() => undefined)
  if (existing?.size === blob.size) return false
  await makeDirectories(dirname(path))
  await writeWhole(path, async (file) => {
    await pipeline(await openVerified(blob, subject), createWriteStream(file, { flags: 'wx', mode: 0o644 }))
  })
  return true
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await stat(path)
    return false
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
}
