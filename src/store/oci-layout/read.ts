// SPDX-License-Identifier: Apache-2.0
// A directory in the OCI image layout.
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PycdsError } from '../../errors/index.js'
import { blobPath, type Digest, type Index, validateIndex } from '../../image/index.js'
import { type Blob, damaged, type Medium, parseJson, withFiles } from '../../oci/index.js'

/** Bytes that are read at a time: layers are large. */
const CHUNK = 128 * 1024

export const LAYOUT_VERSION = '1.0.0'

/** Opens a layout; IMAGE_NOT_FOUND when there is none, IMAGE_INVALID for anything but an OCI layout. */
export async function openLayout(path: string): Promise<Medium> {
  const subject = `oci:${path}`
  return await withFiles(subject, async () => {
    const found = await stat(path)
    if (!found.isDirectory()) throw damaged(`${subject}: it is no directory`)
    const marker = await readDocument(join(path, 'oci-layout'), `${subject}: oci-layout`).catch(noFile)
    checkMarker(marker, subject)
    const bytes = await readDocument(join(path, 'index.json'), `${subject}: index.json`)
    const index: Index = validateIndex(parseJson(bytes, `${subject}: index.json`), `${subject}: index.json`)
    return { subject, index, indexText: bytes.toString('utf8'), find: (digest) => findBlob(path, digest) }
  })
}

/** Reads a regular file: the opening of a pipe that nobody writes to never ends, and neither does the program then. */
async function readDocument(path: string, subject: string): Promise<Buffer> {
  const found = await stat(path)
  if (!found.isFile()) throw damaged(`${subject}: it is no file`)
  return await readFile(path)
}

function noFile(error: unknown): undefined {
  if (error instanceof PycdsError) throw error
  return undefined
}

/** Checks the content of the file `oci-layout`. */
function checkMarker(bytes: Buffer | undefined, subject: string): void {
  if (bytes === undefined) throw damaged(`${subject}: it is no OCI layout, for it has no file oci-layout`)
  const marker = parseJson(bytes, `${subject}: oci-layout`) as { imageLayoutVersion?: unknown } | null
  const version = marker?.imageLayoutVersion
  if (typeof version !== 'string' || !version.startsWith('1.')) {
    throw damaged(`${subject}: its layout version ${JSON.stringify(version)} is not ${LAYOUT_VERSION}`)
  }
}

async function findBlob(path: string, digest: Digest): Promise<Blob | undefined> {
  const file = join(path, blobPath(digest))
  const found = await stat(file).catch(() => undefined)
  if (found === undefined || !found.isFile()) return undefined
  return { digest, size: found.size, open: async () => createReadStream(file, { highWaterMark: CHUNK }) }
}
