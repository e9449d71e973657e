// SPDX-License-Identifier: Apache-2.0
// What a registry has about the source of a bake: the new image has another digest, and begins without any of it.
import { PycdsError, toPycdsError } from '../errors/index.js'
import type { Attachment, AttachmentStore } from '../ports/index.js'
import { formatCount } from '../util/units.js'

/** USAGE where copies were asked for that cannot be made. */
export function assertCopies(
  { copyReferrers, reference }: { copyReferrers?: boolean; reference: string },
  output: string,
  attachments: AttachmentStore | undefined,
): void {
  if (copyReferrers !== true) return
  const wrong = [reference, output].find((place) => attachments?.holds(place) !== true)
  if (wrong === undefined) return
  throw new PycdsError('USAGE', {
    message: `--copy-referrers: ${wrong} is in no registry`,
    hint: 'Leave it out, or bake from registry:HOST/REPO to registry:HOST/REPO.',
  })
}

/**
 * Copies what stays true of the new image, when that is asked for, and tells what does not come along.
 * @param output where the new image is by now
 * @returns sentences for whoever reads the result
 */
export async function carryAttachments(
  { copyReferrers, reference }: { copyReferrers?: boolean; reference: string },
  output: string,
  attachments: AttachmentStore | undefined,
): Promise<string[]> {
  if (attachments?.holds(reference) !== true) return []
  const found = await listed(reference, copyReferrers === true, attachments)
  if (typeof found === 'string') return [found]
  if (found.length === 0) return []
  const bound = found.filter(({ kind }) => kind !== 'other')
  const free = found.filter(({ kind }) => kind === 'other')
  if (copyReferrers === true) {
    const digests = free.map(({ digest }) => digest)
    await attachments.copy(reference, output, digests).catch((error: unknown) => {
      const { code, message, hint, cause } = toPycdsError(error)
      throw new PycdsError(code, {
        message: `${output} is there, without its referrers: ${message}`,
        hint,
        cause,
      })
    })
  }
  const left = copyReferrers === true ? bound : found
  if (left.length === 0) return []
  const hint =
    free.length > 0 && copyReferrers !== true
      ? `; --copy-referrers copies ${listOf(free)}`
      : '; sign the new image'
  return [
    `${reference} has ${formatCount(left.length, 'referrer')} that the new image, whose digest is another one, is without: ${listOf(left)}${hint}`,
  ]
}

/** What there is, or a sentence of why that cannot be told, which nobody has to know who did not ask for copies. */
async function listed(
  reference: string,
  mustKnow: boolean,
  attachments: AttachmentStore,
): Promise<Attachment[] | string> {
  try {
    return await attachments.list(reference)
  } catch (error) {
    const { code, message } = toPycdsError(error)
    if (mustKnow || code === 'INTERNAL' || code === 'INTERRUPTED') throw error
    return `${reference}: whether it has signatures or attestations cannot be told (${message})`
  }
}

function listOf(attachments: readonly Attachment[]): string {
  const counts = new Map<string, number>()
  for (const { type } of attachments) counts.set(type, (counts.get(type) ?? 0) + 1)
  return [...counts].map(([type, count]) => (count === 1 ? type : `${count} of ${type}`)).join(', ')
}
