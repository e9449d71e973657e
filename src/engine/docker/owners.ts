// SPDX-License-Identifier: Apache-2.0
// Who owns the directories of a container of Podman. Whatever it copies out it gives to the container's user; only an
// export of all files tells the truth.
import type { Readable } from 'node:stream'
import { readTar } from '../../tar/index.js'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** The owners of all directories of an export, by absolute path. */
export async function readOwners(exported: Readable): Promise<ReadonlyMap<string, Owner>> {
  const owners = new Map<string, Owner>()
  await readTar(exported, ({ name, type, uid, gid }) => {
    if (type === 'directory') owners.set(`/${name}`, { uid, gid })
  })
  return owners
}
