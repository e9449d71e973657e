// SPDX-License-Identifier: Apache-2.0
// What a start with an empty page cache reads ahead: the archive, and what training loaded beside it.
import { readFileSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { archiver, findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const [python] = findPythons()
if (!python) test.skip('no supported CPython on this machine: readahead is not tested', () => undefined)

/** Asks the kernel for a page without waiting for a disk. */
const PROBE = `
import os, sys, time
def cached(path):
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            return all(os.preadv(file.fileno(), [bytearray(1)], at, os.RWF_NOWAIT) == 1 for at in range(0, size, 4096))
        except BlockingIOError:
            return False
def evict(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
`

if (python) {
  testInTurn('extension modules and their libraries are in the trace', async (t) => {
    const bench = new Bench(t, python.path)
    const process = await bench.train(bench.file('program/main.py', 'import ssl, _ctypes'))
    t.true(process.extensions.length > 0)
    for (const path of process.libraries ?? []) t.regex(path, /^\/.*\.so/)
    t.false((process.libraries ?? []).some((path) => path.includes('pycds-tracer')))
  })

  testInTurn('the archive and the listed files are in the page cache soon after the start', async (t) => {
    const bench = new Bench(t, python.path)
    const script = bench.file('program/main.py', 'import json')
    const process = await bench.train(script)
    const library = bench.file('library.so', 'x'.repeat(3 * 2 ** 20))
    const identity = archiver.identify(readFileSync(process.python.library))
    if (!identity) throw new Error('no identity')
    const files = [library, '/no/such/file']
    const written = archiver.write(
      { ...process.python, identity, validate: 'stat', files },
      process.modules,
      {},
    )
    writeFileSync(bench.archive, written.bytes)
    const both = JSON.stringify([library, bench.archive])
    const evicted = await bench.run([
      '-c',
      `${PROBE}\nfor path in ${both}: evict(path)\nprint(any(map(cached, ${both})))`,
    ])
    t.is(evicted.code, 0, evicted.stderr)
    const wait = `${PROBE}
deadline = time.monotonic() + 300
while not all(map(cached, ${both})):
    assert time.monotonic() < deadline
print("cached")`
    const { stdout, stderr } = await bench.runWithArchive(script, { PYCDS: 'require' }, { text: wait })
    t.is(stdout, 'cached\n', stderr)
    const forced = await bench.runWithArchive(
      script,
      { PYCDS: 'require', PYCDS_READAHEAD: 'force' },
      { text: wait },
    )
    t.is(forced.stdout, 'cached\n', forced.stderr)
  })
}
