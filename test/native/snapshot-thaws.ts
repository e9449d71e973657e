// SPDX-License-Identifier: Apache-2.0
// Many thaws, each at addresses of its own choice: none goes wrong, few fall back, and what must differ differs.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { compile } from '../helpers/compile.js'
import { inRepository } from '../helpers/repository.js'
import { missing, unless } from '../helpers/skipped.js'
import { findFreezable, SnapshotBench, type StartOptions } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { portion } from '../helpers/tier.js'

/** In all, of all interpreters and ways. */
const THAWS = 100_000
const UNIQUE = portion(1_000)
/** Of so many one may fall back to the archive. */
const FALLBACKS_PER = 10_000
/** It imports nothing that is not there: what it takes is time for more of them. */
const PROGRAM = 'import sys, _thread; print(len(sys.argv), _thread._count())'
/** KiB; where a kernel takes a limit of the stack into account at all. */
const HIGHEST_STACK = 256 << 10
/** So far below the snapshot's own, in KiB: within what the interpreter has mapped. */
const LOWER = [0, 4, 8, 16, 1 << 10, 2 << 10, 3 << 10, 4 << 10, 6 << 10, 8 << 10]
const CLOCK = 'import time; print(time.time() > 1, time.clock_gettime(time.CLOCK_MONOTONIC) > 0)'
const WAYS: Record<string, StartOptions> = {
  'as they come': {},
  'with a stack without a limit': { shell: 'ulimit -s unlimited' },
  'with a small stack': { shell: 'ulimit -s 1024' },
}

const pythons = findFreezable()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: nothing is thawed', () => undefined)

const each = portion(Math.ceil(THAWS / (pythons.length * Object.keys(WAYS).length)))

for (const python of pythons) {
  for (const [what, o] of Object.entries(WAYS)) {
    testInTurn(`${python.version}: ${each} thaws, ${what}`, async (t) => {
      const bench = new SnapshotBench(t, python)
      await bench.freeze()
      let [started, fallbacks] = [0, 0]
      for (const { snapshot, times, ...ended } of await bench.startOften(each, ['-c', PROGRAM, 'one'], o)) {
        t.deepEqual(ended, { status: 0, stdout: '2 0\n', stderr: '' })
        started += times
        if (snapshot !== 'thawed') fallbacks += times
      }
      t.is(started, each)
      t.true(fallbacks <= Math.ceil(each / FALLBACKS_PER), `${fallbacks} fell back`)
    })
  }

  testInTurn(`${python.version}: what is drawn is drawn anew in each of ${UNIQUE} processes`, async (t) => {
    const bench = new SnapshotBench(t, python)
    const program = bench.file('unique.py', readFileSync(inRepository('test/fixtures/snapshot/unique.py')))
    await bench.freeze()
    const values = new Map<string, Set<string>>()
    for (const { status, stdout, stderr, snapshot } of await bench.startOften(UNIQUE, [program])) {
      t.is(status, 0, stderr)
      t.is(snapshot, 'thawed')
      for (const line of stdout.trim().split('\n')) {
        const [name = '', value = ''] = line.split(' ')
        values.set(name, (values.get(name) ?? new Set()).add(value))
      }
    }
    t.true(values.size > 8)
    for (const [name, different] of values) t.is(different.size, UNIQUE, name)
  })

  unless(missing('cc'), testInTurn)(
    `${python.version}: handlers of fork run in each process, and none before the dump`,
    async (t) => {
      const bench = new SnapshotBench(t, python)
      const library = join(bench.directory, 'handler.so')
      const source = inRepository('test/fixtures/snapshot/handler.c')
      compile(['-shared', '-fPIC', '-o', library, source])
      const preload = `${join(bench.directory, 'pycds-freeze.so')}:${library}`
      const made = await bench.tryToFreeze([], { LD_PRELOAD: preload, HANDLER_LOUD: '1' })
      t.deepEqual(made, { code: 0, signal: null, stdout: '', stderr: '' })
      const program = `import ctypes; print(ctypes.CDLL(${JSON.stringify(library)}).handler_ran())`
      const env = { LD_PRELOAD: library }
      const { stdout, snapshot } = await bench.start(['-c', program], { env })
      t.is(stdout, '1\n')
      t.is(snapshot, 'thawed')
    },
  )

  // Without a layout that is drawn, the limit of the stack decides where the kernel puts everything else.
  unless(missing('setarch'), testInTurn)(
    `${python.version}: a place that is taken by the vdso of a process is made free`,
    async (t) => {
      const bench = new SnapshotBench(t, python)
      const below = (kibibytes: number) => [
        'setarch',
        '-R',
        'sh',
        '-c',
        `ulimit -s ${kibibytes}; exec "$0" "$@"`,
      ]
      const freezer = `LD_PRELOAD=${join(bench.directory, 'pycds-freeze.so')}`
      const made = await bench.startWords(
        [...below(HIGHEST_STACK), ...['env', freezer, `PYCDS_FREEZE=${bench.snapshot}`, bench.python]],
        { env: { PYCDS_SNAPSHOT: undefined } },
      )
      t.is(made.code, 0, made.stderr)
      for (const lower of LOWER) {
        const o = { through: below(HIGHEST_STACK + lower) }
        await bench.compare(t, `${lower} KiB lower`, ['-c', CLOCK], o)
      }
    },
  )
}
