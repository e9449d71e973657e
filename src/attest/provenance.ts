// SPDX-License-Identifier: Apache-2.0
// How an image was made, as SLSA provenance, version 1.
import type { BakeFacts } from './facts.js'
import { type ResourceDescriptor, toDigestSet } from './statement.js'

export const PROVENANCE_TYPE = 'https://slsa.dev/provenance/v1'

/** The part of the predicate that a bake can fill in. */
export interface Provenance {
  buildDefinition: {
    buildType: string
    externalParameters: Readonly<Record<string, unknown>>
    resolvedDependencies: ResourceDescriptor[]
  }
  runDetails: {
    builder: { id: string; version: Record<string, string> }
    byproducts: ResourceDescriptor[]
  }
}

/**
 * Tells what an image was made from and by what.
 * @param version of this program
 */
export function describeProvenance(facts: BakeFacts, version: string): Provenance {
  const { source, traceDigest, layer } = facts
  const tool = `pkg:npm/pycds-image@${version}`
  return {
    buildDefinition: {
      // The page of the package that tells how such a build goes.
      buildType: 'pkg:npm/pycds-image#docs/architecture.md',
      externalParameters: { source: source.reference, ...facts.parameters },
      resolvedDependencies: [
        {
          name: source.reference,
          digest: toDigestSet(source.digest),
          annotations: { platform: source.platform, digestOf: source.digestOf },
        },
        { name: 'trace', digest: toDigestSet(traceDigest) },
        { name: 'pycds-image', uri: tool, annotations: { version } },
      ],
    },
    runDetails: {
      builder: { id: tool, version: { 'pycds-image': version } },
      byproducts: [{ name: 'layer, uncompressed', digest: toDigestSet(layer.diffId) }],
    },
  }
}
