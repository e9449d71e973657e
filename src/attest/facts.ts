// SPDX-License-Identifier: Apache-2.0

/** A file that a bake has added to an image. */
export interface AddedFile {
  /** Absolute, in the image. */
  path: string
  /** Bytes. */
  size: number
  /** Hexadecimal. */
  sha1: string
  /** Hexadecimal. */
  sha256: string
}

/** What the documents about a bake are made from. */
export interface BakeFacts {
  source: {
    reference: string
    /** `sha256:...` of its manifest, or the id that an engine knows it by. */
    digest: string
    digestOf: 'manifest' | 'image id'
    /** `linux/amd64` */
    platform: string
  }
  /** What was asked for, without the values of variables. */
  parameters: Readonly<Record<string, unknown>>
  /** Of what was learned, as `--trace-out` writes it. */
  traceDigest: string
  layer: {
    diffId: string
    files: readonly AddedFile[]
  }
  /** The interpreter that it was baked for. */
  python: string
  /** Of the image: ISO 8601. The same input gives the same documents, whenever they are made. */
  created: string
}
