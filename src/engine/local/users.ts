// SPDX-License-Identifier: Apache-2.0
import { PycdsError } from '../../errors/index.js'
import { findUser, type ImageUser } from '../../image/index.js'

/** Finds the user of a container in the files of its image; TRAINING_FAILED for unknown names. */
export async function resolveUser(
  text: string,
  read: (path: string) => Promise<Buffer | undefined>,
  subject: string,
): Promise<ImageUser> {
  const [passwd, group] = await Promise.all(
    ['/etc/passwd', '/etc/group'].map(async (path) => (await read(path))?.toString() ?? ''),
  )
  const found = findUser(text, { passwd: passwd ?? '', group: group ?? '' })
  if (!('unknown' in found)) return found
  throw new PycdsError('TRAINING_FAILED', {
    message: `${subject}: cannot be started: it has no ${found.unknown} ${JSON.stringify(found.name)}`,
    hint: 'Check the USER of the image, or give a number.',
  })
}
