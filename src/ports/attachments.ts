// SPDX-License-Identifier: Apache-2.0
// What is said of an image beside it: signatures, attestations, bills of materials, traces. They name the digest of the
// image, so that each new one begins without.

/** What kind of statement an attachment is, as far as its type tells. */
export type AttachmentKind = 'signature' | 'attestation' | 'other'

/** One of them. */
export interface Attachment {
  /** Of its manifest. */
  readonly digest: string
  /** Its artifact type, or another media type that tells what it is. */
  readonly type: string
  readonly kind: AttachmentKind
}

/** A document that is to be attached to an image. */
export interface NewAttachment {
  readonly artifactType: string
  readonly mediaType: string
  readonly content: Buffer
  /** Of the manifest around it. */
  readonly annotations?: Readonly<Record<string, string>>
}

/** The content of an attachment. */
export interface AttachedDocument {
  readonly digest: string
  readonly content: Buffer
  readonly annotations: Readonly<Record<string, string>>
}

/** Where images have attachments. */
export interface AttachmentStore {
  /** Whether images of a location can have any. */
  holds(reference: string): boolean

  /** All attachments of what a location names: an image, or the index around it. */
  list(reference: string): Promise<Attachment[]>

  /**
   * Attaches copies of some attachments of one image to another one.
   * @param digests which of them, as {@link list} gives them
   */
  copy(from: string, to: string, digests: readonly string[]): Promise<void>

  /** Attaches a document; returns the digest of its manifest. The same document again is the same attachment. */
  attach(reference: string, document: NewAttachment): Promise<string>

  /** Reads the documents of a type that are attached, in the order in which the store lists them. */
  read(reference: string, artifactType: string): Promise<AttachedDocument[]>
}
