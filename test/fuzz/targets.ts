// SPDX-License-Identifier: Apache-2.0
// What is fuzzed: each target takes bytes and must end, soon, with a result or with an error that this program knows.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { PycdsError } from '../../src/errors/index.js'
import { MEDIA_TYPES, sha256DiffId, sha256Digest } from '../../src/image/index.js'
import { decompress, openLayer } from '../../src/oci/index.js'
import { unpack } from '../../src/rootfs/index.js'
import { LocationStore } from '../../src/store/locations/index.js'
import { packTar, readTar, type TarEntry } from '../../src/tar/index.js'

export interface Target {
  readonly name: string
  seeds(): Promise<Buffer[]>
  run(bytes: Buffer, directory: string): Promise<void>
  /** Whether the tar headers of a damaged input are made valid again half of the time. */
  readonly isTar: boolean
}

const COMMON = { mode: 0o755, uid: 0, gid: 0, mtime: new Date(1e12) }

function layerEntries(): TarEntry[] {
  return [
    { ...COMMON, name: 'usr', type: 'directory' },
    { ...COMMON, name: 'usr/lib', type: 'directory' },
    { ...COMMON, name: 'lib', type: 'symlink', linkname: 'usr/lib' },
    { ...COMMON, name: 'lib/file', type: 'file', body: Buffer.from('content') },
    { ...COMMON, name: 'hard', type: 'link', linkname: 'usr/lib/file' },
    { ...COMMON, name: 'up', type: 'symlink', linkname: '../../..' },
    { ...COMMON, name: 'up/x', type: 'file', body: Buffer.alloc(5000, 'x') },
    { ...COMMON, name: `long/${'n'.repeat(180)}`, type: 'file', body: Buffer.alloc(0) },
    { ...COMMON, name: 'usr/.wh.gone', type: 'file' },
    { ...COMMON, name: 'usr/.wh..wh..opq', type: 'file' },
  ]
}

/** An OCI archive in memory: the documents are plain text, which the mutator finds. */
async function ociArchive(): Promise<Buffer> {
  const tar = await packTar(layerEntries())
  const layer = gzipSync(tar)
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [sha256DiffId(tar)] },
    }),
  )
  const describe = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: sha256Digest(bytes),
    size: bytes.length,
  })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      config: describe(MEDIA_TYPES.config, config),
      layers: [describe(MEDIA_TYPES.layerGzip, layer)],
    }),
  )
  const index = { schemaVersion: 2, manifests: [describe(MEDIA_TYPES.manifest, manifest)] }
  const member = (name: string, body: Buffer): TarEntry => ({ ...COMMON, name, type: 'file', body })
  return await packTar([
    member('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')),
    member('index.json', Buffer.from(JSON.stringify(index))),
    ...[config, manifest, layer].map((bytes) =>
      member(`blobs/sha256/${sha256Digest(bytes).slice(7)}`, bytes),
    ),
  ])
}

async function dockerArchive(): Promise<Buffer> {
  const tar = await packTar(layerEntries())
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [sha256DiffId(tar)] },
    }),
  )
  const name = `${sha256Digest(config).slice(7)}.json`
  const manifest = [{ Config: name, RepoTags: ['app:1'], Layers: ['a/layer.tar'] }]
  return await packTar([
    { ...COMMON, name, type: 'file', body: config },
    { ...COMMON, name: 'a/layer.tar', type: 'file', body: tar },
    { ...COMMON, name: 'manifest.json', type: 'file', body: Buffer.from(JSON.stringify(manifest)) },
  ])
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

async function drain(bytes: Buffer, compression: 'gzip' | 'zstd'): Promise<void> {
  for await (const _ of decompress(Readable.from([bytes]), compression, 'fuzz'));
}

/** zstd of "hello hello hello" in one frame; Node of the oldest supported version cannot make one. */
const ZSTD = Buffer.from('28b52ffd04586500003068656c6c6f200a0100a32b0a99d4', 'hex')

export const TARGETS: readonly Target[] = [
  {
    name: 'tar',
    isTar: true,
    seeds: async () => [await packTar(layerEntries())],
    run: (bytes) => readTar(bytes, (_, body) => body()),
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
