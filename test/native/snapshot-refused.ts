// SPDX-License-Identifier: Apache-2.0
// Whatever keeps a snapshot from being used is one reason, and the program runs as if there were none.

import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Python } from '../helpers/interpreters.js'
import { inRepository } from '../helpers/repository.js'
import { unless } from '../helpers/skipped.js'
import { findFreezable, SnapshotBench, type StartOptions } from '../helpers/snapshot.js'
import { AT, listAt, placesOf, regionsOf, sealSnapshot } from '../helpers/snapshot-file.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const STATE = readFileSync(inRepository('test/fixtures/snapshot/state.py'), 'utf8')
const DENY = inRepository('test/fixtures/snapshot/deny.py')
const AARCH64 = 183
const XOP = 1 << 11
const EXT_ECX = 7
const EPERM = 1
const ENOSYS = 38
const POPULATE_WRITE = 23
/** What setuptools writes. */
const SETUPTOOLS =
  "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; enabled and __import__('_distutils_hack').add_shim(); \n"
/** Upper half of the addresses of the hand-over: only what it names cannot be started. */
const WINDOW = 0x1000
const PAGE = 4096n

const pythons = findFreezable()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no refusal is tested', () => undefined)

async function frozen(t: ExecutionContext, python: Python) {
  const bench = new SnapshotBench(t, python)
  bench.file('state.py', STATE)
  await bench.freeze()
  return bench
}

const noNamespaces =
  spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true']).status === 0
    ? undefined
    : 'this machine allows no namespaces'

type Forgery = (file: Buffer) => Buffer | undefined

/** Changes a copy and makes its checksum right. */
const forged =
  (change: (file: Buffer) => void): Forgery =>
  (file) => {
    change(file)
    return sealSnapshot(file)
  }

const flipped = (at: number) => forged((file) => file.writeUInt8(file.readUInt8(at) ^ 1, at))

const FORGERIES: Record<string, Forgery> = {
  MISSING: () => undefined,
  NOT_A_SNAPSHOT: () => Buffer.from('no snapshot at all'),
  UNSEALED: (file) => Buffer.concat([Buffer.from('!'), file.subarray(1)]),
  FORMAT: forged((file) => file.writeUInt32LE(99, AT.format)),
  TRUNCATED: (file) => file.subarray(0, file.length - 1),
  DAMAGED: (file) => {
    file.writeUInt8(file.readUInt8(700) ^ 1, 700)
    return file
  },
  ARCHITECTURE: forged((file) => file.writeUInt16LE(AARCH64, AT.machine)),
  LIBC: forged((file) => file.writeUInt16LE(2, AT.libc)),
  PYTHON_VERSION: flipped(AT.hexversion),
  CPU: forged((file) =>
    file.writeUInt32LE(file.readUInt32LE(AT.cpu + 4 * EXT_ECX) | XOP, AT.cpu + 4 * EXT_ECX),
  ),
  CPU_STATE: flipped(AT.xcr0 + 1),
  CONFIGURATION: flipped(AT.configuration),
  ENVIRONMENT: flipped(AT.environment),
  SEARCH_PATH: flipped(AT.search),
  MODULES: flipped(AT.modules),
  // More than any kernel fills in.
  RSEQ: forged((file) => file.writeUInt32LE(4000, AT.rseq + 12)),
  OBJECTS: flipped(AT.objects),
  PROGRAM: forged((file) => {
    const [strings = 0] = placesOf(file, 'strings')
    const [program = 0] = placesOf(file, 'files')
    const at = strings + file.readUInt32LE(program) + 1
    file.write('X', at)
  }),
  ADDRESS_TAKEN: forged((file) => {
    // The last region reaches over all places where a stack may lie.
    const last = regionsOf(file).at(-1)
    if (!last) throw new Error('there are no regions')
    const bytes = 17n << 30n
    file.writeBigUInt64LE((1n << 47n) - 4096n - bytes, last.at)
    file.writeBigUInt64LE(bytes, last.at + 8)
    file.writeBigUInt64LE(0n, last.at + 16)
    file.writeUInt8(1, last.at + 24)
    file.writeUInt8(0, last.at + 25)
    file.writeUInt16LE(0, last.at + 26)
    // It has no data any more that a start would change.
    file.writeUInt32LE(0, listAt('warm') + 4)
  }),
}

for (const python of pythons) {
  testInTurn(`${python.version}: a file that cannot be used is refused with one reason`, async (t) => {
    const bench = await frozen(t, python)
    const whole = readFileSync(bench.snapshot)
    for (const [reason, forge] of Object.entries(FORGERIES)) {
      const bytes = forge(Buffer.from(whole))
      rmSync(bench.snapshot, { force: true })
      if (bytes) writeFileSync(bench.snapshot, bytes)
      await bench.compare(t, reason, ['state.py'], {}, reason)
    }
    writeFileSync(bench.snapshot, whole)
    await bench.compare(t, 'whole', ['state.py'])
  })

  testInTurn(`${python.version}: a start that is another one is refused with one reason`, async (t) => {
    const bench = await frozen(t, python)
    const early = (text: string) =>
      bench.file(join(bench.site.slice(bench.directory.length + 1), '00-a.pth'), text)
    const site = JSON.stringify(bench.site)
    const loaded = `import sys; sys.path.append(${site}); import _pycds`
    await bench.compare(t, 'by the program', ['-S', '-c', loaded], {}, 'NOT_AT_START')
    const starts: [reason: string, text: string][] = [
      ['SEARCH_PATH', `${bench.directory}\n`],
      ['MODULES', 'import json\n'],
      ['THREADS', 'import _thread, time; _thread.start_new_thread(time.sleep, (0.2,))\n'],
      ['SIGNALS', 'import _signal; _signal.signal(10, print)\n'],
      ['SOURCE_CHANGED', '# nothing\n'],
    ]
    for (const [reason, text] of starts) {
      early(text)
      await bench.compare(t, reason, ['-c', 'print(1)'], {}, reason)
    }
  })

  testInTurn(`${python.version}: the variable that differs is named`, async (t) => {
    const bench = new SnapshotBench(t, python)
    const then = { HOME: '/home/a', TZ: 'Asia/Tokyo', LC_ODD: 'secret' }
    await bench.freeze([], then)
    const told = (env: Record<string, string | undefined>, pycds: Record<string, string>) =>
      bench.startRaw(['-c', 'print(1)'], {
        env: { ...then, PYCDS_SNAPSHOT: bench.snapshot, ...env, ...pycds },
      })
    const cases: [env: Record<string, string | undefined>, name: string | undefined][] = [
      [{ LANGUAGE: 'secret' }, 'LANGUAGE'],
      [{ TZ: 'Etc/secret' }, 'TZ'],
      [{ TZ: undefined }, 'TZ'],
      [{ HOME: undefined }, 'HOME'],
      [{ MALLOC_ODD: 'secret' }, 'MALLOC_ODD'],
      // Its name begins like those that are obeyed, and nobody has it any more.
      [{ LC_ODD: undefined }, undefined],
    ]
    for (const [env, name] of cases) {
      const end = name === undefined ? '' : `: ${name}`
      const log = await told(env, { PYCDS_LOG: '1' })
      t.regex(log.stderr, new RegExp(`^pycds\\[\\d+\\]: snapshot ENVIRONMENT${end}$`, 'm'))
      const report = await told(env, { PYCDS: 'report' })
      t.regex(report.stderr, new RegExp(` not used: ENVIRONMENT: a variable .* obeys${end}$`, 'm'))
      t.notRegex(log.stderr + report.stderr, /secret/)
    }
  })

  testInTurn(
    `${python.version}: a snapshot without its archive is told as one that gives nothing`,
    async (t) => {
      const bench = await frozen(t, python)
      const env = { PYCDS_SNAPSHOT: bench.snapshot, PYCDS: 'report' }
      const { stderr } = await bench.startRaw(['-c', 'print(1)'], { env })
      t.regex(
        stderr,
        / thawed in \d+\.\d ms, but none of its modules is used, since the archive is not: MISSING$/m,
      )
      t.notRegex(stderr, /thawed 0 modules/)
    },
  )

  testInTurn(
    `${python.version}: what libraries read by themselves is seen, whatever its size and time`,
    async (t) => {
      const bench = new SnapshotBench(t, python)
      const then = new Date(1e12)
      const write = (name: string, text: string) => {
        const path = bench.file(name, text)
        utimesSync(path, then, then)
        return path
      }
      const env = { TZ: `:${write('zone', 'one')}`, OPENSSL_CONF: write('openssl.cnf', '# one\n') }
      await bench.freeze([], env)
      const start = () =>
        bench.startRaw(['-c', 'print(1)'], {
          env: { ...env, PYCDS_SNAPSHOT: bench.snapshot, PYCDS_LOG: '1' },
        })
      t.regex((await start()).stderr, /snapshot thawed in/)
      for (const [name, text, other] of [
        ['zone', 'one', 'two'],
        ['openssl.cnf', '# one\n', '# two\n'],
      ] as const) {
        const path = write(name, other)
        t.regex((await start()).stderr, new RegExp(`snapshot SOURCE_CHANGED: ${path}$`, 'm'))
        write(name, text)
        t.regex((await start()).stderr, /snapshot thawed in/)
      }
    },
  )

  testInTurn(`${python.version}: files that have changed are seen`, async (t) => {
    const bench = await frozen(t, python)
    const library = join(bench.directory, 'pycds-freeze.so')
    utimesSync(library, new Date(), new Date(1e12))
    await bench.compare(t, 'library', ['state.py'], {}, 'FILE_CHANGED')
    chmodSync(bench.snapshot, 0o664)
    await bench.compare(t, 'snapshot', ['state.py'], {}, 'WRITABLE')
  })

  testInTurn(`${python.version}: where there is no memory for both, the program runs`, async (t) => {
    const bench = await frozen(t, python)
    const peak =
      '[line] = [l for l in open("/proc/self/status") if l.startswith("VmPeak")]; print(line.split()[1])'
    const { stdout } = await bench.startPlain(['-c', peak])
    const limit = Number(stdout) + 4096
    await bench.compare(t, 'memory', ['-c', 'print(1)'], { shell: `ulimit -v ${limit}` }, 'MEMORY')
  })

  testInTurn(`${python.version}: calls that a profile denies are done without`, async (t) => {
    const bench = await frozen(t, python)
    const program = join(bench.directory, 'state.py')
    const deny = (calls: string, error = EPERM): StartOptions => ({
      through: ['/usr/bin/env', 'python3', DENY, String(error), calls],
      input: 'x\n',
    })
    for (const error of [EPERM, ENOSYS]) {
      // Up to here all can be undone ..
      await bench.compare(t, 'mprotect', [program], deny('rseq', error))
      await bench.compare(t, 'prctl', [program], deny('prctl:35', error))
      await bench.compare(t, 'list', [program], deny('set_robust_list', error))
      // What older kernels cannot do.
      await bench.compare(t, 'madvise', [program], deny(`madvise#${POPULATE_WRITE}`, error))
      // .. and from here on the program starts again.
      await bench.compare(t, 'mremap', [program], deny('mremap', error), 'VDSO')
      await bench.compare(t, 'munmap', [program], deny('munmap', error), 'DENIED')
    }
  })

  testInTurn(
    `${python.version}: what cannot be put right after the thaw starts the program again`,
    async (t) => {
      const bench = await frozen(t, python)
      const end =
        'import ctypes; print(ctypes.addressof(ctypes.c_void_p.in_dll(ctypes.CDLL(None), "__libc_stack_end")))'
      const { stdout, snapshot } = await bench.start(['-c', end])
      t.is(snapshot, 'thawed')
      // The C library keeps where the stack ends in a page that it has made read-only; it lies where it was frozen.
      const page = (BigInt(stdout) / PAGE) * PAGE
      const through = ['/usr/bin/env', 'python3', DENY, String(EPERM), `mprotect@${page}`]
      const o = { through, input: 'x\n' }
      await bench.compare(t, 'words', ['state.py', 'one', '', 'ä'], o, 'REFUSED_AFTER')
      for (const program of ['import sys; sys.exit(3)', 'raise KeyboardInterrupt', '1/0'])
        await bench.compare(t, program, ['-c', program], o, 'REFUSED_AFTER')
      const report = await bench.startRaw(['-c', 'print(1)'], {
        ...o,
        env: { PYCDS: 'report', PYCDS_SNAPSHOT: bench.snapshot },
      })
      t.is(report.stdout, '1\n')
      t.regex(
        report.stderr,
        /app\.snap not used: REFUSED_AFTER: what was taken over could not be put right\n/,
      )
    },
  )

  const unshared = unless(noNamespaces, testInTurn)
  unshared(`${python.version}: without /proc the program runs`, async (t) => {
    const bench = await frozen(t, python)
    const through = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c']
    const hide = 'mount -t tmpfs none /proc && exec "$0" "$@"'
    await bench.compare(t, 'no /proc', ['-c', 'print(1)'], { through: [...through, hide] }, 'PROC')
  })

  testInTurn(`${python.version}: a sub-interpreter goes on without, in any process`, async (t) => {
    const bench = await frozen(t, python)
    const program = `try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
one = interpreters.create()
interpreters.run_string(one, 'import sys; print(sys.argv, "_pycds" in sys.modules, flush=True)')
interpreters.destroy(one)
print("end")
`
    const { stdout } = await bench.compare(t, 'thawed', ['-c', program])
    t.regex(stdout, /True\nend\n$/)
    await bench.compare(t, 'not thawed', ['-O', '-c', program], {}, 'CONFIGURATION')
  })

  testInTurn(`${python.version}: where a program cannot even start again it ends with a line`, async (t) => {
    const bench = await frozen(t, python)
    const through = ['/usr/bin/env', 'python3', DENY, String(EPERM), `mremap,execve^${WINDOW}`]
    const ended = await bench.start(['-c', 'print(1)'], { through })
    t.is(ended.code, 127)
    t.is(ended.stdout, '')
    t.is(ended.stderr, 'pycds: the program cannot be started again after a snapshot was given up\n')
  })

  testInTurn(`${python.version}: an interpreter that memory alone does not make is not frozen`, async (t) => {
    const bench = new SnapshotBench(t, python)
    const early = join(bench.site.slice(bench.directory.length + 1), '00-a.pth')
    const refused = async (why: RegExp, options: string[] = []) => {
      const ended = await bench.tryToFreeze(options)
      t.is(ended.code, 3)
      t.is(ended.stdout, '')
      t.regex(ended.stderr, why)
      t.false(existsSync(bench.snapshot))
    }
    await refused(/cannot be frozen: it was started with the option import_time$/m, ['-X', 'importtime'])
    await refused(/cannot be frozen: it was started with the option verbose$/m, ['-v'])
    await refused(/cannot be frozen: the hook did not run/, ['-S'])
    const starts: [why: RegExp, text: string][] = [
      [/00-a\.pth runs code of its own/, 'import json\n'],
      [/00-a\.pth runs code of its own/, 'import _pycds, json\n'],
    ]
    for (const [why, text] of starts) {
      bench.file(early, text)
      await refused(why)
    }
    // By the one module that may be imported there.
    bench.file(early, SETUPTOOLS)
    const modules: [why: RegExp, text: string][] = [
      [/sys\.path has an entry that depends on the working directory/, 'import sys; sys.path.append("x")'],
      [/descriptor \d+ was opened by its start/, 'import os; os.dup(1)'],
      [/signal 10 has a handler/, 'import _signal; _signal.signal(10, print)'],
      [
        /its start has left a thread behind/,
        'import _thread, time; _thread.start_new_thread(time.sleep, (60,))',
      ],
      [/what it has mapped is no file of the image: .dev.zero/, 'import mmap; kept = mmap.mmap(-1, 4096)'],
    ]
    for (const [why, text] of modules) {
      bench.file(join(early, '../_distutils_hack.py'), `${text}\ndef add_shim(): pass\n`)
      await refused(why)
    }
  })
}
