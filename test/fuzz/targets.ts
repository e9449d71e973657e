// SPDX-License-Identifier: Apache-2.0
// What is fuzzed: each target takes bytes and must end, soon, with a result or with an error that this program knows.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import { gzipSync } from 'node:zlib'
import Bake from '../../src/commands/bake.js'
import { optionsOf } from '../../src/commands/cli/config-flags.js'
import { readConfig } from '../../src/config/index.js'
import { PycdsError } from '../../src/errors/index.js'
import { readConfigFile } from '../../src/frontend/config-file.js'
import { parseRunLog } from '../../src/learn/runlog/run-log.js'
import { formatTrace } from '../../src/learn/trace/trace-file.js'
import { parseTraceFile } from '../../src/learn/trace/trace-reader.js'
import { decompress, openLayer } from '../../src/oci/index.js'
import { unpack } from '../../src/rootfs/index.js'
import { LocationStore } from '../../src/store/locations/index.js'
import { DEFAULT_LIMITS, packTar, readTar, scanTar, type TarHeader } from '../../src/tar/index.js'
import { sampleRunLog } from '../helpers/run-log.js'
import { CONFIG, dockerArchive, layerEntries, ociArchive, traceFile, ZSTD } from './seeds.js'

export interface Target {
  readonly name: string
  seeds(): Promise<Buffer[]>
  run(bytes: Buffer, directory: string): Promise<void>
  /** Whether the tar headers of a damaged input are made valid again half of the time. */
  readonly isTar: boolean
}

async function unpackBytes(bytes: Buffer, directory: string): Promise<void> {
  const root = join(directory, 'root')
  mkdirSync(root)
  const layers = [{ subject: 'fuzz', open: async () => Readable.from([bytes]) }]
  await unpack(layers, root, { signal: new AbortController().signal, keepsOwners: false })
}

async function readArchive(kind: string, bytes: Buffer, directory: string): Promise<void> {
  const path = join(directory, 'image.tar')
  writeFileSync(path, bytes)
  const store = new LocationStore()
  const image = await store.resolve(`${kind}:${path}`)
  for (const layer of store.contents(image.id).layers) {
    for await (const _ of await openLayer(layer, 'fuzz')); // to its end, where the digests are compared
  }
}

/** Layers are unpacked by one reader and looked at by another: both see the same members. */
async function compareReaders(bytes: Buffer): Promise<void> {
  const walked: TarHeader[] = []
  await readTar(bytes, (header) => void walked.push(header))
  const scanned: TarHeader[] = []
  await scanTar(Readable.from([bytes]), DEFAULT_LIMITS, (header) => void scanned.push(header))
  if (isDeepStrictEqual(walked, scanned)) return
  const at = walked.findIndex((header, index) => !isDeepStrictEqual(header, scanned[index]))
  throw new Error(
    `one reader sees ${JSON.stringify(walked.at(at))}, the other ${JSON.stringify(scanned[at])}`,
  )
}

async function drain(bytes: Buffer, compression: 'gzip' | 'zstd'): Promise<void> {
  for await (const _ of decompress(Readable.from([bytes]), compression, 'fuzz'));
}

export const TARGETS: readonly Target[] = [
  {
    name: 'tar',
    isTar: true,
    seeds: async () => [await packTar(layerEntries())],
    run: (bytes) => readTar(bytes, (_, body) => body()),
  },
  {
    name: 'tar-readers',
    isTar: true,
    seeds: async () => [await packTar(layerEntries())],
    run: compareReaders,
  },
  { name: 'unpack', isTar: true, seeds: async () => [await packTar(layerEntries())], run: unpackBytes },
  {
    name: 'oci-archive',
    isTar: true,
    seeds: async () => [await ociArchive()],
    run: (bytes, directory) => readArchive('oci-archive', bytes, directory),
  },
  {
    name: 'docker-archive',
    isTar: true,
    seeds: async () => [await dockerArchive()],
    run: (bytes, directory) => readArchive('docker-archive', bytes, directory),
  },
  {
    name: 'gzip',
    isTar: false,
    seeds: async () => [gzipSync(await packTar(layerEntries()))],
    run: (bytes) => drain(bytes, 'gzip'),
  },
  { name: 'zstd', isTar: false, seeds: async () => [ZSTD], run: (bytes) => drain(bytes, 'zstd') },
  {
    name: 'trace',
    isTar: false,
    seeds: async () => [traceFile()],
    run: async (bytes) => void formatTrace(parseTraceFile('fuzz', bytes.toString())),
  },
  {
    name: 'run-log',
    isTar: false,
    seeds: async () => [sampleRunLog()],
    run: async (bytes) => void parseRunLog('fuzz', bytes),
  },
  {
    name: 'config',
    isTar: false,
    seeds: async () => [Buffer.from(CONFIG)],
    run: async (bytes) => void readConfig('fuzz.yaml', bytes.toString(), optionsOf(Bake.flags)),
  },
  {
    name: 'frontend-config',
    isTar: false,
    seeds: async () => [Buffer.from(CONFIG)],
    run: async (bytes) => void (await readConfigFile(bytes.toString())),
  },
]

/** A directory with a canary beside it; `check` tells what was touched. */
export class Sandbox {
  readonly directory = join(tmpdir(), `pycds-fuzz-${process.pid}-${process.hrtime.bigint()}`)
  readonly inner = join(this.directory, 'inner')

  constructor() {
    mkdirSync(this.inner, { recursive: true })
    writeFileSync(join(this.directory, 'canary'), 'canary')
  }

  check(): string | undefined {
    const names = readdirSync(this.directory).sort().join()
    if (names !== 'canary,inner') return `files beside the directory: ${names}`
    return readFileSync(join(this.directory, 'canary'), 'utf8') === 'canary'
      ? undefined
      : 'the canary has changed'
  }

  empty(): void {
    rmSync(this.inner, { recursive: true, force: true })
    mkdirSync(this.inner)
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Errors that are answers: what the input is wrong about. */
export function isAnswer(error: unknown): boolean {
  return error instanceof PycdsError && error.code !== 'INTERNAL'
}
