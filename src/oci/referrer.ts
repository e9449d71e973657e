// SPDX-License-Identifier: Apache-2.0
// Statements about an image as an artifact whose subject it is. The form is that in which BuildKit keeps its own, so
// that whoever reads those reads these.
import {
  type Descriptor,
  type Digest,
  MEDIA_TYPES,
  REFERENCE_DIGEST,
  REFERENCE_TYPE,
  sha256Digest,
} from '../image/index.js'
import { type Blob, memoryBlob } from './blobs.js'

const ARTIFACT_TYPE = 'application/vnd.docker.attestation.manifest.v1+json'
const STATEMENT_TYPE = 'application/vnd.in-toto+json'
const PREDICATE_TYPE = 'in-toto.io/predicate-type'
const EMPTY = Buffer.from('{}')

/** An artifact, and the blobs that it consists of: its manifest first. */
export interface Referrer {
  readonly descriptor: Descriptor
  readonly blobs: readonly Blob[]
}

/**
 * Makes an artifact of in-toto statements.
 * @param subject the manifest that they are about
 */
export function makeReferrer(
  subject: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>,
  statements: readonly { predicateType: string; body: Buffer }[],
): Referrer {
  const { mediaType, digest, size } = subject
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      artifactType: ARTIFACT_TYPE,
      config: describe('application/vnd.oci.empty.v1+json', EMPTY),
      layers: statements.map(({ predicateType, body }) => ({
        ...describe(STATEMENT_TYPE, body),
        annotations: { [PREDICATE_TYPE]: predicateType },
      })),
      subject: { mediaType, digest, size },
    }),
  )
  const about = { [REFERENCE_TYPE]: 'attestation-manifest', [REFERENCE_DIGEST]: digest }
  return {
    descriptor: {
      ...describe(MEDIA_TYPES.manifest, manifest),
      artifactType: ARTIFACT_TYPE,
      annotations: about,
      platform: { os: 'unknown', architecture: 'unknown' },
    },
    blobs: [manifest, EMPTY, ...statements.map(({ body }) => body)].map(toBlob),
  }
}

function describe(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: sha256Digest(bytes), size: bytes.length }
}

function toBlob(bytes: Buffer): Blob {
  const digest: Digest = sha256Digest(bytes)
  return memoryBlob(digest, bytes)
}
