// SPDX-License-Identifier: Apache-2.0
// Whatever keeps a whole archive from being used is one reason: `auto` runs on without a word, `report` names
// it, `require` ends the start.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { REJECT_SENTENCES, type RejectReason } from '../../src/archive/reject-reasons.js'
import type { RunLogProcess } from '../../src/learn/runlog/run-log.js'
import { archiver, findPythons, findUnsupportedPythons, minorOf } from '../helpers/interpreters.js'
import { Bench, type Outcome } from '../helpers/python.js'
import { unless } from '../helpers/skipped.js'
import { rootOf } from '../helpers/start.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const SCRIPT = 'import json\nprint(json.dumps([1]))\n'
const EXPECTED = '[1]\n'

interface Trained {
  bench: Bench
  process: RunLogProcess
  whole: Buffer
}

/** How an archive comes to be refused: another file, or another start of the interpreter. */
interface Case {
  reason: RejectReason
  damage?: (trained: Trained) => Buffer | undefined
  /** Permission bits of the file. */
  mode?: number
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
  { reason: 'WRITABLE', mode: 0o666 },
  { reason: 'WRITABLE', mode: 0o664 },
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
      'resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + 2**24, resource.RLIM_INFINITY))',
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
function startText(bench: Bench, one: Case): string {
  const runtime = JSON.stringify(join(bench.directory, 'hook/_pycds.abi3.so'))
  return `import sys, json
from importlib.machinery import ModuleSpec, ExtensionFileLoader
import _imp
${one.before ?? ''}
spec = ModuleSpec("_pycds", ExtensionFileLoader("_pycds", ${runtime}), origin=${runtime})
_imp.exec_dynamic(_imp.create_dynamic(spec))
${SCRIPT}`
}

function start(bench: Bench, one: Case, env: Record<string, string>): Promise<Outcome> {
  const text = startText(bench, one)
  return bench.run([...(one.options ?? []), '-c', text], {
    PYCDS_ARCHIVE: bench.archive,
    ...one.env,
    ...env,
  })
}

const MODES = ['report', 'unset', 'require'] as const

/** Tries cases in each mode, all by forks of one start: they have command line and environment in common. */
async function refuse(t: ExecutionContext, trained: Trained, cases: readonly Case[]): Promise<void> {
  const { bench } = trained
  const tried = cases.flatMap((one, i) => {
    const bytes = one.damage ? one.damage(trained) : trained.whole
    const archive = join(bench.directory, `refused-${i}.cds`)
    if (bytes) writeFileSync(archive, bytes)
    if (one.mode !== undefined) chmodSync(archive, one.mode)
    const text = startText(bench, one)
    return MODES.map((mode) => {
      const env = { PYCDS_ARCHIVE: archive, ...(mode === 'unset' ? {} : { PYCDS: mode }) }
      return { one, mode, text, env }
    })
  })
  const [first] = cases
  const ran = await bench.runForked(join(bench.directory, 'program/main.py'), tried, {
    runtime: 'never',
    env: first?.env ?? {},
    options: first?.options ?? [],
  })
  t.is(ran.length, cases.length * MODES.length)
  for (const { one, mode, outcome } of ran) isRefusal(t, one.reason, mode, outcome)
}

function isRefusal(
  t: ExecutionContext,
  reason: RejectReason,
  mode: (typeof MODES)[number],
  { code, stdout, stderr }: Outcome,
): void {
  if (mode === 'require') {
    t.is(code, 78, reason)
    t.is(stdout, '')
    t.regex(stderr, new RegExp(`^pycds\\[\\d+\\]: PYCDS=require, .*${reason}`))
    return
  }
  const said = mode === 'report' ? `not used: ${reason}: ${REJECT_SENTENCES[reason]}\n` : ''
  t.deepEqual(
    { code, stdout, stderr: stderr.replace(/^pycds\[\d+\]: archive \S+ /, '') },
    { code: 0, stdout: EXPECTED, stderr: said },
    `${reason} ${mode}`,
  )
}

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
  testInTurn(`${python.version}: an archive that cannot be used is refused with one reason`, async (t) => {
    const trained = await train(t, python.path)
    const cases = CASES.filter(({ since = 0 }) => since <= minorOf(python))
    const isOfTheStart = ({ env, options }: Case) => env !== undefined || options !== undefined
    await refuse(
      t,
      trained,
      cases.filter((one) => !isOfTheStart(one)),
    )
    for (const one of cases.filter(isOfTheStart)) await refuse(t, trained, [one])
  })

  testInTurn(
    `${python.version}: a sub-interpreter does not use the archive, and require does not end it`,
    async (t) => {
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
    },
  )

  testInTurn(
    `${python.version}: under -I and -E a variable names no archive, and the one in its own place is used`,
    async (t) => {
      const { bench } = await train(t, python.path)
      const hook = join(bench.directory, 'hook')
      const say = 'import _pycds; print(_pycds.stats()["status"])'
      const text = `import sys; sys.path.insert(0, ${JSON.stringify(hook)}); ${say}`
      const elsewhere = { PYCDS_ARCHIVE: bench.archive }
      t.is((await bench.run(['-c', text], elsewhere)).stdout, 'ACCEPTED\n')
      for (const option of ['-I', '-E']) {
        t.is((await bench.run([option, '-c', text], elsewhere)).stdout, 'MISSING\n', option)
      }
      mkdirSync(join(hook, '_pycds.data'))
      cpSync(bench.archive, join(hook, '_pycds.data/app.cds'))
      const nowhere = { PYCDS_ARCHIVE: join(bench.directory, 'none.cds') }
      for (const option of ['-I', '-E']) {
        t.is((await bench.run([option, '-c', text], nowhere)).stdout, 'ACCEPTED\n', option)
        const off = await bench.run([option, '-c', text], { ...nowhere, PYCDS: 'off' })
        t.is(off.stdout, 'INACTIVE\n', option)
      }
    },
  )

  if (minorOf(python) < 11) {
    testInTurn(
      `${python.version}: knows no column information, and nothing that would drop it`,
      async (t) => {
        const { bench } = await train(t, python.path)
        const one: Case = { reason: 'DEBUG_RANGES', options: ['-X', 'no_debug_ranges'] }
        const env = { PYTHONNODEBUGRANGES: '1', PYCDS: 'require' }
        t.deepEqual(await start(bench, one, env), { code: 0, stdout: EXPECTED, stderr: '' })
      },
    )
  }
}

const NOBODY = '65534'

/** Why a program cannot be given file capabilities here and be run by another user, or undefined. */
function cannotElevate(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can give them'
  try {
    execFileSync('setcap', ['-h'], { stdio: 'ignore' })
    execFileSync('setpriv', ['--version'], { stdio: 'ignore' })
  } catch {
    return 'setcap (libcap2-bin) or setpriv (util-linux) is missing'
  }
  return undefined
}

const [elevated] = findPythons().filter(({ path }) => rootOf(path) === '')
const obstacle = elevated ? cannotElevate() : 'no supported CPython of this machine itself'
if (!elevated || obstacle) {
  test.skip(`an interpreter with file capabilities: not tested, ${obstacle}`, () => undefined)
} else {
  testInTurn(
    `${elevated.version}: with file capabilities a variable names no archive, and the one in its own place is used`,
    async (t) => {
      const { bench } = await train(t, elevated.path)
      chmodSync(bench.directory, 0o755)
      chmodSync(bench.archive, 0o444)
      const own = join(bench.directory, 'python3')
      copyFileSync(realpathSync(elevated.path), own)
      const hook = join(bench.directory, 'hook')
      const status = (env: Record<string, string>) => {
        const secure = '__import__("ctypes").CDLL(None).getauxval(23)'
        const say = `import _pycds; print(_pycds.stats()["status"], ${secure})`
        const text = `import sys; sys.path.insert(0, ${JSON.stringify(hook)}); ${say}`
        const options = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', own, '-c', text]
        return execFileSync('setpriv', options, { env, encoding: 'utf8' })
      }
      const elsewhere = { PYCDS_ARCHIVE: bench.archive }
      t.is(status(elsewhere), 'ACCEPTED 0\n')
      try {
        execFileSync('setcap', ['cap_net_bind_service=ep', own], { stdio: 'pipe' })
      } catch (error) {
        t.log(`not tested: this file system takes no capabilities: ${String(error)}`)
        return
      }
      t.is(status(elsewhere), 'MISSING 1\n')
      mkdirSync(join(hook, '_pycds.data'))
      cpSync(bench.archive, join(hook, '_pycds.data/app.cds'))
      const nowhere = { PYCDS_ARCHIVE: join(bench.directory, 'none.cds') }
      t.is(status(nowhere), 'ACCEPTED 1\n')
      t.is(status({ ...nowhere, PYCDS: 'off' }), 'INACTIVE 1\n')
    },
  )
}

const unsupported = findUnsupportedPythons()
if (unsupported.length === 0)
  test.skip('no debug and no free-threaded build on this machine: only pretended ones are refused', () =>
    undefined)
for (const python of unsupported) {
  testInTurn(`${python.path}: a debug or free-threaded build is refused`, async (t) => {
    await refuse(t, await train(t, python.path), [{ reason: 'PYTHON_ABI' }])
  })
}

const [first, second] = pythons
const withTwo = unless(second === undefined ? 'only one Python on this machine' : undefined, testInTurn)
withTwo('an archive of another Python is refused', async (t) => {
  if (!first || !second) return t.fail()
  const { whole } = await train(t, first.path)
  const bench = new Bench(t, second.path)
  writeFileSync(bench.archive, whole)
  const { stdout, stderr } = await start(bench, { reason: 'PYTHON_VERSION' }, { PYCDS: 'report' })
  t.is(stdout, EXPECTED)
  t.regex(stderr, /not used: PYTHON_VERSION/)
})
