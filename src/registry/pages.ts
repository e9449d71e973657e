// SPDX-License-Identifier: Apache-2.0
// Lists that registries give in pages.
import { damaged, parseJson } from '../oci/index.js'
import type { HttpReply } from './transport.js'

/** More tags, or repositories, than that are not listed. */
const LIST_LIMIT = 100_000
const MAX_PAGES = 10_000
/** Without anything new, one after the other. */
const MAX_IDLE_PAGES = 100

interface Page {
  readonly reply: HttpReply
  readonly bytes: Buffer
}

/**
 * Follows the pages of a list; of what does not exist there is none.
 * @param read asks for a page, the first one without a target
 * @param member what has the names in each
 */
export async function listPages(
  read: (target: string | undefined) => Promise<Page>,
  member: 'tags' | 'repositories',
  subject: string,
): Promise<string[]> {
  const found = new Set<string>()
  await followPages(read, subject, ({ reply, bytes }) => {
    if (reply.status !== 200) return 'enough'
    const value = parseJson(bytes, subject) as Record<string, unknown> | null
    const names = value?.[member]
    if (names !== null && !Array.isArray(names)) throw damaged(`${subject}: its list is none`)
    const before = found.size
    for (const one of names ?? []) if (typeof one === 'string') found.add(one)
    if (found.size >= LIST_LIMIT) return 'enough'
    return found.size > before ? 'more' : 'nothing'
  })
  return [...found]
}

/**
 * Reads the pages of a list one after the other.
 * @param read asks for a page, the first one without a target
 * @param take reads what a page has, and says what there was that no other page had
 * @throws IMAGE_INVALID for a list that has no end
 */
export async function followPages(
  read: (target: string | undefined) => Promise<Page>,
  subject: string,
  take: (page: Page) => 'more' | 'nothing' | 'enough',
): Promise<void> {
  const seen = new Set<string>()
  let idle = 0
  for (let target: string | undefined; ; ) {
    const page = await read(target)
    const taken = take(page)
    if (taken === 'enough') return
    idle = taken === 'more' ? 0 : idle + 1
    target = nextPage(page.reply.header('link'))
    if (target === undefined) return
    // Pages may be empty, where what is on them is not for everybody.
    if (seen.has(target) || idle > MAX_IDLE_PAGES || seen.size > MAX_PAGES)
      throw damaged(`${subject}: its list has no end`)
    seen.add(target)
  }
}

function nextPage(link: string | undefined): string | undefined {
  return /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1]
}
