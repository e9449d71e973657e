// SPDX-License-Identifier: Apache-2.0
// Files that imports leave open. Of devices without state they are opened again with their modules, where they get the
// numbers that the modules remember.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import test from 'ava'
import { compile } from '../helpers/compile.js'
import { inRepository } from '../helpers/repository.js'
import { missing, notRoot, unless } from '../helpers/skipped.js'
import { freezableToTry } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const ENV = { PYTHONHASHSEED: '0' }

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no file is left open', () => undefined)

/** As a library opens a file, which no audit hook sees. */
const LIBRARY = 'import ctypes, os\nlibc = ctypes.CDLL(None)\n'
const HELD: Record<string, string> = {
  urandom: `${LIBRARY}VALUE = libc.open(b"/dev/urandom", os.O_RDONLY)`,
  closes: `${LIBRARY}VALUE = libc.open(b"/dev/random", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)`,
  discards: 'import os; KEPT = open(os.devnull, "a"); VALUE = KEPT.fileno()',
  both: 'import urandom, closes, discards',
  asks: 'import urandom, os; VALUE = os.environ.get("MODE")',
}
/** Not these, and what is said of them. */
const LEFT_OUT: Record<string, [program: string, reason: string, about?: string]> = {
  keeps: ['KEPT = open(__file__)', 'DESCRIPTOR', '/keeps.py'],
  zeros: [`${LIBRARY}VALUE = libc.open(b"/dev/zero", os.O_RDONLY)`, 'DESCRIPTOR', '/dev/zero'],
  stirs: [`${LIBRARY}VALUE = libc.open(b"/dev/urandom", os.O_RDWR)`, 'DESCRIPTOR', '/dev/urandom'],
  shuts: ['import urandom, os; os.close(urandom.VALUE)', 'DESCRIPTOR', '/dev/urandom'],
  draws: [
    `${LIBRARY}VALUE = libc.open(b"/dev/urandom", os.O_RDONLY)\nlibc.read(VALUE, ctypes.create_string_buffer(8), 8)`,
    'ENTROPY',
  ],
  streams: [
    `${LIBRARY}libc.fopen.restype = ctypes.c_void_p\nVALUE = libc.fclose(ctypes.c_void_p(libc.fopen(b"/dev/urandom", b"r")))`,
    'ENTROPY',
  ],
}
const SHOW = `
import os, subprocess, sys
def links():
    for name in sorted(os.listdir("/proc/self/fd"))[3:]:
        try: yield name, os.readlink("/proc/self/fd/" + name), open("/proc/self/fdinfo/" + name).read().splitlines()[:2]
        except OSError: pass
def show():
    print(list(links()), flush=True)
    subprocess.run(["sh", "-c", "for one in 3 4 5; do readlink /proc/self/fd/$one; done"], close_fds=False)
`
/** What a program does, and which of the modules it finds ready. */
const PROGRAMS: Record<string, [program: string, ready: string[]]> = {
  nothing: ['', []],
  'in their order': [
    'import urandom, closes, discards; print(len(os.read(urandom.VALUE, 8)))',
    ['urandom', 'closes', 'discards'],
  ],
  'in one statement': ['import both', ['both']],
  'in another order': ['import closes, urandom', []],
  'one, and the next': ['import urandom; show(); import closes', ['urandom', 'closes']],
  'with a file before': ['kept = open("/etc/passwd"); import urandom', []],
  'without a stream': ['os.close(0); import urandom', []],
  'behind one that is closed': ['os.close(os.open("/etc/passwd", os.O_RDONLY)); import urandom', ['urandom']],
  'and what is not alike': ['os.environ["MODE"] = "other"; import asks, closes', ['urandom', 'closes']],
}

for (const python of pythons) {
  testInTurn(`${python.version}: what imports leave open is open as ever`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    const texts = Object.entries(LEFT_OUT).map(([name, [text]]) => [name, text] as const)
    for (const [name, text] of [...Object.entries(HELD), ...texts])
      bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
    const names = ['ctypes', 'subprocess', ...Object.keys(HELD), ...Object.keys(LEFT_OUT)]
    const { leftOut } = await bench.freezeWarm(names, ENV)
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]),
      Object.entries(LEFT_OUT).map(([name, [, reason]]) => [name, reason]),
    )
    for (const { name, detail } of leftOut) t.true(detail.endsWith(LEFT_OUT[name]?.[2] ?? ''), detail)
    for (const [what, [program, expected]] of Object.entries(PROGRAMS)) {
      const script = bench.file('app/main.py', `${SHOW}${program}\nshow()\n`)
      const { ready } = await bench.assertSame(t, what, [script], { env: ENV })
      t.deepEqual(
        ready.filter((name) => name in HELD),
        expected,
        what,
      )
    }
    if (notRoot !== undefined) return
    const other = ['unshare', '-m', 'sh', '-c', 'mount --bind /dev/zero /dev/urandom; exec "$@"', 'sh']
    const script = bench.file('app/main.py', `${SHOW}import urandom\nshow()\n`)
    const elsewhere = await bench.assertSame(t, 'another device', [script], { env: ENV, through: other })
    t.true(elsewhere.not.includes('urandom'))
  })
}

const SEEDED = [
  'import os, _awscrt',
  'before = sorted(os.listdir("/proc/self/fd"))',
  'drawn = _awscrt.draw()',
  'print(len(drawn), _awscrt.draw() == drawn, sorted(os.listdir("/proc/self/fd")) == before, before)',
].join('\n')

/** Whether random numbers come from the library. */
const OF_OPENSSL =
  'import os; print(ssl.RAND_bytes(8) == bytes([0x5a]) * 8, flush=True); os.system("echo $SEEDED")'
const OF_ALL = ['import _awscrt, ssl', OF_OPENSSL, 'print(len(_awscrt.draw()))'].join('\n')
const FIND_CRYPTO =
  'import _ssl; print(next(line.split()[-1] for line in open("/proc/self/maps") if "/libcrypto.so" in line))'

const compiled = unless(missing('cc'), testInTurn)

for (const python of pythons) {
  compiled(
    `${python.version}: a library that sees a child by a page draws anew in each process`,
    async (t) => {
      const make = async (words: string[], names = ['ssl', 'awscrt']) => {
        const bench = new WarmBench(t, python)
        await bench.train()
        const source = inRepository('test/fixtures/snapshot/seeded.c')
        compile(['-shared', '-fPIC', ...words, '-o', join(bench.site, '_awscrt.so'), source])
        bench.file(`${bench.inSite}/awscrt.py`, 'import _awscrt\n')
        const { leftOut } = await bench.freezeWarm(names, ENV)
        return { bench, leftOut: leftOut.map(({ name, reason }) => [name, reason]) }
      }
      const { bench, leftOut } = await make([])
      t.deepEqual(leftOut, [])
      const script = bench.file('app/main.py', SEEDED)
      t.deepEqual((await bench.assertSame(t, 'drawn', [script], { env: ENV })).ready, ['_awscrt'])
      const starts = [1, 2, 3].map(() =>
        bench.start(['-c', 'import _awscrt; print(_awscrt.draw())'], { env: ENV }),
      )
      const drawn = (await Promise.all(starts)).map(({ stdout, snapshot }) => {
        t.is(snapshot, 'thawed')
        return stdout
      })
      t.is(new Set(drawn).size, starts.length)
      const because = (reason: string) => ['_awscrt', 'awscrt'].map((name) => [name, reason])
      const [out, given] = [because('ENTROPY'), because('GENERATOR')]
      t.deepEqual((await make(['-DNO_PAGE'])).leftOut, out)
      t.deepEqual((await make(['-DELSEWHERE'])).leftOut, out)
      t.deepEqual((await make(['-DSHARES'])).leftOut, given)
      const library = execFileSync(python.path, ['-c', FIND_CRYPTO], { encoding: 'utf8' }).trim()
      const engine = ['-DENGINE', '-DOLDER', '-Wl,--no-as-needed', library]
      // Which it has from elsewhere, is for more than that, or is not all that it gives.
      t.deepEqual((await make(['-DBORROWS', ...engine])).leftOut, out)
      t.deepEqual((await make(['-DFOR_MORE', ...engine])).leftOut, out)
      t.deepEqual((await make(['-DSHARES', ...engine])).leftOut, given)
      // What it has read is not what others have read that use OpenSSL, whoever has loaded that.
      t.deepEqual((await make(engine, ['awscrt', 'ssl'])).leftOut, [])
      const shared = await make(engine)
      t.deepEqual(shared.leftOut, [])
      for (const [what, before] of Object.entries({
        'the first': '',
        'not the first': 'import ssl; ssl.RAND_bytes(4)',
      })) {
        const program = shared.bench.file('app/main.py', `${before}\n${OF_ALL}`)
        const { ready } = await shared.bench.assertSame(t, what, [program], { env: ENV })
        t.true(ready.includes('_awscrt'), what)
        const { stdout } = await shared.bench.start([program], { env: ENV })
        t.is(stdout.split('\n')[0], what === 'the first' ? 'True' : 'False', what)
      }
      const without = await shared.bench.assertSame(t, 'without', ['-c', `import ssl\n${OF_OPENSSL}`], {
        env: ENV,
      })
      t.deepEqual(without.not, [])
      if (notRoot !== undefined) return
      // Another file of that device.
      const other =
        'mount -t tmpfs none /mnt && mknod /mnt/own c 1 9 && mount --bind /mnt/own /dev/urandom; exec "$@"'
      const through = ['unshare', '-m', 'sh', '-c', other, 'sh']
      const elsewhere = await bench.assertSame(t, 'another file', [script], { env: ENV, through })
      t.deepEqual(elsewhere.ready, ['_awscrt'])
    },
  )
}
