// SPDX-License-Identifier: Apache-2.0
// Artifacts that are made from the new image itself, once it holds all others: what the interpreter sees there must be what
// its starts will see. Each is tried before it is shipped, and the image is whole without it.
import { type ErrorCode, PycdsError } from '../errors/index.js'
import type { Start } from '../learn/run/index.js'
import type { RunPorts } from '../ports/index.js'
import type { MadeContent } from './content.js'
import type { Trial } from './kind/artifact.js'
import { formatManifest } from './kind/manifest.js'
import { makeLauncher } from './launcher/make.js'
import {
  makeSnapshot,
  noSnapshot,
  type SnapshotInput,
  type SnapshotSummary,
  tellThaws,
} from './snapshot/make.js'
import type { SnapshotOptions } from './snapshot/options.js'
import { proveLaunch, proveSnapshot } from './snapshot/prove.js'
import { listen } from './trial.js'

/** What is wanted beside archive and bytecode; absent: nothing. */
export interface MoreOptions {
  snapshot?: SnapshotOptions
}

export interface CompletionInput extends Omit<SnapshotInput, 'options'>, MoreOptions {
  /** Node's name of the image's architecture. */
  architecture: string
}

/** The content of an image with artifacts that have to be tried. */
export interface Completion {
  content: MadeContent
  /**
   * @param trial of an image that holds them
   * @param original how the application started without
   * @param addedBytes what they add to the layer, compressed
   * @returns why they must not be shipped, where that is so
   */
  prove(trial: Trial, original: Start, addedBytes: number): Promise<MadeContent | string>
  /** The content as it was, which tells the reason. */
  without(reason: string): MadeContent
}

/**
 * Whether the entrypoint of an image goes on in its snapshot at once.
 * @param content as it was proved
 * @param trial of the image with that entrypoint
 */
export async function proveEntrypoint(
  content: MadeContent,
  trial: Trial,
  original: Start,
): Promise<{ content: MadeContent; isLaunched: boolean }> {
  const reason = await proveLaunch(trial, original, listen()).catch(notTried)
  const isLaunched = reason === undefined
  return {
    isLaunched,
    content: isLaunched
      ? launching(content, { by: 'entrypoint', reason: null })
      : notLaunching(content, reason),
  }
}

/** The content, which tells why its entrypoint starts Python first. */
export function notLaunching(content: MadeContent, reason: string): MadeContent {
  return launching(content, { by: 'hook', reason })
}

function launching(content: MadeContent, launch: NonNullable<SnapshotSummary['launch']>): MadeContent {
  return {
    ...content,
    summaries: (folder) => {
      const all = content.summaries(folder)
      const { snapshot } = all
      return snapshot === null ? all : { ...all, snapshot: { ...snapshot, launch } }
    },
  }
}

/** The content with what an entrypoint begins with, where one is to: also where no snapshot comes of it. */
export function withLauncher(
  content: MadeContent,
  { snapshot }: MoreOptions,
  architecture: string,
  { archiver }: Pick<RunPorts, 'archiver'>,
): MadeContent {
  if (snapshot?.launch !== 'entrypoint') return content
  return { ...content, artifacts: [...content.artifacts, makeLauncher(archiver.launcher(architecture))] }
}

/** Why images of an architecture get nothing more; undefined: it can be tried. */
export function cannotComplete(
  architecture: string,
  { archiver }: Pick<RunPorts, 'archiver'>,
): string | undefined {
  return archiver.freezer(architecture) ? undefined : noFreezer(architecture)
}

function noFreezer(architecture: string): string {
  return `there are no snapshots for ${architecture}: only for processors of the kind x86-64`
}

/** The content, which tells why nothing more is in it. */
export function withoutMore(content: MadeContent, { snapshot }: MoreOptions, reason: string): MadeContent {
  return snapshot === undefined ? content : telling(content, noSnapshot(snapshot, reason))
}

/** Makes what was asked for; where that cannot be, the content tells the reason. */
export async function complete(
  content: MadeContent,
  input: CompletionInput,
  ports: RunPorts,
): Promise<Completion | MadeContent> {
  const { snapshot: options, architecture } = input
  if (options === undefined) return content
  const freezer = ports.archiver.freezer(architecture)
  if (freezer === undefined) return withoutMore(content, input, noFreezer(architecture))
  const made = await makeSnapshot({ ...input, options }, freezer, ports).catch(
    (error: unknown) => `it could not be made: ${causeOf(error)}`,
  )
  if (typeof made === 'string') return withoutMore(content, input, made)
  const document = { ...content.document, ...made.noted }
  const whole: MadeContent = {
    ...content,
    artifacts: [...content.artifacts, made],
    document,
    manifest: formatManifest(document),
    summaries: (folder) => ({ ...content.summaries(folder), snapshot: made.summary(folder) }),
  }
  return {
    content: whole,
    without: (reason) => telling(content, noSnapshot(options, reason, made.noted.snapshot?.leftOut)),
    prove: async (trial, original, compressedBytes) => {
      const thaws = await proveSnapshot(made, trial, original, listen()).catch(notTried)
      if (typeof thaws === 'string') return thaws
      return {
        ...whole,
        summaries: (folder) => ({
          ...whole.summaries(folder),
          snapshot: { ...made.summary(folder), compressedBytes, thaws: tellThaws(thaws) },
        }),
      }
    },
  }
}

/** What ends the whole bake, whatever it was about: a user who wants no more, and what is wrong with this program. */
const NO_REASON: ReadonlySet<ErrorCode> = new Set(['INTERRUPTED', 'INTERNAL'])

/**
 * Why an artifact that an image is whole without could not be tried. Of an engine that is gone altogether whatever the bake
 * asks for next will tell.
 * @throws the error itself, where it says nothing of this image and its engine
 */
export function notTried(error: unknown): string {
  return `it could not be tried: ${causeOf(error)}`
}

function causeOf(error: unknown): string {
  if (!(error instanceof PycdsError) || NO_REASON.has(error.code)) throw error
  return error.message
}

function telling(content: MadeContent, snapshot: SnapshotSummary): MadeContent {
  return { ...content, summaries: (folder) => ({ ...content.summaries(folder), snapshot }) }
}
