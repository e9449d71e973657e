// SPDX-License-Identifier: Apache-2.0
// What only a start makes is in no layer and in no trace: there it would keep the start from making it.
import test from 'ava'
import { asInImage, warnOfMadeEnvironments } from '../../../src/learn/in-image.js'
import type { Training } from '../../../src/learn/run/index.js'
import type { RunLogProcess, RunLogPython } from '../../../src/learn/runlog/run-log.js'

const OWN = '/usr/local/lib/python3.11/dist-packages'
const MADE = '/opt/venv/lib/python3.11/site-packages'
const PYTHON = {
  ...{ executable: '/usr/bin/python3.11', launcher: '/usr/bin/python3', library: '/usr/bin/python3.11' },
  ...{ version: '3.11.2', hexversion: 0x030b02f0, identity: 'ab', cacheTag: 'cpython-311', optimize: 0 },
} as Partial<RunLogPython> as RunLogPython

const process = (more: Partial<RunLogProcess>, python: Partial<RunLogPython> = {}) =>
  ({
    ...{ python: { ...PYTHON, ...python }, prefix: '/usr', siteDirectories: [OWN], extensions: [] },
    ...{ modules: [{ name: 'json', origin: '/usr/lib/python3.11/json.py' }], noSite: false, ...more },
  }) as Partial<Record<keyof RunLogProcess, unknown>> as RunLogProcess

/** @param there site directories when the run ended */
async function inImage(processes: RunLogProcess[], paths: readonly string[], there: string[] = []) {
  const files = new Set(['/usr', PYTHON.executable, PYTHON.launcher, ...paths])
  const stat = async (path: string) => (files.has(path) ? { size: 0, mtime: '', mode: 0o100755 } : undefined)
  const training = {
    ...{ processes, changed: new Set(['/opt/venv/x.so', '/opt/venv/libx.so']), directories: new Set(there) },
  } as Partial<Training> as Training
  const found = await asInImage(training, { stat })
  return { processes: found.processes, warnings: warnOfMadeEnvironments(training, found) }
}

test('a virtual environment that a start makes gets no hook, and is told of', async (t) => {
  const launcher = '/opt/venv/bin/python'
  const made = process({ prefix: '/opt/venv', siteDirectories: [MADE] }, { launcher })
  const { processes, warnings } = await inImage([process({}), made], [OWN], [OWN, MADE])
  t.deepEqual(
    processes.map(({ siteDirectories }) => siteDirectories),
    [[OWN], []],
  )
  t.is(processes[1]?.python.launcher, PYTHON.executable)
  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', /^\/opt\/venv\/bin\/python: .*\/opt\/venv is not in the image, a start makes it/)
})

test('one made in a directory of the image, or taken away in the run, gets none either', async (t) => {
  const made = process({ prefix: '/opt/venv', siteDirectories: [MADE] })
  for (const [paths, there] of [
    [['/opt/venv'], [MADE]],
    [[], []],
  ] as const) {
    const { processes } = await inImage([made], paths, [...there])
    t.deepEqual(processes[0]?.siteDirectories, [])
  }
})

test('one that is in the image gets its hook, and keeps its launcher', async (t) => {
  const launcher = '/opt/venv/bin/python'
  const own = process({ prefix: '/opt/venv', siteDirectories: [MADE] }, { launcher })
  const { processes, warnings } = await inImage([own], ['/opt/venv', launcher, MADE], [MADE])
  t.deepEqual(processes, [own])
  t.deepEqual(warnings, [])
})

test('of several site directories the first that the image has counts', async (t) => {
  const system = '/usr/lib/python3/dist-packages'
  const { processes, warnings } = await inImage(
    [process({ siteDirectories: [OWN, system] })],
    [system],
    [OWN, system],
  )
  t.deepEqual(processes[0]?.siteDirectories, [system])
  t.deepEqual(warnings, [])
})

test('where there is none, in the image and in the run, the hook makes the first', async (t) => {
  t.deepEqual((await inImage([process({})], [])).processes[0]?.siteDirectories, [OWN])
  t.deepEqual((await inImage([process({})], [], [OWN])).processes[0]?.siteDirectories, [])
})

test('a copy of the interpreter is told by the name of the one in the image', async (t) => {
  const copy = '/srv/env/bin/python'
  const python = { executable: copy, launcher: copy, library: copy }
  const made = process({ prefix: '/srv/env', siteDirectories: [] }, python)
  const { processes } = await inImage([made, process({})], [OWN])
  t.deepEqual(processes[0]?.python, PYTHON)
  const other = await inImage([made, process({}, { identity: 'cd' })], [OWN])
  t.is(other.processes[0]?.python.library, copy)
})

test('a copy that has its interpreter in a library of the image is told by the program there', async (t) => {
  const [copy, library] = ['/srv/env/bin/python', '/usr/lib/libpython3.11.so.1.0']
  const made = process({ prefix: '/srv/env' }, { executable: copy, launcher: copy, library })
  const { processes } = await inImage([made], [OWN, library])
  t.like(processes[0]?.python, { executable: PYTHON.executable, launcher: PYTHON.executable, library })
})

test('extension modules and libraries that the run has made are not read ahead', async (t) => {
  const own = { name: 'zlib', path: '/usr/lib/zlib.so' }
  const extensions = [own, { name: 'x', path: '/opt/venv/x.so' }]
  const { processes } = await inImage(
    [process({ extensions, libraries: ['/opt/venv/libx.so', '/usr/lib/z.so'] })],
    [OWN],
  )
  t.like(processes[0], { extensions: [own], libraries: ['/usr/lib/z.so'] })
})
