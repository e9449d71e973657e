// SPDX-License-Identifier: Apache-2.0
// A tar file cannot grow in place without being broken for a while, so it is written anew beside the old one.
import { createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { blobPath } from '../../image/index.js'
import { type Blob, changePlace, indexTextWith, type NewEntry, openVerified } from '../../oci/index.js'
import { type StreamedMember, type TarEntry, writeTar } from '../../tar/index.js'
import { by } from '../../util/order.js'
import { writeWhole } from '../../util/staging.js'
import { type OciArchive, openOciArchive } from './read.js'

/** Writes an image or index to an archive; other images of an archive that exists stay in it. */
export async function writeOciArchive(path: string, entry: NewEntry): Promise<void> {
  const subject = `oci-archive:${path}`
  await changePlace(path, subject, async (target) => {
    const existing = (await exists(target)) ? await openOciArchive(target) : undefined
    await writeWhole(target, (file) =>
      writeTar(createWriteStream(file, { flags: 'wx' }), membersOf(existing, entry, subject)),
    )
  })
}

function* membersOf(
  existing: OciArchive | undefined,
  entry: NewEntry,
  subject: string,
): Generator<StreamedMember | TarEntry> {
  yield document('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  yield document('index.json', indexTextWith(existing, entry))
  const kept = [...(existing?.members.values() ?? [])].filter(({ name }) => name.startsWith('blobs/'))
  for (const member of kept) yield { ...member, open: async () => member.open() }
  const names = new Set(kept.map(({ name }) => name))
  const blobs = [...entry.publication.blobs.values()].sort(by('digest'))
  for (const blob of blobs) {
    const name = blobPath(blob.digest)
    if (!names.has(name)) yield streamed(name, blob, subject)
  }
}

function streamed(name: string, blob: Blob, subject: string): StreamedMember {
  return { name, size: blob.size, open: () => openVerified(blob, subject) }
}

function document(name: string, text: string): TarEntry {
  const owner = { mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) }
  return { name, type: 'file', ...owner, body: Buffer.from(text) }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
