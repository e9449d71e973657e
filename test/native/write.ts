// SPDX-License-Identifier: Apache-2.0
// The archiver tells what an archive cannot hold, and writes nothing then.
import test from 'ava'
import { loadBinding } from '../../src/archive/binding.js'
import type { NativeModule, NativeSource, NativeTarget } from '../../src/archive/native.js'
import { archiver, findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'

const GIB = 2 ** 30
const native = loadBinding()
const info = Buffer.from('{}')

const TARGET: NativeTarget = {
  ...{ hexversion: 0x030b02f0, machine: 62, validate: 1, optimize: 0, identityKind: 1 },
  ...{ identity: Buffer.alloc(20), magic: Buffer.alloc(4), files: Buffer.alloc(0) },
}
const SOURCE: NativeSource = {
  ...{ mode: 0, optimize: 0, flags: 0 },
  ...{ filename: Buffer.alloc(0), text: Buffer.from('1'), marshal: Buffer.from('c') },
}

/** What the archiver says to cached source strings. */
function refusal(changed: Partial<NativeTarget>, ...sources: Partial<NativeSource>[]): string | undefined {
  try {
    const cached = sources.map((source) => ({ ...SOURCE, ...source }))
    native.writeArchive({ ...TARGET, ...changed }, [], { regexes: [], sources: cached }, info)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

test('a text of 4 GiB becomes no shorter one: the archive is refused, and memory is not to blame', (t) => {
  t.timeout(240_000)
  // Never written to, so that it takes no memory.
  const huge = Buffer.alloc(4 * GIB)
  t.is(refusal({}, {}), undefined)
  t.regex(refusal({}, { filename: huge }) ?? '', /4 GiB/)
})

const [python] = findPythons()
if (python) {
  test('no name and no path of 4 GiB becomes a shorter one of a module', async (t) => {
    t.timeout(240_000)
    const bench = new Bench(t, python.path)
    bench.file('program/app.py', 'X = 1\n')
    const { modules, python: traced } = await bench.train(bench.file('program/main.py', 'import app\n'))
    const app = modules.find(({ name }) => name === 'app')
    if (!app) return t.fail('app was not traced')
    const { isPackage, mtime, size, sourceHash, marshal, seeds } = app
    const empty = Buffer.alloc(0)
    const module: NativeModule = {
      ...{ name: Buffer.from('app'), origin: empty, cached: empty, entry: empty },
      ...{ isPackage, mtime, size, sourceHash, marshal, seeds },
    }
    const write = (changed: Partial<NativeModule>) =>
      native.writeArchive(
        { ...TARGET, hexversion: traced.hexversion },
        [{ ...module, ...changed }],
        { regexes: [], sources: [] },
        info,
      )
    const whole = archiver.describe('whole', write({}).archive)
    t.deepEqual(
      whole.modules.map(({ name }) => name),
      ['app'],
    )
    const huge = Buffer.alloc(4 * GIB)
    for (const name of ['name', 'origin', 'cached', 'entry'] as const)
      t.throws(() => write({ [name]: huge }), { message: /4 GiB/ }, name)
  })
} else {
  test.skip('no supported CPython on this machine: no module of 4 GiB is written', () => undefined)
}

test('a number that its field cannot hold becomes no other number', (t) => {
  for (const changed of [
    { hexversion: 2 ** 32 },
    { machine: 2 ** 16 },
    { validate: -1 },
    { optimize: Number.NaN },
  ])
    t.regex(refusal(changed) ?? '', /out of range/)
  for (const source of [{ mode: 2 ** 8 }, { optimize: -1 }, { flags: 2 ** 32 }])
    t.regex(refusal({}, source) ?? '', /out of range/)
  t.is(refusal({ hexversion: 0x030b02f0 }, { flags: 2 ** 32 - 1, mode: 2 }), undefined)
})
