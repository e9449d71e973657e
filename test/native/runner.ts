// SPDX-License-Identifier: Apache-2.0
// The runner of the local engine: what an order asks to take away is gone when the command runs, or it does not run.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { findPythons } from '../helpers/interpreters.js'
import { inRepository } from '../helpers/repository.js'

const NATIVE = inRepository('native')
const RUNNER = inRepository(`prebuilds/linux-${process.arch}/pycds-run`)
const EXIT_FAILED = 125
const EPERM = 1
const EINVAL = 22

/** Numbers of linux/prctl.h, linux/capability.h and, by processor, of system calls. */
const PR_CAPBSET_READ = 23
const PR_CAPBSET_DROP = 24
const PR_SET_NO_NEW_PRIVS = 38
const CAP_KILL = 5
const CAP_SETPCAP = 8
const CALLS = {
  x64: { capget: 125, capset: 126, prctl: 157, setns: 308 },
  arm64: { capget: 90, capset: 91, prctl: 167, setns: 268 },
}[process.arch as 'x64' | 'arm64']

/** A system call that the kernel refuses with EPERM: all of that number, or those with that first argument. */
type Refusal = readonly [call: number, argument?: number]

/** Takes capabilities out of the bounding set, has the kernel refuse system calls, and becomes a program. */
const PREPARE = `
import ctypes, json, os, struct, sys
drop, refusals, program = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def prctl(*words):
    if libc.prctl(*map(ctypes.c_ulong, words)) != 0: sys.exit(f"prctl {words}: {os.strerror(ctypes.get_errno())}")
for capability in drop: prctl(${PR_CAPBSET_DROP}, capability, 0, 0, 0)
LOAD, EQUAL, RETURN, NUMBER, FIRST_ARGUMENT = 0x20, 0x15, 0x06, 0, 16
filter = []
for call, *argument in refusals:
    filter += [(LOAD, 0, 0, NUMBER), (EQUAL, 0, 3 if argument else 1, call)]
    if argument: filter += [(LOAD, 0, 0, FIRST_ARGUMENT), (EQUAL, 0, 1, argument[0])]
    filter.append((RETURN, 0, 0, 0x00050000 | ${EPERM}))
filter.append((RETURN, 0, 0, 0x7fff0000))
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in filter))
SECCOMP, FILTER = 22, 2
whole = ctypes.create_string_buffer(struct.pack("HP", len(filter), ctypes.addressof(code)))
prctl(SECCOMP, FILTER, ctypes.addressof(whole))
os.execv(program, [program])
`

/** Root of a user namespace of its own, so that these tests need no privileges. */
const AS_ROOT = ['--user', '--map-root-user']
/** Also the first process in all that an order can ask to enter. */
const AS_FIRST = [...[...AS_ROOT, '--ipc', '--uts', '--net', '--pid', '--mount', '--fork', '--mount-proc']]
const canBeRoot = spawnSync('unshare', [...AS_FIRST, 'true']).status === 0
const [python] = findPythons()

interface Ended {
  code: number | null
  signal: string | null
  stdout: string
  stderr: string
  /** What was told on descriptor 4 about failing: an error number and what it was about. */
  failure: string | undefined
}

/** Starts a program with an order on descriptor 3, and waits for its end. */
function start(file: string, args: readonly string[], order: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'], timeout: 60_000 })
    const texts = ['', '', '', '', '']
    for (const at of [1, 2, 4]) {
      const stream = child.stdio[at] as NodeJS.ReadableStream
      stream.on('data', (chunk: Buffer) => {
        texts[at] += chunk.toString()
      })
    }
    const input = child.stdio[3] as NodeJS.WritableStream
    input.on('error', () => {}) // a program that has ended reads no more
    input.end(order.map((field) => `${field}\0`).join(''))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const [, , stdout = '', stderr = ''] = ['', '', ...texts.slice(1)]
      resolve({ code, signal, stdout, stderr, failure: /^F(.*)$/m.exec(texts[4] ?? '')?.[1] })
    })
  })
}

/** An order to show the capabilities that a command has, as root under the root of this machine. */
const show = (...more: readonly string[]) => [
  ...['r/', 'm0:0', 'u0', 'g0', 'a/bin/sh', 'a-c'],
  ...['aexec grep -E "^(Cap|NoNew)" /proc/self/status', 'ePATH=/usr/bin:/bin', ...more],
]

const statusOf = ({ stdout }: Ended): Record<string, bigint> =>
  Object.fromEntries(
    [...stdout.matchAll(/^(\w+):\s*([0-9a-f]+)$/gm)].map(([, name = '', hex]) => [name, BigInt(`0x${hex}`)]),
  )

if (python && canBeRoot && CALLS) {
  const run = (
    order: readonly string[],
    refusals: readonly Refusal[] = [],
    without: readonly number[] = [],
    as: readonly string[] = AS_ROOT,
  ) =>
    start('unshare', [...as, python.path, '-c', PREPARE, JSON.stringify([without, refusals, RUNNER])], order)
  const refuses = async (
    t: ExecutionContext,
    refusals: readonly Refusal[],
    without: readonly number[] = [],
  ) => {
    const ended = await run(show('c0'), refusals, without)
    t.like(ended, { code: EXIT_FAILED, stdout: '', failure: `${EPERM} capabilities` }, ended.stderr)
  }

  test('a command of root has the capabilities that its order allows, and cannot gain others', async (t) => {
    const all = statusOf(await run(show()))
    t.true((all.CapEff ?? 0n) > 0n)
    t.is(all.CapEff, all.CapBnd)
    for (const allowed of [0n, 1n << BigInt(CAP_KILL)]) {
      const status = statusOf(await run(show(`c${allowed}`)))
      t.deepEqual(status, {
        ...{ CapInh: 0n, CapPrm: allowed, CapEff: allowed, CapBnd: allowed, CapAmb: 0n },
        NoNewPrivs: 0n,
      })
    }
  })

  test('where the bounding set cannot be changed, a command of root still has only what its order allows', async (t) => {
    const allowed = 1n << BigInt(CAP_KILL)
    for (const [refusals, without] of [
      [[], [CAP_SETPCAP]],
      [[[CALLS.prctl, PR_CAPBSET_DROP]], []],
    ] as [Refusal[], number[]][]) {
      const ended = await run(show(`c${allowed}`), refusals, without)
      t.is(ended.code, 0, `${ended.stderr}${ended.failure}`)
      t.like(statusOf(ended), { CapPrm: allowed, CapEff: allowed })
    }
  })

  test('a command does not run with capabilities that could not be taken from it', async (t) => {
    await refuses(t, [[CALLS.capset]])
    await refuses(t, [[CALLS.capget]])
    await refuses(t, [[CALLS.prctl, PR_CAPBSET_READ]])
    await refuses(t, [[CALLS.prctl, PR_SET_NO_NEW_PRIVS]], [CAP_SETPCAP])
  })

  test('a command does not run outside of the user namespace that its order names', async (t) => {
    const order = ['r/', 'm0:0', 'p1', 'a/bin/echo', 'arun']
    t.like(await run(order, [], [], AS_FIRST), { code: 0, stdout: 'run\n', failure: undefined })
    // The first file that it opens, behind the order and the status.
    const USER_NAMESPACE = 5
    const ended = await run(order, [[CALLS.setns, USER_NAMESPACE]], [], AS_FIRST)
    t.like(ended, { code: EXIT_FAILED, stdout: '', failure: `${EPERM} user` }, ended.stderr)
  })
} else {
  const why = !python
    ? 'no supported CPython'
    : canBeRoot
      ? 'unknown processor'
      : 'no user namespace can be made'
  test.skip(`${why}: what the runner takes away is not tested`, () => undefined)
}

/** The runner with checks for undefined behaviour, which end it by a signal; undefined where none can be built. */
function buildChecked(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'pycds-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  execFileSync('make', ['-s', '-C', NATIVE, `BUILD=${directory}`, 'sanitize'])
  const runner = join(directory, 'sanitize/pycds-run')
  t.true(existsSync(runner))
  return runner
}

const CHECKS = ['-fsanitize=undefined', '-fsanitize-undefined-trap-on-error']
const compiles =
  spawnSync('make', ['--version']).status === 0 &&
  spawnSync('cc', [...CHECKS, '-xc', '-c', '-o', '/dev/null', '-'], { input: 'int one;' }).status === 0
if (compiles) {
  test('no order leads to undefined behaviour: what cannot be followed is refused', async (t) => {
    const checked = buildChecked(t)
    const orders: Record<string, string[]> = {
      'a target without a source': ['r/', 'atrue', 't/mnt'],
      'an unknown letter': ['r/', 'atrue', '?'],
      'no command': ['r/'],
      'no root': ['atrue'],
    }
    for (const [what, order] of Object.entries(orders)) {
      for (const runner of [RUNNER, checked]) {
        const ended = await start(runner, [], order)
        t.like(ended, { code: EXIT_FAILED, signal: null, failure: `${EINVAL} order` }, what)
      }
    }
  })
} else {
  test.skip('the compiler has no checks for undefined behaviour: the runner is not tested with them', () =>
    undefined)
}
