// SPDX-License-Identifier: Apache-2.0
// Whatever keeps a whole archive from being used is one reason: `auto` runs on without a word, `report` names
// it, `require` ends the start.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { REJECT_SENTENCES, type RejectReason } from '../../src/archive/reject-reasons.js'
import type { TracedProcess } from '../../src/train/trace.js'
import {
  archiver,
  Bench,
  findPythons,
  findUnsupportedPythons,
  type Outcome,
  type Python,
} from '../helpers/python.js'

const SCRIPT = 'import json\nprint(json.dumps([1]))\n'
const EXPECTED = '[1]\n'

interface Trained {
  bench: Bench
  process: TracedProcess
  whole: Buffer
}

/** How an archive comes to be refused: another file, or another start of the interpreter. */
interface Case {
  reason: RejectReason
  damage?: (trained: Trained) => Buffer | undefined
  env?: Record<string, string>
  options?: string[]
  /** Runs before the runtime is loaded. */
  before?: string
  /** Since which minor version there is such a thing. */
  since?: number
}

const X86_64 = 62
const AARCH64 = 183

const CASES: Case[] = [
  { reason: 'MISSING', damage: () => undefined },
  { reason: 'NOT_AN_ARCHIVE', damage: () => Buffer.from('no archive at all') },
  { reason: 'UNSEALED', damage: ({ whole }) => changed(whole, 0, 0x21) },
  { reason: 'FORMAT', damage: ({ whole }) => changed(whole, 8, 99) },
  { reason: 'TRUNCATED', damage: ({ whole }) => whole.subarray(0, whole.length - 1) },
  { reason: 'HEADER_DAMAGED', damage: ({ whole }) => changed(whole, 70, (whole[70] ?? 0) ^ 1) },
  {
    reason: 'ARCHITECTURE',
    damage: (trained) =>
      rewritten(trained, ({ identity: { machine, ...identity } }) => ({
        identity: { ...identity, machine: machine === X86_64 ? AARCH64 : X86_64 },
      })),
  },
  {
    reason: 'PYTHON_VERSION',
    damage: (trained) => rewritten(trained, ({ hexversion }) => ({ hexversion: hexversion ^ 0x100 })),
  },
  { reason: 'PYTHON_ABI', before: 'sys.gettotalrefcount = lambda: 0 # as a debug build has it' },
  {
    reason: 'BUILD_MISMATCH',
    damage: (trained) =>
      rewritten(trained, ({ identity }) => ({
        identity: { ...identity, hex: identity.hex.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) },
      })),
  },
  { reason: 'OPTIMIZE', env: { PYTHONOPTIMIZE: '1' } },
  { reason: 'OPTIMIZE', options: ['-OO'] },
  { reason: 'DEBUG_RANGES', env: { PYTHONNODEBUGRANGES: '1' }, since: 11 },
  { reason: 'DEBUG_RANGES', options: ['-X', 'no_debug_ranges'], since: 11 },
  { reason: 'RUNTIME', before: 'sys.meta_path[:] = sys.meta_path[:2]' },
  {
    reason: 'MEMORY',
    before:
      'import resource; pages = int(open("/proc/self/statm").read().split()[0]);' +
      'resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + 2**19, resource.RLIM_INFINITY))',
  },
]

function changed(whole: Buffer, offset: number, value: number): Buffer {
  const copy = Buffer.from(whole)
  copy[offset] = value
  return copy
}

type Target = Parameters<typeof archiver.write>[0]

/** The archive of the same modules for something else. */
function rewritten({ bench, process }: Trained, change: (target: Target) => Partial<Target>): Buffer {
  const target = bench.target(process)
  return archiver.write({ ...target, ...change(target) }, process.modules, {}, process).bytes
}

async function train(t: ExecutionContext, python: string): Promise<Trained> {
  const bench = new Bench(t, python)
  // Enough that the memory for its objects is more than a limit leaves free.
  bench.file('program/big.py', `big = "${'x'.repeat(2 ** 20)}"\n`)
  const process = await bench.train(bench.file('program/main.py', `import big\n${SCRIPT}`))
  return { bench, process, whole: readFileSync(bench.archive) }
}

/** Loads the runtime without the path finder, which one case takes away, and runs the script. */
function start(bench: Bench, one: Case, env: Record<string, string>): Promise<Outcome> {
  const runtime = JSON.stringify(join(bench.directory, 'hook/_pycds.abi3.so'))
  const text = `import sys, json
from importlib.machinery import ModuleSpec, ExtensionFileLoader
import _imp
${one.before ?? ''}
spec = ModuleSpec("_pycds", ExtensionFileLoader("_pycds", ${runtime}), origin=${runtime})
_imp.exec_dynamic(_imp.create_dynamic(spec))
${SCRIPT}`
  return bench.run([...(one.options ?? []), '-c', text], {
    PYCDS_ARCHIVE: bench.archive,
    ...one.env,
    ...env,
  })
}

async function refuses(t: ExecutionContext, trained: Trained, one: Case): Promise<void> {
  const { bench } = trained
  const bytes = one.damage ? one.damage(trained) : trained.whole
  rmSync(bench.archive, { force: true })
  if (bytes) writeFileSync(bench.archive, bytes)
  const reported = await start(bench, one, { PYCDS: 'report' })
  t.deepEqual(
    { ...reported, stderr: reported.stderr.replace(/^pycds\[\d+\]: archive \S+ /, '') },
    { code: 0, stdout: EXPECTED, stderr: `not used: ${one.reason}: ${REJECT_SENTENCES[one.reason]}\n` },
    one.reason,
  )
  t.deepEqual(await start(bench, one, {}), { code: 0, stdout: EXPECTED, stderr: '' }, one.reason)
  const required = await start(bench, one, { PYCDS: 'require' })
  t.is(required.code, 78, one.reason)
  t.is(required.stdout, '')
  t.regex(required.stderr, new RegExp(`^pycds\\[\\d+\\]: PYCDS=require, .*${one.reason}`))
}

const minorOf = ({ version }: Python) => Number(version.split('.')[1])
const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: no refusal is tested', () => undefined)

test('every reason is provoked, but INTERPRETER, which has a test of its own', (t) => {
  const provoked = new Set<string>([...CASES.map(({ reason }) => reason), 'INTERPRETER'])
  t.deepEqual(
    Object.keys(REJECT_SENTENCES).filter((reason) => !provoked.has(reason)),
    [],
  )
})

for (const python of pythons) {
  test(`${python.version}: an archive that cannot be used is refused with one reason`, async (t) => {
    t.timeout(240_000)
    const trained = await train(t, python.path)
    for (const one of CASES.filter(({ since = 0 }) => since <= minorOf(python)))
      await refuses(t, trained, one)
  })

  test(`${python.version}: a sub-interpreter does not use the archive, and require does not end it`, async (t) => {
    const { bench } = await train(t, python.path)
    const hook = JSON.stringify(join(bench.directory, 'hook'))
    const inner = `import sys; sys.path.insert(0, ${hook}); import _pycds; print(_pycds.stats()["status"], flush=True); import json; print(json.dumps([1]), flush=True)`
    const text = `try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
one = interpreters.create()
interpreters.run_string(one, ${JSON.stringify(inner)})
interpreters.destroy(one)
${SCRIPT}`
    const outcome = await bench.run(['-c', text], { PYCDS_ARCHIVE: bench.archive, PYCDS: 'require' })
    t.deepEqual(outcome, { code: 0, stdout: `INTERPRETER\n${EXPECTED}${EXPECTED}`, stderr: '' })
  })

  if (minorOf(python) < 11) {
    test(`${python.version}: knows no column information, and nothing that would drop it`, async (t) => {
      const { bench } = await train(t, python.path)
      const one: Case = { reason: 'DEBUG_RANGES', options: ['-X', 'no_debug_ranges'] }
      const env = { PYTHONNODEBUGRANGES: '1', PYCDS: 'require' }
      t.deepEqual(await start(bench, one, env), { code: 0, stdout: EXPECTED, stderr: '' })
    })
  }
}

const unsupported = findUnsupportedPythons()
if (unsupported.length === 0)
  test.skip('no debug and no free-threaded build on this machine: only pretended ones are refused', () =>
    undefined)
for (const python of unsupported) {
  test(`${python.path}: a debug or free-threaded build is refused`, async (t) => {
    await refuses(t, await train(t, python.path), { reason: 'PYTHON_ABI' })
  })
}

test('an archive of another Python is refused', async (t) => {
  const [first, second] = pythons
  if (!first || !second) {
    t.pass('only one Python on this machine')
    return
  }
  const { whole } = await train(t, first.path)
  const bench = new Bench(t, second.path)
  writeFileSync(bench.archive, whole)
  const { stdout, stderr } = await start(bench, { reason: 'PYTHON_VERSION' }, { PYCDS: 'report' })
  t.is(stdout, EXPECTED)
  t.regex(stderr, /not used: PYTHON_VERSION/)
})
