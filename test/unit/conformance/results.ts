// SPDX-License-Identifier: Apache-2.0
// What is kept of runs: of several at once, of several releases, of changed checkouts.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { commitOf } from '../../../bench/machine.js'
import {
  addResult,
  changeResults,
  makeRunFolder,
  readResults,
  resultsPath,
  type SavedFile,
} from '../../../conformance/results.js'
import { missing, unless } from '../../helpers/skipped.js'
import { temporary } from '../../helpers/temporary.js'

type Body = (t: ExecutionContext) => void | Promise<void>

const MODULE = new URL('../../../conformance/results.js', import.meta.url).href

function subject(version: string, shared = false, kind: 'archive' | 'snapshot' = 'archive') {
  return { suite: 'cpython', kind, python: { version, minor: Number(version.split('.')[1]), shared } }
}

function file(name: string): SavedFile {
  return {
    ...{ file: name, group: 'CPython 3.11.2', commit: 'abc', end: 'completed' },
    ...{ attempted: 1, passed: 1, skipped: 0, failed: 0, differing: [], byDesign: [], flaky: [] },
    ...{ faults: [], seconds: { plain: 1, archive: 1 } },
    proof: { served: 100, children: 0, expected: 0, refused: {} },
  }
}

test('several runs at once lose no result of each other', async (t) => {
  const path = join(temporary(t), 'cpython-3.11.json')
  const program = `
    const { addResult, changeResults } = await import(process.argv[1])
    const [path, subject, file] = process.argv.slice(2, 5).map((text) => JSON.parse(text))
    for (let turn = 0; turn < 10; turn++) {
      const one = { ...file, file: file.file + turn }
      await changeResults(path, subject, (results) => addResult(results, one))
    }`
  const runs = ['a', 'b', 'c'].map((name) =>
    spawn(
      process.execPath,
      [
        ...['--input-type=module', '-e', program, MODULE],
        ...[path, subject('3.11.2'), file(name)].map((one) => JSON.stringify(one)),
      ],
      { stdio: 'inherit' },
    ),
  )
  const codes = await Promise.all(runs.map(async (one) => (await once(one, 'exit'))[0]))
  t.deepEqual(codes, [0, 0, 0])
  t.is((await readResults(path))?.files.length, 30)
})

test('another release of a minor version, and one that is built otherwise, have results of their own', async (t) => {
  const folder = temporary(t)
  const write = async (...words: Parameters<typeof subject>) => {
    const path = await resultsPath(folder, subject(...words))
    await changeResults(path, subject(...words), (results) => addResult(results, file('test_a')))
    return path.slice(folder.length + 1)
  }
  t.is(await write('3.11.2'), 'cpython-3.11.json')
  t.is(await write('3.11.7'), 'cpython-3.11.7.json')
  t.is(await write('3.11.7', true), 'cpython-3.11.7-shared.json')
  t.is(await write('3.11.2', true, 'snapshot'), 'cpython-3.11-snapshot.json')
  // Again, and where they were.
  t.is(await write('3.11.2'), 'cpython-3.11.json')
  t.is(await write('3.11.7', true), 'cpython-3.11.7-shared.json')
  t.is((await readResults(join(folder, 'cpython-3.11.7.json')))?.python.version, '3.11.7')
})

test('results that cannot be read are named, and nothing is written over them', async (t) => {
  const texts = {
    half: '{"schema": "io.pycds.conf',
    none: '',
    null: 'null',
    other: '{"schema": "io.pycds.conformance/1"}',
  }
  const folder = temporary(t, texts)
  for (const [name, text] of Object.entries(texts)) {
    const path = join(folder, name)
    await t.throwsAsync(readResults(path), { message: new RegExp(`^${path}: `) }, text)
    await t.throwsAsync(
      changeResults(path, subject('3.11.2'), () => {}),
      { message: new RegExp(`^${path}: `) },
    )
  }
  t.deepEqual(readdirSync(folder).sort(), Object.keys(texts).sort())
})

test('runs that begin in the same second have folders of their own', (t) => {
  const [folder, at] = [join(temporary(t), 'runs'), new Date('2026-01-02T03:04:05.600Z')]
  const made = [1, 2, 3].map(() => makeRunFolder(folder, 'cpython-3.11', at))
  const name = '20260102T030405-cpython-3.11'
  t.deepEqual(
    made,
    [name, `${name}-2`, `${name}-3`].map((one) => join(folder, one)),
  )
})

unless(missing('git'), (title: string, run: Body) => test(title, run))(
  'other changes of a checkout are another state of it',
  async (t) => {
    const checkout = temporary(t, { 'src/a.ts': 'one\n', 'README.md': 'text\n' })
    const git = (...args: string[]) =>
      spawnSync('git', ['-C', checkout, '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args])
    git('init', '-q')
    git('add', '.')
    t.is(git('commit', '-qm', 'one').status, 0)
    const change = (path: string, text: string) => writeFileSync(join(checkout, path), text)
    const clean = await commitOf(checkout)
    t.regex(clean, /^[0-9a-f]{12}$/)
    change('README.md', 'other\n')
    t.is(await commitOf(checkout), clean)
    change('src/a.ts', 'two\n')
    const changed = await commitOf(checkout)
    t.regex(changed, new RegExp(`^${clean}-dirty-[0-9a-f]{8}$`))
    t.is(await commitOf(checkout), changed)
    change('src/a.ts', 'three\n')
    t.not(await commitOf(checkout), changed)
  },
)
