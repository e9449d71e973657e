// SPDX-License-Identifier: Apache-2.0
// The documents about a bake, from what it knows of itself.
import { type BakeDocument, type DocumentKind, makeDocuments } from '../attest/index.js'
import { sha256Digest } from '../image/index.js'
import { filesOf } from '../layer/contents.js'
import { formatTrace, type Trace } from '../learn/trace/trace-file.js'
import type { NewLayer, SourceImage, Statement } from '../ports/index.js'
import { TOOL_VERSION } from '../util/version.js'
import type { BakeRequest } from './bake-request.js'
import { describeOptions } from './key.js'

export interface DocumentsInput {
  source: SourceImage
  /** The name of the new image. */
  output: string
  layer: NewLayer
  trace: Trace
  /** `CPython 3.12.4`, for people. */
  python: string
  created: Date
}

/** Makes the documents that were asked for, once it is known by which digest the image can be found. */
export type Documents = (digest: string) => BakeDocument[]

/** Prepares the documents about a new image. */
export async function prepareDocuments(request: BakeRequest, input: DocumentsInput): Promise<Documents> {
  const kinds: readonly DocumentKind[] = request.documents ?? []
  if (kinds.length === 0) return () => []
  const { source, output, layer, trace, python, created } = input
  const facts = {
    source: {
      reference: request.reference,
      digest: source.manifest ?? source.id,
      digestOf: source.manifest === undefined ? ('image id' as const) : ('manifest' as const),
      platform: `${source.os}/${source.architecture}`,
    },
    parameters: { output, ...describeOptions(request) },
    traceDigest: sha256Digest(Buffer.from(formatTrace(trace))),
    layer: { diffId: layer.diffId, files: await filesOf(layer) },
    python,
    created: created.toISOString(),
  }
  return (digest) => makeDocuments(kinds, facts, { name: output, digest }, TOOL_VERSION)
}

/** The documents as they are attached to an image. */
export function statementsOf(documents: readonly BakeDocument[]): Statement[] {
  return documents.map(({ predicateType, statement }) => ({ predicateType, body: statement }))
}
