// SPDX-License-Identifier: Apache-2.0
// What is damaged: small inputs that are whole, with something of everything that a reader knows.

import { gzipSync } from 'node:zlib'
import { MEDIA_TYPES, sha256DiffId, sha256Digest } from '../../src/image/index.js'
import { formatTrace, TRACE_SCHEMA } from '../../src/learn/trace/trace-file.js'
import { packTar, type TarEntry } from '../../src/tar/index.js'

const COMMON = { mode: 0o755, uid: 0, gid: 0, mtime: new Date(1e12) }

export function layerEntries(): TarEntry[] {
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
export async function ociArchive(): Promise<Buffer> {
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

export async function dockerArchive(): Promise<Buffer> {
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

/** zstd of "hello hello hello" in one frame; Node of the oldest supported version cannot make one. */
export const ZSTD = Buffer.from('28b52ffd04586500003068656c6c6f200a0100a32b0a99d4', 'hex')

/** A trace with one of everything. */
export function traceFile(): Buffer {
  const module = { name: 'app', origin: '/srv/app.py', entry: '', package: false, sourceHash: '0'.repeat(16) }
  return Buffer.from(
    formatTrace({
      schema: TRACE_SCHEMA,
      images: [{ id: 'sha256:0', platform: 'linux/amd64' }],
      python: { version: '3.11.2', cacheTag: 'cpython-311', executable: '/usr/bin/python3', optimize: 0 },
      siteDirectories: ['/usr/lib/python3/dist-packages'],
      modules: [module, { ...module, name: 'app.part', package: true }],
      regexes: [{ bytes: false, flags: 32, pattern: 'a+' }],
      sources: [{ mode: 'exec', flags: 0, filename: '<string>', text: 'x = 1' }],
      files: ['/usr/lib/libz.so.1'],
      leftOut: [{ name: 'made', reason: 'no source' }],
    }),
  )
}

export const CONFIG = `version: 1
frontend:
  probe: [GET:8000/]
defaults: { ready: "quiet:3s" }
images:
  - image: app:1.10
    name: app
    probe: [GET:8000/, &x "exec:true"]
    command: [python, -m, app]
    dry-run: true
`
