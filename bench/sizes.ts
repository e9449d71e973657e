// SPDX-License-Identifier: Apache-2.0
// Bytes: archive and layer against the bytecode files that they replace.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Baked } from './images.js'
import type { Python } from './pythons.js'
import { ROOT, run } from './shell.js'

export interface Sizes {
  readonly modules: number
  readonly archiveBytes: number
  readonly layerBytes: number
  readonly layerCompressedBytes: number
  /** Of the same modules. */
  readonly pycBytes: number
  /** One after another in one gzip stream, as in a layer. */
  readonly pycCompressedBytes: number
}

/** The sizes of a bake whose root is mounted. */
export async function measureSizes(baked: Baked, root: string, python: Python): Promise<Sizes> {
  const { reference, modules, archiveBytes, layerBytes, layerCompressedBytes } = baked
  const bytecode = await readBytecode(reference, root, python)
  return {
    ...{ modules, archiveBytes, layerBytes, layerCompressedBytes },
    pycBytes: bytecode.length,
    pycCompressedBytes: gzipSync(bytecode).length,
  }
}

/** The bytecode files of all archived modules, in the archive's order. */
async function readBytecode(reference: string, root: string, python: Python): Promise<Buffer> {
  const output = await run(process.execPath, [
    ...[join(ROOT, 'dist/bin/run.js'), 'inspect', reference, '--map', '--json'],
  ])
  const { map } = JSON.parse(output) as { map: string }
  const files = map.split('\n').flatMap((line) => line.split('\t')[3] ?? [])
  const contents = files.map((origin) =>
    readFile(join(root, cachedName(origin, python.minor))).catch(() => Buffer.alloc(0)),
  )
  return Buffer.concat(await Promise.all(contents))
}

/** Where CPython keeps the bytecode of a source file. */
export function cachedName(origin: string, minor: number): string {
  return origin.replace(/([^/]*)\.py$/, `__pycache__/$1.cpython-3${minor}.pyc`)
}
