// SPDX-License-Identifier: Apache-2.0
// Lists that registries give in pages.
import { damaged, parseJson } from '../oci/index.js'
import type { HttpReply } from './transport.js'

/** More tags, or repositories, than that are not listed. */
const LIST_LIMIT = 100_000

/**
 * Follows the pages of a list; of what does not exist there is none.
 * @param read asks for a page, the first one without a target
 * @param member what has the names in each
 */
export async function listPages(
  read: (target: string | undefined) => Promise<{ reply: HttpReply; bytes: Buffer }>,
  member: 'tags' | 'repositories',
  subject: string,
): Promise<string[]> {
  const found: string[] = []
  let target: string | undefined
  do {
    const { reply, bytes } = await read(target)
    if (reply.status !== 200) return found
    const value = parseJson(bytes, subject) as Record<string, unknown> | null
    const names = value?.[member]
    if (names !== null && !Array.isArray(names)) throw damaged(`${subject}: its list is none`)
    found.push(...(names ?? []).filter((one): one is string => typeof one === 'string'))
    const next = nextPage(reply.header('link'))
    if (next === target) break
    target = next
  } while (target !== undefined && found.length < LIST_LIMIT)
  return found
}

function nextPage(link: string | undefined): string | undefined {
  return /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1]
}
