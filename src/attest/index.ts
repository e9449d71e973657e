// SPDX-License-Identifier: Apache-2.0
// Documents about a bake, for programs that ask where an image comes from and what is in it. None of them is signed:
// that is for whoever has a key.
import type { BakeFacts } from './facts.js'
import { describeProvenance, PROVENANCE_TYPE } from './provenance.js'
import { describeFiles, SBOM_TYPE } from './sbom.js'
import { type Subject, toStatement } from './statement.js'

export type { AddedFile, BakeFacts } from './facts.js'
export type { Subject } from './statement.js'

export const DOCUMENT_KINDS = ['provenance', 'sbom'] as const
export type DocumentKind = (typeof DOCUMENT_KINDS)[number]

/** A document about an image. */
export interface BakeDocument {
  kind: DocumentKind
  /** As a file: the whole statement, or the list alone, as other programs take them. */
  file: Buffer
  /** As an in-toto statement about the image, to be attached to it. */
  statement: Buffer
  predicateType: string
}

/**
 * Makes the documents of some kinds.
 * @param version of this program
 */
export function makeDocuments(
  kinds: readonly DocumentKind[],
  facts: BakeFacts,
  subject: Subject,
  version: string,
): BakeDocument[] {
  return kinds.map((kind): BakeDocument => {
    if (kind === 'provenance') {
      const statement = format(toStatement(subject, PROVENANCE_TYPE, describeProvenance(facts, version)))
      return { kind, file: statement, statement, predicateType: PROVENANCE_TYPE }
    }
    const list = describeFiles(facts, subject, version)
    const statement = format(toStatement(subject, SBOM_TYPE, list))
    return { kind, file: format(list), statement, predicateType: SBOM_TYPE }
  })
}

function format(document: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`)
}
