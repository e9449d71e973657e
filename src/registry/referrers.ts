// SPDX-License-Identifier: Apache-2.0
// What is said of an image: manifests that name it as their subject, listed by the registry or, where it has no such list,
// by an index under a tag that is made of the digest.
import {
  type Descriptor,
  type Digest,
  hexOf,
  type Index,
  MEDIA_TYPES,
  validateIndex,
} from '../image/index.js'
import { parseJson } from '../oci/index.js'

/** An entry of the list: a manifest about another one. */
export type Referrer = Descriptor

/** The tag that stands for the list, by the distribution specification. */
export function fallbackTag(digest: Digest): string {
  return digest.replace(':', '-').slice(0, 128)
}

/** The tags under which cosign puts signatures, attestations and SBOMs of a manifest. */
export function cosignTags(digest: Digest): string[] {
  return ['sig', 'att', 'sbom'].map((kind) => `sha256-${hexOf(digest)}.${kind}`)
}

/** Whether a tag is one under which there is what is said of an image, by the specification or by cosign. */
export function isCompanionTag(tag: string): boolean {
  return /^sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{121})(?:\.(?:sig|att|sbom))?$/.test(tag)
}

/** The entries of a list. */
export function referrersIn({ manifests }: Index): Referrer[] {
  return [...manifests]
}

/** The index with an entry more; undefined when it has it. */
export function addToTagSchema(
  old: Buffer | undefined,
  entry: Referrer,
  subject: string,
): Buffer | undefined {
  const index: Index =
    old === undefined
      ? validateIndex({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [] }, subject)
      : validateIndex(parseJson(old, subject), subject)
  if (index.manifests.some(({ digest }) => digest === entry.digest)) return undefined
  return Buffer.from(JSON.stringify({ ...index, manifests: [...index.manifests, entry] }))
}
