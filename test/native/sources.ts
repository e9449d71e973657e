// SPDX-License-Identifier: Apache-2.0
// compile, exec and eval answer from the archive exactly as they answer without it.
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { compareWithStock } from '../helpers/compare.js'
import { Bench, findPythons } from '../helpers/python.js'

const FIXTURE = readFileSync(new URL('../fixtures/sources.py', import.meta.url), 'utf8')
const WHAT = 'source strings'

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: cached source strings are not tested', () => undefined)

function each(title: string, run: (t: ExecutionContext, python: string) => Promise<void>): void {
  for (const { path, version } of pythons) test(`${version}: ${title}`, run, path)
}

each('every way to compile, to execute and to evaluate gives what it gives without', async (t, python) => {
  const text = `__file__ = "main"\n${FIXTURE}`
  const { hits, total } = await compareWithStock(t, python, text, WHAT)
  t.true(hits > 100, `${hits} of ${total}`)
})
