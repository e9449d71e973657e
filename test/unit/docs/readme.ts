// SPDX-License-Identifier: Apache-2.0
// The README is what a user reads first: short, and what it says can be done.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import test from 'ava'
import { COMMANDS } from '../../../src/commands/index.js'
import { inRepository } from '../../helpers/repository.js'

const MAX_BYTES = 7000

/** What is kept true: decisions are of their day. */
function documents(): { page: string; text: string }[] {
  const pages = readdirSync(inRepository('docs')).filter((name) => name.endsWith('.md'))
  const paths = [
    ...pages.map((name) => `docs/${name}`),
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'bench/README.md',
  ]
  return paths.map((page) => ({ page, text: readFileSync(inRepository(page), 'utf8') }))
}

const README = readFileSync(inRepository('README.md'), 'utf8')

test('the README is short', (t) => {
  const bytes = statSync(inRepository('README.md')).size
  t.true(bytes <= MAX_BYTES, `README.md has ${bytes} bytes; what is for few readers belongs in docs`)
})

test('the README names commands and scripts that exist', (t) => {
  const scripts = [...README.matchAll(/^bash (\S+)/gm)].map(([, path = '']) => path)
  t.deepEqual(scripts, ['scripts/demo.sh', 'scripts/test.sh'])
  for (const path of scripts) t.true(existsSync(inRepository(path)), path)
  const verbs = [...README.matchAll(/pycds-image ([a-z]+) /g)].map(([, verb = '']) => verb)
  t.true(verbs.includes('bake'))
  t.deepEqual(
    verbs.filter((verb) => !(verb in COMMANDS)),
    [],
  )
})

test('scripts that documents name exist', (t) => {
  const manifest = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { scripts: object }
  const missing = documents().flatMap(({ page, text }) => {
    const runs = [...text.matchAll(/npm run ([a-z:-]+)/g)].map(([, name = '']) => name)
    // With two colons it is a test of a package, as pytest names it.
    const paths = [
      ...text.matchAll(
        /(?<![\w/-])(?:scripts|test|src|native)\/[\w./-]*\w\.(?:sh|ts|mjs|c|h|py|def)\b(?!::)/g,
      ),
    ]
    return [
      ...runs.filter((name) => !(name in manifest.scripts)).map((name) => `${page}: npm run ${name}`),
      ...paths.filter(([path]) => !existsSync(inRepository(path))).map(([path]) => `${page}: ${path}`),
    ]
  })
  t.deepEqual(missing, [])
})

test('what CI runs is a command of the README', (t) => {
  const runner = readFileSync(inRepository('.ci/run'), 'utf8')
  const [, script] = /^exec bash .*\/(scripts\/[a-z.]+)"/m.exec(runner) ?? []
  t.is(script, 'scripts/test.sh')
  t.true(README.includes(`bash ${script}`))
})
