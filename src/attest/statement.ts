// SPDX-License-Identifier: Apache-2.0
// Statements of the in-toto attestation framework, version 1: what is said, by its type, of what, by its digest.

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'

/** What a statement is about. */
export interface Subject {
  name: string
  /** `sha256:...` of a manifest; where an image has none, of its configuration. */
  digest: string
}

/** An artifact by its digest, as SLSA and in-toto describe one. */
export interface ResourceDescriptor {
  name?: string
  uri?: string
  digest?: Record<string, string>
  annotations?: Record<string, string>
}

export interface Statement<Predicate> {
  _type: typeof STATEMENT_TYPE
  subject: ResourceDescriptor[]
  predicateType: string
  predicate: Predicate
}

/** Says something of a subject. */
export function toStatement<P>({ name, digest }: Subject, predicateType: string, predicate: P): Statement<P> {
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name, digest: toDigestSet(digest) }],
    predicateType,
    predicate,
  }
}

/** `sha256:abc` in the form of in-toto. */
export function toDigestSet(digest: string): Record<string, string> {
  const colon = digest.indexOf(':')
  return { [digest.slice(0, colon)]: digest.slice(colon + 1) }
}
