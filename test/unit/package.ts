// SPDX-License-Identifier: Apache-2.0
// What `npm` publishes: unpacked alone, it is the whole program.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { PAGES } from '../../src/errors/codes.js'
import { inRepository, ROOT } from '../helpers/repository.js'
import { run } from '../helpers/run.js'

/** Bytes of an installation, by decision. */
const MAX_INSTALLED = 12 * 1000 * 1000

const directory = mkdtempSync(join(tmpdir(), 'pycds-package-'))
const installed = join(directory, 'package')

test.before(() => {
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', directory], {
    cwd: ROOT,
  })
  const [tarball = ''] = readdirSync(directory)
  execFileSync('tar', ['-xzf', join(directory, tarball), '-C', directory])
})
test.after.always(() => rmSync(directory, { recursive: true, force: true }))

test('it needs no other package, and is small', (t) => {
  const { dependencies = {} } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  t.deepEqual(dependencies, {})
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).map((name) =>
    statSync(join(installed, name)),
  )
  const bytes = files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0)
  t.true(bytes < MAX_INSTALLED, `${bytes} bytes`)
})

for (const words of [
  ['--version'],
  ['bake', '--help'],
  ['completion', 'bash'],
  ['trace', 'diff', '--help'],
]) {
  test(`it runs alone: ${words.join(' ')}`, async (t) => {
    const { code, stdout, stderr } = await run(process.execPath, [
      join(installed, 'dist/bin/run.js'),
      ...words,
    ])
    t.is(code, 0, stderr)
    t.true(stdout.length > 10)
  })
}

test('the native core is found in it', async (t) => {
  const file = join(installed, 'package.json')
  const { code, stderr } = await run(process.execPath, [join(installed, 'dist/bin/run.js'), 'inspect', file])
  t.is(code, 7, stderr)
  t.regex(stderr, /not a pycds archive/)
})

test('pages that messages name are in it', (t) => {
  const sources = readdirSync(inRepository('src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  const named = sources.flatMap((name) =>
    [...readFileSync(inRepository(`src/${name}`), 'utf8').matchAll(/docs\/[\w/-]+\.(?:md|json)/g)].map(
      ([page]) => page,
    ),
  )
  t.true(named.includes(PAGES.TRAINING_FAILED ?? ''))
  for (const page of new Set(named)) t.true(existsSync(join(installed, page)), page)
})

test('the licences of what is bundled are in it', (t) => {
  const notices = readFileSync(join(installed, 'dist/NOTICES.txt'), 'utf8')
  for (const name of ['@oclif/core', 'dockerode', 'yaml', 'tar-stream'])
    t.true(notices.includes(`\n${name} `), name)
})
