// SPDX-License-Identifier: Apache-2.0
// Whether containers on this host go on in the snapshot of an image: one is started, with a program of ours, and the
// runtime in it tells.
import type { Engine } from '../ports/index.js'
import type { SnapshotNote } from './kind/manifest.js'
import { REFUSAL_ADVICE } from './snapshot/refusals.js'
import { thawOften } from './snapshot/thaws.js'

/** What to do where the runtime has given no reason. */
const NO_REASON =
  'Start the image with PYCDS=report, which tells more; its containers run from the archive until then.'

/** How a thaw on this host went. */
export type HostAnswer = { milliseconds: number } | { reason: string; advice: string }

export interface HostQuestion {
  /** An image that holds the snapshot. */
  image: string
  /** What its manifest says of it. */
  noted: SnapshotNote
  signal: AbortSignal
}

/** Thaws the snapshot of an image once, in a hardened container with whatever the engine gives to every container. */
export async function thawOnHost(
  engine: Engine,
  { image, noted, signal }: HostQuestion,
): Promise<HostAnswer> {
  const { python, options, environment = {} } = noted
  const room = { image, python, signal }
  const thaws = await thawOften(engine, { room, starts: 1, compared: 0, options, environment, imports: [] })
  if (!('sentence' in thaws)) return { milliseconds: thaws.milliseconds }
  return { reason: thaws.sentence, advice: thaws.refusal ? REFUSAL_ADVICE[thaws.refusal] : NO_REASON }
}
