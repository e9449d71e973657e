// SPDX-License-Identifier: Apache-2.0
// To tell what differs from the image, Docker compares every file of the container with the image: seconds of processor
// time for a large one. Its overlay driver keeps what was written in one directory, and a file that is not there is as in
// the image. A file that is there need not differ, since a chown to the same owner copies it too: that the engine decides.
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Connection } from '../../docker/index.js'

interface InspectReply {
  readonly GraphDriver?: { readonly Name?: string; readonly Data?: { readonly UpperDir?: string } | null }
}

/** The name is random, so a directory of that name is this container's, and not that of a machine far away. */
const UPPER_DIRECTORY = /\/overlay2\/[0-9a-f]{64}\/diff$/

/**
 * Whether nothing was written to any of these absolute paths of a container.
 * @returns false as well when that cannot be seen from here
 */
export async function isUntouched(
  connection: Connection,
  container: { readonly id: string; readonly subject: string },
  paths: readonly string[],
): Promise<boolean> {
  const path = `/containers/${container.id}/json`
  const reply = connection.json<InspectReply>({ method: 'GET', path, subject: container.subject })
  const { GraphDriver: driver } = await reply
  const upper = driver?.Name === 'overlay2' ? driver.Data?.UpperDir : undefined
  if (upper === undefined || !UPPER_DIRECTORY.test(upper)) return false
  const states = new Map<string, Promise<'absent' | 'directory' | 'written'>>()
  const stateOf = (inside: string) => {
    const known = states.get(inside) ?? look(join(upper, inside))
    states.set(inside, known)
    return known
  }
  if ((await stateOf('/')) !== 'directory') return false
  for (const wanted of paths) {
    let at = ''
    for (const part of wanted.split('/').filter((name) => name !== '')) {
      at += `/${part}`
      const state = await stateOf(at)
      if (state === 'written') return false
      if (state === 'absent') break
    }
  }
  return true
}

/** A directory is there for what is in it. Whatever cannot be looked at counts as written. */
async function look(path: string): Promise<'absent' | 'directory' | 'written'> {
  try {
    return (await lstat(path)).isDirectory() ? 'directory' : 'written'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'absent' : 'written'
  }
}
