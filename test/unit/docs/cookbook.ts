// SPDX-License-Identifier: Apache-2.0
// Each page of the cookbook is tested, has the parts that a test takes from it, and fits on a screen.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { cookbookPage, cookbookPages, optionsOf } from '../../helpers/cookbook.js'
import { COOKBOOK } from '../../helpers/cookbook-rows.js'
import { inRepository } from '../../helpers/repository.js'

const MAX_LINES = 55
const HEADINGS = ['Bake', 'What you should see', 'What to know']

test('each page has a row in the table of its test, and each row a page', (t) => {
  t.deepEqual(COOKBOOK.map(({ page }) => page).sort(), cookbookPages())
})

test('the index names each page', (t) => {
  const index = readFileSync(inRepository('docs/cookbook/README.md'), 'utf8')
  for (const name of cookbookPages()) t.true(index.includes(`](${name}.md)`), name)
})

for (const { page: name, packages } of COOKBOOK) {
  test(`the page ${name} has its parts`, (t) => {
    const page = cookbookPage(name)
    const dockerfile = page.files.Dockerfile ?? ''
    t.regex(dockerfile, /^ARG BASE=python:3\.13-slim\nFROM \$\{BASE\}\n/)
    for (const wanted of packages) t.true(dockerfile.includes(wanted), wanted)
    for (const [, file = ''] of dockerfile.matchAll(/^COPY (\S+) /gm)) t.true(file in page.files, file)
    t.regex(page.commands[0] ?? '', /^docker build -t \S+ \.$/)
    t.truthy(optionsOf(page, 'bake'))
    t.deepEqual(optionsOf(page, 'verify')?.slice(0, 2), ['--min-hit-rate', '90'])
    const run = page.commands.find((line) => line.startsWith('docker run --rm ')) ?? ''
    t.true(run.includes(`${/ -t (\S+) /.exec(page.commands[0] ?? '')?.[1]}:latest-cds`), run)
    for (const [, port] of dockerfile.matchAll(/^EXPOSE (\d+)$/gm))
      t.regex(run, new RegExp(`-p ${port}:${port} .*localhost:${port}\\b`))
    t.deepEqual(
      [...page.text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading),
      HEADINGS,
    )
    t.true(page.text.split('\n').length <= MAX_LINES)
  })
}
