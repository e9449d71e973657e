// SPDX-License-Identifier: Apache-2.0
// Finds an image's configuration in what the engine exports. Layers go by without being held.
import type { Readable } from 'node:stream'
import { hexOfDocument, MANIFEST, parseItems } from '../../docker-archive/index.js'
import { PycdsError } from '../../errors/index.js'
import { type ImageConfig, sha256Digest, validateConfig } from '../../image/index.js'
import type { SourceImage } from '../../ports/index.js'
import { readTar } from '../../tar/index.js'

/** A configuration is a few kilobytes; larger members are layers. */
const CANDIDATE_LIMIT = 8 * 1024 * 1024
/** An OCI layout may hold many small blobs; beyond this they cannot all be documents. */
const CANDIDATES_LIMIT = 64 * 1024 * 1024
const OPENING_BRACE = 0x7b

/** A configuration with the text that it was read from: what a bake does not change is kept byte for byte. */
export interface ExactConfig {
  readonly config: ImageConfig
  readonly text: string
}

interface Candidate {
  readonly hex: string
  readonly bytes: Buffer
}

/**
 * Reads the exact configuration of `image` from its export. On the classic store it is the document that the
 * image id is the hash of; elsewhere the one that the manifest names and that has the image's layers.
 * Throws IMAGE_INVALID when there is none, or when its content does not match its name.
 */
export async function readExportedConfig(archive: Readable, image: SourceImage): Promise<ExactConfig> {
  const candidates: Candidate[] = []
  let manifest: unknown
  let exact: Buffer | undefined
  let held = 0
  await readTar(archive, async (entry, body) => {
    if (entry.type !== 'file' || entry.size > CANDIDATE_LIMIT) return undefined
    if (entry.name === MANIFEST) {
      manifest = parseJson(await body(), MANIFEST, image)
      return undefined
    }
    const hex = hexOfDocument(entry.name)
    if (hex === undefined) return undefined
    const bytes = await body()
    if (bytes[0] !== OPENING_BRACE) return undefined
    // On the containerd store the id is that of a manifest, which is no configuration.
    if (sha256Digest(bytes) === image.id && isConfiguration(parseJson(bytes, entry.name, image))) {
      exact = bytes
      return 'stop'
    }
    held += bytes.length
    if (held > CANDIDATES_LIMIT) throw damaged(image, 'its export has too many documents in it')
    candidates.push({ hex, bytes })
    return undefined
  })
  const bytes = exact ?? chooseByManifest(candidates, manifest, image)
  return {
    config: validateConfig(
      parseJson(bytes, 'its configuration', image),
      `image ${image.reference}: its configuration`,
    ),
    text: String(bytes),
  }
}

function chooseByManifest(candidates: readonly Candidate[], manifest: unknown, image: SourceImage): Buffer {
  for (const { Config: name } of parseItems(manifest) ?? []) {
    const hex = hexOfDocument(name)
    const candidate = candidates.find((c) => c.hex === hex)
    if (candidate === undefined) continue
    const isIntact = sha256Digest(candidate.bytes) === `sha256:${candidate.hex}`
    const isTheId = image.id === `sha256:${candidate.hex}`
    if (!isIntact) throw damaged(image, 'its configuration does not match its digest')
    if (!isTheId && hasLayers(parseJson(candidate.bytes, name, image), image.diffIds)) return candidate.bytes
  }
  throw damaged(image, 'the engine exported no configuration that belongs to it')
}

function isConfiguration(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'rootfs' in value
}

function hasLayers(value: unknown, diffIds: readonly string[]): boolean {
  const found = (value as { rootfs?: { diff_ids?: unknown } } | null)?.rootfs?.diff_ids
  return Array.isArray(found) && found.length === diffIds.length && found.every((id, i) => id === diffIds[i])
}

function parseJson(bytes: Buffer, what: string, image: SourceImage): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw damaged(image, `${what} is not JSON`, cause)
  }
}

function damaged(image: SourceImage, reason: string, cause?: unknown): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `image ${image.reference}: ${reason}`,
    hint: 'The image is damaged in the engine; build or pull it again.',
    cause,
  })
}
