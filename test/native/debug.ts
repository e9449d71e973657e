// SPDX-License-Identifier: Apache-2.0
// The debug build executes the invariants that the native parts rely on: they hold while an archive is written and
// used, and where one does not, the process ends at once and says which.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { createArchiver } from '../../src/archive/archiver.js'
import type { NativeBinding } from '../../src/archive/native.js'
import { archiver, findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { inRepository } from '../helpers/repository.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { TIER } from '../helpers/tier.js'

const NATIVE = inRepository('native')
const SCRATCH = mkdtempSync(join(tmpdir(), 'pycds-test-'))
const [python] = findPythons()

test.after.always(() => rmSync(SCRATCH, { recursive: true, force: true }))

if (TIER === 'quick') test.skip('PYCDS_TEST_TIER=quick: the debug build is not made', () => undefined)
else if (python) {
  testInTurn('the invariants hold while an archive is written and its modules are served', async (t) => {
    const directory = join(SCRATCH, 'out')
    const settings = ['DEBUG=1', `OUT=${directory}`, `BUILD=${join(SCRATCH, 'build')}`]
    execFileSync('make', ['-s', '-C', NATIVE, ...settings, 'tool'])
    for (const part of ['pycds.node', '_pycds.abi3.so']) {
      t.true(readFileSync(join(directory, part)).includes('assertion failed'), `${part} asserts nothing`)
    }
    const native = createRequire(import.meta.url)(join(directory, 'pycds.node')) as NativeBinding
    const bench = new Bench(t, python.path, { directory, archiver: createArchiver(native) })
    const text = 'import asyncio, decimal, email.message, json, unittest.mock\nprint(json.dumps([1]))\n'
    const script = bench.file('program/main.py', text)
    const traced = await bench.train(script)
    const archived = readFileSync(bench.archive)
    const released = archiver.write(bench.target(traced), traced.modules, {}, traced)
    t.deepEqual(archived, Buffer.from(released.bytes), 'the release build writes another archive')
    t.notThrows(() => createArchiver(native).describe(bench.archive, archived))

    const { outcome, counts } = await bench.runCounted(script, { PYCDS: 'require' })
    t.deepEqual(outcome, { code: 0, stdout: '[1]\n', stderr: '' })
    t.true(Number(counts?.served) > 50)
    t.is(counts?.missed, '0')
  })
} else test.skip('no supported CPython on this machine: the debug build is not tested', () => undefined)

/** Breaks an invariant, and asks for a number that does not fit. */
const BREAK = `
#include "buffer.h"
#include "assert.h"
#include <stdio.h>

int main(int count, char **words) {
  struct pycds_buffer buffer = {0};
  (void)words;
  if (count == 1) pycds_buffer_align(&buffer, 3);
  else printf("%d\\n", PYCDS_NARROW(uint8_t, 254 + count));
  return 0;
}
`

test('what breaks an invariant ends the process, with file and line, in the debug build only', (t) => {
  const source = join(SCRATCH, 'break.c')
  writeFileSync(source, BREAK)
  const build = (name: string, ...flags: string[]) => {
    const program = join(SCRATCH, name)
    execFileSync('cc', [...flags, `-I${join(NATIVE, 'format')}`, '-o', program, source, 'format/buffer.c'], {
      cwd: NATIVE,
    })
    return (...words: string[]) => {
      const { status, signal, stderr } = spawnSync(program, words, { encoding: 'utf8' })
      return { ended: signal === null ? status : 'killed', stderr }
    }
  }
  const debug = build('debug', '-DPYCDS_DEBUG')
  const broken = debug()
  t.is(broken.ended, 'killed')
  t.regex(broken.stderr, /^format\/buffer\.c:\d+: assertion failed: alignment > 0/)
  t.is(debug('a').ended, 'killed')
  t.regex(debug('a').stderr, /break\.c:10: does not fit uint8_t: 254 \+ count\n$/)

  const release = build('release')
  for (const words of [[], ['a']]) t.deepEqual(release(...words), { ended: 0, stderr: '' })
})
