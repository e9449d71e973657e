// SPDX-License-Identifier: Apache-2.0
// Members that are sound, and that this project does not read: sparse files in GNU tar's own form and in the first two
// of its forms for pax. Builders write none of them.
import { PycdsError } from '../errors/index.js'
import type { TarHeader } from './entry.js'

/** The form of sparse files that is read. */
const READABLE = '1.0'

/** Why the content of a member cannot be read; undefined when it can. */
export function whyUnreadable({ sparse, other }: TarHeader): string | undefined {
  if (other === 'unknown')
    return "it is of a kind that is not read here, as sparse files in GNU tar's own form are"
  return sparse === undefined || sparse.version === READABLE
    ? undefined
    : `it is a sparse file of version ${sparse.version}, and only ${READABLE} is read`
}

/** The error for such a member. @param subject the archive, as it starts an error message */
export function unreadable(subject: string, name: string, reason: string): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `${subject}: member ${JSON.stringify(name.slice(0, 200))}: ${reason}`,
    hint: 'Write that archive again without sparse files: tar without --sparse, or with --format=pax.',
  })
}
