// SPDX-License-Identifier: Apache-2.0
// Directories of a run: what a killed one has left goes, what people keep and what others use stays.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { keepScratch, makeScratch, removeScratch } from '../../../conformance/scratch.js'
import { missing, unless } from '../../helpers/skipped.js'
import { temporary } from '../../helpers/temporary.js'

type Body = (t: ExecutionContext) => void | Promise<void>

const MODULE = new URL('../../../conformance/scratch.js', import.meta.url).href

/** Runs a program that has the functions of scratch.ts, in a process of its own that ends without cleaning up. */
function inAnother(place: string, program: string, before: readonly string[] = []): string {
  const [file = '', ...args] = [...before, process.execPath, '--input-type=module', '-e']
  const text = `const { makeScratch, removeTree } = await import(${JSON.stringify(MODULE)}); ${program}`
  return execFileSync(file, [...args, text], {
    env: { ...process.env, TMPDIR: place },
    encoding: 'utf8',
  }).trim()
}

test.serial('the next run removes what a killed one has left, and nothing else', (t) => {
  const place = temporary(t)
  const { TMPDIR } = process.env
  process.env.TMPDIR = place
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })
  const left = inAnother(place, 'console.log(makeScratch())')
  mkdirSync(join(left, 'site/locked'), { recursive: true })
  chmodSync(join(left, 'site/locked'), 0)
  const strange = join(place, 'pycds-conf-of-others')
  mkdirSync(strange)
  const kept = makeScratch()
  keepScratch(kept)
  const used = makeScratch()
  t.false(existsSync(left))
  inAnother(place, 'makeScratch()')
  t.true([strange, kept, used].every((path) => existsSync(path)))
  removeScratch(used)
  t.false(existsSync(used))
})

// Root without the right to enter what is locked is like anybody else.
const LIKE_OTHERS = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search']
const canBe = process.getuid?.() === 0 ? missing('setpriv') : undefined

unless(canBe, (title: string, run: Body) => test(title, run))(
  'what tests have locked is removed by a user who is not root, too',
  (t) => {
    const place = temporary(t, { 'home/locked/inner/file': '' })
    const before = process.getuid?.() === 0 ? LIKE_OTHERS : []
    t.teardown(() => spawnSync('chmod', ['-R', 'u+rwX', place]))
    for (const name of ['home/locked/inner', 'home/locked']) chmodSync(join(place, name), 0)
    writeFileSync(join(place, 'other'), '')
    inAnother(place, `removeTree(${JSON.stringify(join(place, 'home'))})`, before)
    t.deepEqual(readdirSync(place), ['other'])
  },
)
