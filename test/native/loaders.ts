// SPDX-License-Identifier: Apache-2.0
// Programs that replace methods of importlib's loader of source files: what they put there is asked as ever, and what it
// makes of a module is in no archive.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { inRepository } from '../helpers/repository.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const METHODS = ['get_code', 'source_to_code', 'get_data', 'path_stats', 'get_filename', 'exec_module']
const PATCHES = ['instance', 'class', 'base'].flatMap((scope) =>
  METHODS.map((method) => `${scope} ${method}`),
)

const TAKEN = { PYCDS: 'require' }
const FINDER = { PYCDS: 'require', PYCDS_TAKEOVER: 'off' }

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: replaced loader methods are not tested', () => undefined)

function each(title: string, run: (t: ExecutionContext, python: string) => Promise<void>): void {
  for (const { path, version } of pythons) testInTurn(`${version}: ${title}`, (t) => run(t, path))
}

function benchOf(t: ExecutionContext, python: string) {
  const bench = new Bench(t, python)
  cpSync(inRepository('test/fixtures/loaders'), join(bench.directory, 'program'), { recursive: true })
  const script = join(bench.directory, 'program/main.py')
  const run = async (patches: readonly string[], env: Record<string, string>) => {
    const list = patches.map((patch) => ({ patch, env: { PATCH: patch } }))
    const ran = await bench.runForked(script, list, { runtime: 'first', env })
    return ran.map(({ patch, outcome }) => ({ patch, ...outcome }))
  }
  return { bench, script, run }
}

each(
  'a method that the program replaces is asked, though training had the module without',
  async (t, python) => {
    const { bench, script, run } = benchOf(t, python)
    const { modules } = await bench.train(script)
    t.true(modules.some(({ name }) => name === 'victim'))
    const stock = await run(['', ...PATCHES], { PYCDS: 'off' })
    t.is(stock.filter(({ code, stderr }) => code !== 0 || stderr !== '').length, 0, JSON.stringify(stock))
    // The patches do what they are for.
    t.regex(
      stock.find(({ patch }) => patch === 'instance get_code')?.stdout ?? '',
      /^victim other .*\nother_victim other/,
    )
    t.regex(stock.find(({ patch }) => patch === 'class get_data')?.stdout ?? '', /^victim other/)
    t.deepEqual(await run(['', ...PATCHES], TAKEN), stock)
    t.deepEqual(await run(['', ...PATCHES], FINDER), stock)
  },
)

each('what a replaced method made of a module is not archived', async (t, python) => {
  const { bench, script, run } = benchOf(t, python)
  // Where a method stands on the class or on its base is the same to a loader.
  const patches = PATCHES.filter((patch) => /^instance|class (get_code|source_to_code)/.test(patch))
  const stock = await run(['', ...patches], { PYCDS: 'off' })
  for (const patch of patches) {
    const { leftOut, modules } = await bench.train(script, 'stat', { env: { PATCH: patch } })
    // Of a module whose `get_code` alone was replaced, what that asked for can be.
    if (/source_to_code|get_data|path_stats|get_filename/.test(patch)) {
      t.is(
        modules.find(({ name }) => name === 'victim'),
        undefined,
        patch,
      )
      t.true(
        leftOut.some(({ name, reason }) => name === 'victim' && /the program replaced/.test(reason)),
        patch,
      )
    }
    const expected = stock.filter((one) => one.patch === '' || one.patch === patch)
    t.deepEqual(await run(['', patch], TAKEN), expected, `trained with ${patch}`)
  }
})
