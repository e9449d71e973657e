// SPDX-License-Identifier: Apache-2.0
// Links between documents lead somewhere: to a file, and to a heading where they name one.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import test from 'ava'
import { inRepository, ROOT } from '../../helpers/repository.js'

/** A part of docs/performance.md, with links as they are there. */
const PART = { page: 'bench/notes.md', folder: 'docs' }

const PAGES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(inRepository(path)))

/** Without blocks of code, whose brackets are no links. */
function proseOf(path: string): string {
  return readFileSync(inRepository(path), 'utf8').replace(/^```[\s\S]*?^```/gm, '')
}

/** The anchors that a reader in the web gets for the headings of a page. */
function anchorsOf(path: string): Set<string> {
  const headings = [...proseOf(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  const words = headings.map((heading) => heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase())
  return new Set(words.map((heading) => heading.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')))
}

test('every relative link of every document leads to a file, and to a heading where it names one', (t) => {
  t.true(PAGES.length > 20, 'the documents were not found')
  const broken: string[] = []
  let links = 0
  for (const page of PAGES) {
    for (const [, target = ''] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      links++
      const [file = '', anchor] = target.split('#')
      const folder = page === PART.page ? PART.folder : dirname(page)
      const path = file === '' ? page : normalize(join(folder, file))
      const leads = existsSync(inRepository(path)) && (anchor === undefined || anchorsOf(path).has(anchor))
      if (!leads) broken.push(`${page}: ${target}`)
    }
  }
  t.true(links > 50, 'the links were not found')
  t.deepEqual(broken, [])
})
