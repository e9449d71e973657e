// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import test from 'ava'
import { type BakeFacts, makeDocuments } from '../../../src/attest/index.js'

const hex = (digit: string, length = 64) => digit.repeat(length)
const FACTS: BakeFacts = {
  source: {
    reference: 'oci:d:1',
    digest: `sha256:${hex('a')}`,
    digestOf: 'manifest',
    platform: 'linux/amd64',
  },
  parameters: { output: 'oci:d:1-cds', validate: 'stat', env: ['TOKEN'] },
  traceDigest: `sha256:${hex('b')}`,
  layer: {
    diffId: `sha256:${hex('c')}`,
    files: [
      { path: '/opt/pycds/app.cds', size: 9, sha1: hex('2', 40), sha256: hex('d') },
      { path: '/opt/pycds/manifest.json', size: 8, sha1: hex('1', 40), sha256: hex('e') },
    ],
  },
  python: 'CPython 3.12.4',
  created: '2024-05-01T12:00:00.123Z',
}
const SUBJECT = { name: 'oci:d:1-cds', digest: `sha256:${hex('f')}` }

// biome-ignore lint/suspicious/noExplicitAny: documents of foreign formats, looked at field by field
type Document = any

function documents(): Record<string, { file: Document; statement: Document; type: string }> {
  const made = makeDocuments(['provenance', 'sbom'], FACTS, SUBJECT, '1.2.3')
  return Object.fromEntries(
    made.map(({ kind, file, statement, predicateType }) => [
      kind,
      { file: JSON.parse(String(file)), statement: JSON.parse(String(statement)), type: predicateType },
    ]),
  )
}

test('provenance names what the image was made from: the source, the trace, the program', (t) => {
  const { provenance } = documents()
  const { statement } = provenance ?? {}
  t.is(statement._type, 'https://in-toto.io/Statement/v1')
  t.is(statement.predicateType, 'https://slsa.dev/provenance/v1')
  t.is(provenance?.type, statement.predicateType)
  t.deepEqual(statement.subject, [{ name: 'oci:d:1-cds', digest: { sha256: hex('f') } }])
  const { buildDefinition, runDetails } = statement.predicate
  const [source, trace, tool] = buildDefinition.resolvedDependencies
  t.deepEqual(source.digest, { sha256: hex('a') })
  t.deepEqual(trace.digest, { sha256: hex('b') })
  t.is(tool.uri, 'pkg:npm/pycds-image@1.2.3')
  t.is(runDetails.builder.id, 'pkg:npm/pycds-image@1.2.3')
  t.is(buildDefinition.externalParameters.validate, 'stat')
  t.notThrows(() => new URL(buildDefinition.buildType))
  t.deepEqual(provenance?.file, statement)
})

test('the list of files has each with its digests, and the code that SPDX makes of all of them', (t) => {
  const { sbom } = documents()
  t.is(sbom?.statement.predicateType, 'https://spdx.dev/Document')
  t.deepEqual(sbom?.statement.predicate, sbom?.file)
  const { files, packages, relationships, creationInfo } = sbom?.file ?? {}
  t.deepEqual(
    files.map((file: Document) => [file.fileName, file.checksums[1].checksumValue]),
    [
      ['./opt/pycds/app.cds', hex('d')],
      ['./opt/pycds/manifest.json', hex('e')],
    ],
  )
  t.is(creationInfo.created, '2024-05-01T12:00:00Z')
  const [layer] = packages
  const code = createHash('sha1')
    .update(`${hex('1', 40)}${hex('2', 40)}`)
    .digest('hex')
  t.is(layer.packageVerificationCode.packageVerificationCodeValue, code)
  // What a relationship names is there.
  const ids = new Set(
    [...packages, ...files].map(({ SPDXID }: Document) => SPDXID).concat('SPDXRef-DOCUMENT'),
  )
  for (const { spdxElementId, relatedSpdxElement } of relationships) {
    t.true(ids.has(spdxElementId) && ids.has(relatedSpdxElement))
  }
})

test('the same bake gives the same documents', (t) => {
  t.deepEqual(documents(), documents())
})
