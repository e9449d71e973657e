// SPDX-License-Identifier: Apache-2.0
// Files that are written after a bake has succeeded, for whoever goes on with its image.
import { existsSync, statSync } from 'node:fs'
import { Flags } from '@oclif/core'
import { type BakeDocument, DOCUMENT_KINDS, type DocumentKind } from '../../attest/index.js'
import { PycdsError } from '../../errors/index.js'
import { formatTrace } from '../../learn/trace/trace-file.js'
import type { Baked } from '../../usecases/bake.js'
import type { BakePlatformsResult, BakeResult } from '../../usecases/result.js'
import type { UnchangedResult } from '../../usecases/unchanged.js'
import { isFull } from '../../util/full.js'
import { present } from '../../util/present.js'
import { whyUnwritable } from '../../util/writable.js'
import { whyUnwritten, writeGiven } from '../../util/write-given.js'

export const outputFileFlags = {
  'trace-out': Flags.string({
    summary: 'also write what was learned as a trace, for --trace-in',
    helpValue: 'FILE',
  }),
  'metadata-file': Flags.string({
    summary: "also write the image's name and digests as JSON, with the names that buildx gives them",
    helpValue: 'FILE',
  }),
  iidfile: Flags.string({ summary: "also write the new image's id", helpValue: 'FILE' }),
  provenance: Flags.string({
    summary:
      'also write what the image was made from, as an in-toto statement with SLSA provenance; in registries and layouts it is attached to the image too',
    helpValue: 'FILE',
  }),
  sbom: Flags.string({
    summary:
      'also write which files were added, as SPDX; in registries and layouts they are attached to the image too',
    helpValue: 'FILE',
  }),
}

type Output = NonNullable<BakeResult['output']>

export interface OutputFileFlags {
  'trace-out'?: string | undefined
  'metadata-file'?: string | undefined
  iidfile?: string | undefined
  provenance?: string | undefined
  sbom?: string | undefined
}

/** USAGE for a file that cannot be written, as far as can be told before the work that gives its content. */
export function assertWritable(flag: string, path: string | undefined): void {
  const reason = path === undefined ? undefined : whyUnwritable(path)
  if (reason !== undefined) throw unwritable(flag, path ?? '', reason)
}

/** The same for all that a bake writes. */
export function assertOutputFiles(flags: OutputFileFlags): void {
  assertWritable('--trace-out', flags['trace-out'])
  assertWritable('--metadata-file', flags['metadata-file'])
  assertWritable('--iidfile', flags.iidfile)
  assertWritable('--provenance', flags.provenance)
  assertWritable('--sbom', flags.sbom)
}

/** The files that are written, without pipes and devices, which take several one after the other. */
export function outputFiles(flags: OutputFileFlags): string[] {
  const names = ['trace-out', 'metadata-file', 'iidfile', 'provenance', 'sbom'] as const
  return names.flatMap((name) => {
    const path = flags[name]
    const isPlain = path !== undefined && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? true)
    return isPlain ? [path] : []
  })
}

/** Which documents are to be made; undefined for none. */
export function toDocuments(flags: OutputFileFlags): { documents?: DocumentKind[] } {
  const documents = DOCUMENT_KINDS.filter((kind) => flags[kind] !== undefined)
  return documents.length > 0 ? { documents } : {}
}

/** Files that only a bake can write: where one is missing, a bake is not superfluous. */
export function lacksFiles(flags: OutputFileFlags): boolean {
  const paths = [flags['trace-out'], flags.provenance, flags.sbom]
  return paths.some((path) => path !== undefined && !existsSync(path))
}

/** Writes documents; `platform` is of the image that they are about, where there are several. */
export async function writeDocuments(
  flags: OutputFileFlags,
  documents: readonly BakeDocument[],
  { platform, signal }: { platform?: string; signal?: AbortSignal },
): Promise<void> {
  for (const { kind, file } of documents) {
    const path = flags[kind]
    if (path !== undefined) await writeOutput(`--${kind}`, forPlatform(path, platform), file, signal)
  }
}

/** USAGE when the documents of several platforms would go to one file. */
export function assertFileForEach(flags: OutputFileFlags): void {
  for (const kind of DOCUMENT_KINDS) {
    const path = flags[kind]
    if (path === undefined || path.includes(PLATFORM)) continue
    throw new PycdsError('USAGE', {
      message: `--${kind} ${path}: several platforms have a document each`,
      hint: `Write ${PLATFORM} in the name of the file.`,
    })
  }
}

const PLATFORM = '{platform}'

function forPlatform(path: string, platform: string | undefined): string {
  return platform === undefined ? path : path.replaceAll(PLATFORM, platform.replaceAll('/', '-'))
}

/** Writes what was asked for; nothing of a dry run, which has no image. `signal` ends the waiting for who reads a pipe. */
export async function writeOutputFiles(
  flags: OutputFileFlags,
  { result, trace, documents }: Baked,
  signal: AbortSignal,
): Promise<void> {
  const { 'trace-out': traceOut } = flags
  if (traceOut !== undefined) await writeOutput('--trace-out', traceOut, formatTrace(trace), signal)
  if (result.output === null) return
  const digest = result.output.manifestDigest ?? result.output.configDigest
  await writeDocuments(flags, documents(digest), { signal })
  await writeImageFiles(flags, result.output, signal)
}

/** Writes which image was made. */
export async function writeImageFiles(
  flags: OutputFileFlags,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  await writeAbout(flags, toMetadata(output), output.id, signal)
}

async function writeAbout(
  { 'metadata-file': metadata, iidfile }: OutputFileFlags,
  document: Record<string, string>,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  if (metadata !== undefined) await writeOutput('--metadata-file', metadata, formatJson(document), signal)
  if (iidfile !== undefined) await writeOutput('--iidfile', iidfile, id, signal)
}

/** USAGE when a trace is to be written of a bake that makes one for each platform. */
export function assertNoTraceOut({ 'trace-out': traceOut }: OutputFileFlags): void {
  if (traceOut === undefined) return
  throw new PycdsError('USAGE', {
    message: `--trace-out ${traceOut}: several platforms have a trace each`,
    hint: 'Record them one by one: pycds-image trace IMAGE --platform OS/ARCH -o FILE.',
  })
}

/** The same for an index: as with buildx, its digest is the image's id. */
export async function writeIndexFiles(
  flags: OutputFileFlags,
  { output }: BakePlatformsResult,
  signal: AbortSignal,
): Promise<void> {
  if (output === null) return
  const document = { 'containerimage.digest': output.digest, 'image.name': output.reference }
  await writeAbout(flags, document, output.digest, signal)
}

/** The same for an image that was there already, and is as a bake would make it. */
export async function writeUnchangedFiles(
  flags: OutputFileFlags,
  { output }: UnchangedResult,
  signal: AbortSignal,
): Promise<void> {
  const { configDigest, ...rest } = output
  await writeImageFiles(flags, { ...rest, configDigest: configDigest ?? output.id }, signal)
}

/** The names that buildx gives them; an engine without manifests has one digest for both. */
function toMetadata(output: Output): Record<string, string> {
  return {
    'containerimage.config.digest': output.configDigest,
    'containerimage.digest': output.manifestDigest ?? output.configDigest,
    'image.name': output.reference,
  }
}

/** A document as files have it. */
export function formatJson(document: unknown): string {
  return `${JSON.stringify(document, undefined, 2)}\n`
}

/**
 * Writes to what an option names, a file or a pipe.
 * @param signal ends the waiting for who reads a pipe; without one a signal ends the process
 * @throws USAGE when it cannot be written, NO_SPACE when the disk is full
 */
export async function writeOutput(
  flag: string,
  path: string,
  text: string | Buffer,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await writeGiven(path, text, present({ signal }))
  } catch (cause) {
    signal?.throwIfAborted()
    if (!isFull(cause)) throw unwritable(flag, path, whyUnwritten(cause), cause)
    throw new PycdsError('NO_SPACE', {
      message: `${flag} ${path}: no space is left`,
      hint: 'Name a file where there is room; what was asked for has been done.',
      cause,
    })
  }
}

function unwritable(flag: string, path: string, reason: string, cause?: unknown): PycdsError {
  const hint = 'Name a file in a directory that exists and can be written to.'
  return new PycdsError('USAGE', { message: `${flag} ${path}: ${reason}`, hint, cause })
}
