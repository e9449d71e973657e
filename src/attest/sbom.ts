// SPDX-License-Identifier: Apache-2.0
// The files that a bake has added, as SPDX 2.3: the version, and the only format, that the readers of attestations of
// images know.
import { createHash } from 'node:crypto'
import type { AddedFile, BakeFacts } from './facts.js'
import type { Subject } from './statement.js'

export const SBOM_TYPE = 'https://spdx.dev/Document'

interface Checksum {
  algorithm: 'SHA1' | 'SHA256'
  checksumValue: string
}

interface SpdxPackage {
  SPDXID: string
  name: string
  versionInfo?: string
  downloadLocation: 'NOASSERTION'
  filesAnalyzed: boolean
  packageVerificationCode?: { packageVerificationCodeValue: string }
  checksums?: Checksum[]
  licenseConcluded: string
  licenseDeclared: string
  copyrightText: 'NOASSERTION'
  comment?: string
  externalRefs?: { referenceCategory: string; referenceType: string; referenceLocator: string }[]
}

interface SpdxFile {
  SPDXID: string
  fileName: string
  fileTypes: ('BINARY' | 'TEXT')[]
  checksums: Checksum[]
  licenseConcluded: 'NOASSERTION'
  copyrightText: 'NOASSERTION'
}

/** The part of SPDX that is used. */
export interface SpdxDocument {
  spdxVersion: 'SPDX-2.3'
  dataLicense: 'CC0-1.0'
  SPDXID: 'SPDXRef-DOCUMENT'
  name: string
  documentNamespace: string
  creationInfo: { created: string; creators: string[] }
  packages: SpdxPackage[]
  files: SpdxFile[]
  relationships: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[]
}

const UNKNOWN = { licenseConcluded: 'NOASSERTION', copyrightText: 'NOASSERTION' } as const
const LAYER = 'SPDXRef-Layer'
const TOOL = 'SPDXRef-Tool'
const SOURCE = 'SPDXRef-Source'

/**
 * Lists what a bake has added to an image.
 * @param version of this program
 */
export function describeFiles(facts: BakeFacts, subject: Subject, version: string): SpdxDocument {
  const { source, layer, python } = facts
  const files = layer.files.map(toFile)
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: subject.name,
    documentNamespace: `https://spdx.org/spdxdocs/pycds-image-${hash('sha256', `${subject.name} ${subject.digest}`)}`,
    // SPDX knows no fractions of seconds.
    creationInfo: {
      created: facts.created.replace(/\.\d+/, ''),
      creators: [`Tool: pycds-image-${version}`],
    },
    packages: [
      {
        SPDXID: LAYER,
        name: 'layer of pycds-image',
        versionInfo: version,
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: true,
        packageVerificationCode: { packageVerificationCodeValue: verificationCode(layer.files) },
        checksums: [{ algorithm: 'SHA256', checksumValue: layer.diffId.replace('sha256:', '') }],
        ...UNKNOWN,
        licenseDeclared: 'NOASSERTION',
        comment: `Code of modules of the source image, compiled for ${python}, and what loads it`,
      },
      {
        SPDXID: TOOL,
        name: 'pycds-image',
        versionInfo: version,
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        licenseConcluded: 'Apache-2.0',
        licenseDeclared: 'Apache-2.0',
        copyrightText: 'NOASSERTION',
        externalRefs: [
          {
            referenceCategory: 'PACKAGE-MANAGER',
            referenceType: 'purl',
            referenceLocator: `pkg:npm/pycds-image@${version}`,
          },
        ],
      },
      {
        SPDXID: SOURCE,
        name: source.reference,
        versionInfo: source.digest,
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        ...UNKNOWN,
        licenseDeclared: 'NOASSERTION',
        comment: `The image that it was baked from; its version is the digest of its ${source.digestOf}`,
      },
    ],
    files,
    relationships: [
      relate('SPDXRef-DOCUMENT', 'DESCRIBES', LAYER),
      relate(LAYER, 'GENERATED_FROM', SOURCE),
      relate(TOOL, 'BUILD_TOOL_OF', LAYER),
      ...files.map(({ SPDXID }) => relate(LAYER, 'CONTAINS', SPDXID)),
    ],
  }
}

function toFile({ path, sha1, sha256 }: AddedFile, index: number): SpdxFile {
  return {
    SPDXID: `SPDXRef-File-${index + 1}`,
    fileName: `.${path}`,
    fileTypes: [/\.(json|pth|start|py)$/.test(path) ? 'TEXT' : 'BINARY'],
    checksums: [
      { algorithm: 'SHA1', checksumValue: sha1 },
      { algorithm: 'SHA256', checksumValue: sha256 },
    ],
    ...UNKNOWN,
  }
}

/** By SPDX 2.3, 7.9: of the sorted digests of all files, one behind the other. */
function verificationCode(files: readonly AddedFile[]): string {
  const digests = files.map(({ sha1 }) => sha1).sort()
  return hash('sha1', digests.join(''))
}

function relate(from: string, type: string, to: string) {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to }
}

function hash(algorithm: 'sha1' | 'sha256', text: string): string {
  return createHash(algorithm).update(text).digest('hex')
}
