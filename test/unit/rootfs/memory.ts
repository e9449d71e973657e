// SPDX-License-Identifier: Apache-2.0
// What is kept of an image in memory: images have a million files, so each byte of one counts.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { unpack } from '../../../src/rootfs/index.js'
import { packTar } from '../../../src/tar/index.js'
import { directory, file } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'
import { portion } from '../../helpers/tier.js'

const FOLDERS = Math.max(50, portion(1500))
const FILES_PER_FOLDER = 100
const FILES = FOLDERS * FILES_PER_FOLDER
/** For each file. Objects in maps take twice as much, and more the longer the paths are. */
const LIMIT_BYTES = 300
const BLOCK = 512

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes that are in use, whoever allocated them. */
function used(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** A tar of folders with empty files, each made when it is asked for. */
async function* manyFiles(folders: number): AsyncGenerator<Buffer> {
  for (let folder = 0; folder < folders; folder += 1) {
    const name = `usr/lib/python3/package-${folder}`
    const files = Array.from({ length: FILES_PER_FOLDER }, (_, at) =>
      file(`${name}/module_number_${at}.py`, ''),
    )
    const tar = await packTar([directory(name), ...files])
    yield tar.subarray(0, (1 + FILES_PER_FOLDER) * BLOCK)
  }
  yield Buffer.alloc(2 * BLOCK)
}

test(`an unpacked image of ${FILES} files takes less than ${LIMIT_BYTES} bytes for each`, async (t) => {
  t.timeout(10 * 60_000)
  const place = temporary(t)
  const { signal } = new AbortController()
  const unpacks = async (name: string, folders: number) => {
    mkdirSync(join(place, name))
    const open = async () => Readable.from(manyFiles(folders), { objectMode: false })
    return await unpack([{ subject: name, open }], join(place, name), { signal, keepsOwners: true })
  }
  // What all of it needs once.
  await unpacks('warm', FOLDERS / 10)
  const before = used()
  const unpacked = await unpacks('root', FOLDERS)
  const after = used()
  const perFile = (after - before) / FILES
  t.log(`${perFile} bytes`)
  t.true(perFile > 0 && perFile < LIMIT_BYTES, `${perFile} bytes for each file`)
  t.truthy(unpacked.tree.resolve('usr/lib/python3/package-0/module_number_9.py', false))
})
