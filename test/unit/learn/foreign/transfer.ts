// SPDX-License-Identifier: Apache-2.0
// What an image that cannot be run learns from the run of another, as far as no source differs.

import test from 'ava'
import { type Lesson, transfer } from '../../../../src/learn/foreign/transfer.js'
import type { LearnRequest } from '../../../../src/learn/learn.js'
import type { RunLogProcess } from '../../../../src/learn/runlog/run-log.js'
import type { Archiver, ModuleCode, RunPorts, SourceImage } from '../../../../src/ports/index.js'
import { elfWith } from '../../../helpers/elf.js'
import { fakeContainer } from '../../../helpers/fake-container.js'

const PYTHON = '/usr/bin/python3.15'
const VERSION = Buffer.from('f0020f0300000000', 'hex')

const image = (architecture: string): SourceImage => ({
  reference: 'oci:app:1',
  id: `sha256:${architecture}`,
  config: { architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [] } },
  ...{ os: 'linux', architecture, layers: 0, diffIds: [] },
})

const module = (name: string): ModuleCode => ({
  ...{ name, origin: `/srv/${name}.py`, cached: '', entry: '/srv', isPackage: false, mtime: 1, size: 1 },
  ...{ sourceHash: Buffer.alloc(8), marshal: Buffer.from(`code of ${name}`), seeds: Buffer.alloc(0) },
})

function lessonOf(names: readonly string[]): Lesson {
  const python = {
    ...{ executable: PYTHON, launcher: PYTHON, library: PYTHON, version: '3.15.2', hexversion: 0x030f02f0 },
    ...{ implementation: 'cpython', cacheTag: 'cpython-315', identity: 'aa', magic: Buffer.alloc(4) },
    ...{ debug: false, freeThreaded: false, optimize: 0 },
  }
  const process = {
    ...{ python, prefix: '/usr/local' },
    modules: [],
    extensions: ['_a', '_b'].map((name) => ({ name, path: `/usr/lib/x86_64-linux-gnu/${name}.so` })),
    siteDirectories: ['/usr/local/site', '/usr/lib/site'],
  } as unknown as RunLogProcess
  const group = { python, processes: [process], modules: names.length }
  const selection = { modules: names.map(module), leftOut: [{ name: 'z', reason: 'it is frozen' }] }
  const learned = { python: group, selection, warnings: [] }
  return { source: image('amd64'), learned, input: {} } as unknown as Lesson
}

/** Learns for an image that has some files, whose sources are those of the other image. */
function learnFor(files: readonly string[], names: readonly string[]) {
  const source = (path: string) => Buffer.from(`source of ${path}`)
  const elf = elfWith({ Py_GetVersion: Buffer.alloc(8), Py_Version: VERSION })
  const has = (path: string) => path === PYTHON || files.includes(path)
  const there = {
    stat: async (path: string) =>
      has(path) ? { size: 1, mtime: '2024-05-01T12:00:00.5Z', mode: 0o100644 } : undefined,
    readFile: async (path: string) => (path === PYTHON ? elf : has(path) ? source(path) : undefined),
  }
  const own = fakeContainer(undefined, { readFile: async (path) => source(path) })
  const ports = {
    engine: { create: async () => own, remove: async () => {} },
    archiver: { identify: () => ({ kind: 'build-id', hex: 'bb', machine: 183 }) } as unknown as Archiver,
  } as unknown as RunPorts
  const request = { reference: 'oci:app:1' } as LearnRequest
  return transfer(request, lessonOf(names), { source: image('arm64'), image: there }, ports)
}

test('the same sources keep their code, with the time and size of their own files; missing ones are said', async (t) => {
  const files = ['/srv/a.py', '/srv/b.py', '/usr/lib/site', '/usr/lib/aarch64-linux-gnu/_b.so']
  const { selection, python, warnings, start } = await learnFor(files, ['b', 'gone', 'a'])
  t.deepEqual(
    selection.modules.map(({ name, marshal }) => [name, marshal.toString()]),
    [
      ['b', 'code of b'],
      ['a', 'code of a'],
    ],
  )
  for (const one of selection.modules) {
    t.is(one.mtime, Date.UTC(2024, 4, 1, 12) / 1000)
    t.is(one.size, `source of ${one.origin}`.length)
  }
  t.deepEqual(selection.leftOut, [
    { name: 'gone', reason: 'only the image for amd64 has it' },
    { name: 'z', reason: 'it is frozen' },
  ])
  t.deepEqual(warnings, ['1 modules of the run for linux/amd64 are not in this image, and were left out'])
  t.is(python.python.identity, 'bb')
  t.deepEqual(python.processes[0]?.siteDirectories, ['/usr/lib/site'])
  t.deepEqual(python.processes[0]?.libraries, ['/usr/lib/aarch64-linux-gnu/_b.so'])
  t.is(start, undefined)
})

test('a site directory that no image has is where the hook goes, but not one of an environment that is not there', async (t) => {
  const { python: plain } = await learnFor(['/srv/a.py', '/usr/local'], ['a'])
  t.deepEqual(plain.processes[0]?.siteDirectories, ['/usr/local/site'])
  const { python } = await learnFor(['/srv/a.py'], ['a'])
  t.deepEqual(python.processes[0]?.siteDirectories, [])
})

test('an image of another application is refused', async (t) => {
  const error = await t.throwsAsync(learnFor(['/srv/a.py'], ['a', 'b', 'c']))
  t.is((error as { code?: string }).code, 'TRACE_INVALID')
  t.regex(error?.message ?? '', /only 1 of the 3 modules of its amd64 image/)
})
