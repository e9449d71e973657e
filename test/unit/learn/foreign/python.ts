// SPDX-License-Identifier: Apache-2.0
// What the files of an image tell of its Python when nothing of it can be run.

import test from 'ava'
import { createArchiver } from '../../../../src/archive/archiver.js'
import { findForeignPython, translatePath } from '../../../../src/learn/foreign/python.js'
import type { RunLogPython } from '../../../../src/learn/runlog/run-log.js'
import type { SourceImage } from '../../../../src/ports/index.js'
import { elfWith } from '../../../helpers/elf.js'

const archiver = createArchiver()
const image = (architecture: string): SourceImage => ({
  reference: 'oci:app:1',
  id: `sha256:${architecture}`,
  config: { architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [] } },
  ...{ os: 'linux', architecture, layers: 0, diffIds: [] },
})

const NATIVE: RunLogPython = {
  executable: '/usr/bin/python3.15',
  launcher: '/usr/bin/python3',
  version: '3.15.2',
  hexversion: 0x030f02f0,
  implementation: 'cpython',
  cacheTag: 'cpython-315',
  library: '/usr/lib/x86_64-linux-gnu/libpython3.15.so.1.0',
  identity: 'aa',
  magic: Buffer.alloc(4),
  debug: false,
  freeThreaded: false,
  optimize: 0,
}

const LIBRARY = '/usr/lib/aarch64-linux-gnu/libpython3.15.so.1.0'

function find(files: Record<string, Buffer>, python: Partial<RunLogPython> = {}): Promise<RunLogPython> {
  const readFile = async (path: string) => files[path]
  return findForeignPython(
    { from: image('amd64'), python: { ...NATIVE, ...python }, to: image('arm64'), image: { readFile } },
    archiver,
  )
}

/** A libpython, as far as it tells what it is. */
function library(hexversion: number | undefined, more: readonly string[] = [], text = ''): Buffer {
  const version = Buffer.alloc(8)
  version.writeUInt32LE(hexversion ?? 0)
  const symbols = Object.fromEntries(['Py_GetVersion', ...more].map((name) => [name, Buffer.alloc(8)]))
  const constants = hexversion === undefined ? symbols : { ...symbols, Py_Version: version }
  return elfWith(constants, { text, buildId: Buffer.from('c0ffee00', 'hex') })
}

test('paths name the processor', (t) => {
  t.is(translatePath(NATIVE.library, image('amd64'), image('arm64')), LIBRARY)
  t.is(translatePath(LIBRARY, image('arm64'), image('amd64')), NATIVE.library)
  t.is(translatePath('/srv/app.py', image('amd64'), image('arm64')), '/srv/app.py')
})

test('another patch release is found where this one has its name', async (t) => {
  const found = await find({ [LIBRARY]: library(0x030f0af0) })
  t.is(found.version, '3.15.10')
  t.is(found.hexversion, 0x030f0af0)
  t.is(found.library, LIBRARY)
  t.is(found.identity, 'c0ffee00')
  t.is(found.launcher, NATIVE.launcher)
})

test('before 3.11 the version is a text', async (t) => {
  const before = { version: '3.9.2', hexversion: 0x030902f0 }
  t.is((await find({ [LIBRARY]: library(undefined, [], '3.9.18+') }, before)).hexversion, 0x030912f0)
  for (const text of ['', '3.9.2\x003.9.18', 'x3.9.2']) {
    const error = await t.throwsAsync(find({ [LIBRARY]: library(undefined, [], text) }, before))
    t.regex(error?.message ?? '', /its version cannot be read/, text)
  }
})

for (const [what, files, reason] of [
  ['no file', {}, /there is no Python in it/],
  ['something else', { [LIBRARY]: Buffer.from('#!/bin/sh\n') }, /there is no Python in it/],
  ['another library', { [LIBRARY]: elfWith({ zlibVersion: Buffer.alloc(8) }) }, /there is no Python in it/],
  [
    'another minor version',
    { [LIBRARY]: library(0x030e02f0) },
    /it is CPython 3\.14\.2, and for amd64 it is 3\.15\.2/,
  ],
  ['a release candidate', { [LIBRARY]: library(0x030f00c1) }, /it is CPython 3\.15\.0rc1/],
  ['a debug build', { [LIBRARY]: library(0x030f02f0, ['_Py_NegativeRefcount']) }, /debug build/],
  [
    'a free-threaded build',
    { [LIBRARY]: library(0x030f02f0, ['_Py_MergeZeroLocalRefcount']) },
    /free-threaded/,
  ],
] as const) {
  test(`${what} in the place of the library is refused`, async (t) => {
    const error = await t.throwsAsync(find(files))
    t.is((error as { code?: string }).code, 'PYTHON_UNSUPPORTED')
    t.regex(error?.message ?? '', reason)
  })
}

test('a release candidate serves the very same one', async (t) => {
  const candidate = { version: '3.15.0rc1', hexversion: 0x030f00c1 }
  t.is((await find({ [LIBRARY]: library(0x030f00c1) }, candidate)).version, '3.15.0rc1')
})
