// SPDX-License-Identifier: Apache-2.0
import { createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import {
  type ArchiveItem,
  configMember,
  configName,
  isDescription,
  layerName,
  manifestMember,
} from '../../docker-archive/index.js'
import { PycdsError } from '../../errors/index.js'
import {
  changePlace,
  type ImageContents,
  type LayerContents,
  type NewEntry,
  openLayer,
  openVerified,
} from '../../oci/index.js'
import { type StreamedMember, type TarEntry, writeTar } from '../../tar/index.js'
import { writeWhole } from '../../util/staging.js'
import { type DockerArchive, openDockerArchive } from './read.js'

/** Writes an image to an archive; other images of an archive that exists stay in it. */
export async function writeDockerArchive(path: string, entry: NewEntry): Promise<void> {
  const subject = `docker-archive:${path}`
  const [image, ...others] = entry.images
  if (image === undefined || others.length > 0) {
    throw new PycdsError('USAGE', {
      message: `${subject}: it cannot hold an image for several platforms`,
      hint: 'Write to oci:DIR or oci-archive:FILE, or choose one --platform.',
    })
  }
  await changePlace(path, subject, async (target) => {
    const existing = (await exists(target)) ? await openDockerArchive(target) : undefined
    await writeWhole(target, (file) =>
      writeTar(
        createWriteStream(file, { flags: 'wx' }),
        membersOf(existing, { image, name: entry.name, subject }),
      ),
    )
  })
}

interface NewImage {
  image: ImageContents
  name: string | undefined
  subject: string
}

/** The members of an archive with one more image. */
export async function* membersOf(
  existing: DockerArchive | undefined,
  { image, name, subject }: NewImage,
): AsyncGenerator<StreamedMember | TarEntry> {
  const kept = [...(existing?.members.entries() ?? [])].filter(([member]) => !isDescription(member))
  const written = new Set<string>()
  for (const [member, { size, open }] of kept) {
    written.add(member)
    yield { name: member, size, open: async () => open() }
  }
  const item: ArchiveItem = {
    Config: configName(image.id),
    RepoTags: name === undefined ? null : [name],
    Layers: image.layers.map(({ diffId }) => layerName(diffId)),
  }
  if (!written.has(item.Config)) yield configMember(image.id, image.configBytes)
  for (const layer of image.layers) {
    const member = layerName(layer.diffId)
    if (written.has(member)) continue
    written.add(member)
    yield await streamedLayer(member, layer, subject)
  }
  yield manifestMember([...itemsWithout(existing, item), item])
}

/** Engines of every age read plain and gzip layers; what only newer ones read is decompressed. */
async function streamedLayer(name: string, layer: LayerContents, subject: string): Promise<StreamedMember> {
  if (layer.compression !== 'zstd') {
    return { name, size: layer.blob.size, open: () => openVerified(layer.blob, subject) }
  }
  let size = 0
  for await (const chunk of await openLayer(layer, subject)) size += (chunk as Buffer).length
  return { name, size, open: () => openLayer(layer, subject) }
}

/** The images of an archive, none of them with the name or the configuration of the new one. */
function itemsWithout(existing: DockerArchive | undefined, item: ArchiveItem): ArchiveItem[] {
  return (existing?.items ?? [])
    .map((one) => ({ ...one, RepoTags: (one.RepoTags ?? []).filter((tag) => !item.RepoTags?.includes(tag)) }))
    .filter(({ Config }) => Config !== item.Config)
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
