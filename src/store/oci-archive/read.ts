// SPDX-License-Identifier: Apache-2.0
// A tar file with an OCI image layout in it.
import { stat } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { blobPath, validateIndex } from '../../image/index.js'
import { damaged, type Medium, parseJson, withFiles } from '../../oci/index.js'
import { locateMembers, type TarMember } from '../../tar/index.js'

/** An opened archive, with all that is in the file. */
export interface OciArchive extends Medium {
  readonly members: ReadonlyMap<string, TarMember>
}

/** Opens an archive; IMAGE_NOT_FOUND when there is none, IMAGE_INVALID for anything but a layout in a tar. */
export async function openOciArchive(path: string): Promise<OciArchive> {
  const subject = `oci-archive:${path}`
  return await withFiles(subject, async () => {
    const found = await stat(path)
    if (!found.isFile()) throw damaged(`${subject}: it is no file`)
    const members = await locateMembers(path)
    const marker = members.get('oci-layout')
    const file = members.get('index.json')
    if (marker === undefined || file === undefined) {
      throw damaged(`${subject}: it is no OCI archive, for it has no oci-layout and index.json`)
    }
    const text = await buffer(file.open())
    const index = validateIndex(parseJson(text, `${subject}: index.json`), `${subject}: index.json`)
    return {
      subject,
      index,
      indexText: text.toString('utf8'),
      members,
      find: async (digest) => {
        const member = members.get(blobPath(digest))
        return member && { digest, size: member.size, open: async () => member.open() }
      },
    }
  })
}
