// SPDX-License-Identifier: Apache-2.0
// An archive as `docker save` writes it. The rest of the program sees it as a layout; the manifests that it has not are
// made up in memory.
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { posix } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type ArchiveItem, hexOfDocument, MANIFEST, parseItems } from '../../docker-archive/index.js'
import {
  type Compression,
  type Descriptor,
  type Digest,
  type Manifest,
  MEDIA_TYPES,
  REF_NAME,
  sha256Digest,
  validateConfig,
} from '../../image/index.js'
import {
  type Blob,
  damaged,
  type Medium,
  memoryBlob,
  parseJson,
  sniffCompression,
  withFiles,
} from '../../oci/index.js'
import { locateMembers, type TarMember } from '../../tar/index.js'

/** An opened archive, with all that is in the file. */
export interface DockerArchive extends Medium {
  readonly members: ReadonlyMap<string, TarMember>
  readonly items: readonly ArchiveItem[]
}

const LAYER_TYPES: Readonly<Record<Compression, string>> = {
  none: MEDIA_TYPES.layer,
  gzip: MEDIA_TYPES.layerGzip,
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
}

/** Opens an archive; IMAGE_NOT_FOUND when there is none, IMAGE_INVALID for anything but `docker save`'s form. */
export async function openDockerArchive(path: string): Promise<DockerArchive> {
  const subject = `docker-archive:${path}`
  return await withFiles(subject, async () => {
    const found = await stat(path)
    if (!found.isFile()) throw damaged(`${subject}: it is no file`)
    const members = await locateMembers(path)
    const items = await readItems(members, subject)
    const blobs = new Map<Digest, Blob>()
    const manifests: Descriptor[] = []
    for (const item of items) {
      const descriptor = await describe(item, { members, blobs, subject })
      const names = item.RepoTags?.length ? item.RepoTags : [undefined]
      for (const name of names) {
        manifests.push({
          ...descriptor,
          ...(name === undefined ? {} : { annotations: { [REF_NAME]: name } }),
        })
      }
    }
    return {
      subject,
      members,
      items,
      index: { schemaVersion: 2, manifests },
      find: async (digest) => blobs.get(digest),
    }
  })
}

async function readItems(members: ReadonlyMap<string, TarMember>, subject: string): Promise<ArchiveItem[]> {
  const file = members.get(MANIFEST)
  if (file === undefined) throw damaged(`${subject}: it is no Docker archive, for it has no ${MANIFEST}`)
  const items = parseItems(parseJson(await buffer(file.open()), `${subject}: ${MANIFEST}`))
  if (items !== undefined) return items
  throw damaged(`${subject}: ${MANIFEST} is not a list of images`)
}

interface Described {
  members: ReadonlyMap<string, TarMember>
  blobs: Map<Digest, Blob>
  subject: string
}

async function describe(item: ArchiveItem, { members, blobs, subject }: Described): Promise<Descriptor> {
  const configBytes = await buffer(memberOf(members, item.Config, 'configuration', subject).open())
  const named = hexOfDocument(posix.basename(item.Config))
  const digest = sha256Digest(configBytes)
  if (named !== undefined && digest !== `sha256:${named}`) {
    throw damaged(`${subject}: its configuration ${item.Config} has the digest ${digest}`)
  }
  const config = validateConfig(
    parseJson(configBytes, `${subject}: ${item.Config}`),
    `${subject}: configuration ${item.Config}`,
  )
  const diffIds = config.rootfs.diff_ids
  if (diffIds.length !== item.Layers.length) {
    throw damaged(`${subject}: it has ${item.Layers.length} layers, its configuration ${diffIds.length}`)
  }
  const layers: Descriptor[] = []
  for (const [index, name] of item.Layers.entries()) {
    const member = memberOf(members, name, 'layer', subject)
    const compression = sniffCompression(await startOf(member))
    // What is not compressed has its diff id for a digest; it is compared whenever it is read.
    const layerDigest = compression === 'none' ? (diffIds[index] as string as Digest) : await hash(member)
    blobs.set(layerDigest, { digest: layerDigest, size: member.size, open: async () => member.open() })
    layers.push({ mediaType: LAYER_TYPES[compression], digest: layerDigest, size: member.size })
  }
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: { mediaType: MEDIA_TYPES.config, digest, size: configBytes.length },
    layers,
  }
  const bytes = Buffer.from(JSON.stringify(manifest))
  for (const blob of [memoryBlob(digest, configBytes), memoryBlob(sha256Digest(bytes), bytes)]) {
    blobs.set(blob.digest, blob)
  }
  return { mediaType: MEDIA_TYPES.manifest, digest: sha256Digest(bytes), size: bytes.length }
}

function memberOf(
  members: ReadonlyMap<string, TarMember>,
  name: string,
  what: string,
  subject: string,
): TarMember {
  const member = members.get(name.replace(/^\.\//, ''))
  if (member === undefined) throw damaged(`${subject}: its ${what} ${JSON.stringify(name)} is missing`)
  return member
}

async function startOf(member: TarMember): Promise<Buffer> {
  const stream = member.open()
  for await (const chunk of stream) return chunk as Buffer // leaving the loop closes the stream
  return Buffer.alloc(0)
}

async function hash(member: TarMember): Promise<Digest> {
  const sum = createHash('sha256')
  await pipeline(member.open(), sum)
  return `sha256:${sum.digest('hex')}` as Digest
}
