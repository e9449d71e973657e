// SPDX-License-Identifier: Apache-2.0
// Several bakes, one after the other; one that fails does not keep the next from being made.
import { type ErrorDocument, toErrorDocument, toPycdsError } from '../errors/index.js'
import type { BakePlatformsResult, BakeResult } from './result.js'

export interface BakesResult {
  schema: 'io.pycds.bakes/1'
  ok: boolean
  /** Each has either a result or an error. */
  images: {
    name: string
    result: BakeResult | BakePlatformsResult | null
    error: ErrorDocument['error'] | null
  }[]
}

/** What is to be done under a name. */
export interface NamedWork {
  name: string
  work: () => Promise<BakeResult | BakePlatformsResult>
}

/** Does it all; an interruption ends it, any other failure is part of the result. */
export async function bakeMany(
  named: readonly NamedWork[],
  onEnd: (image: BakesResult['images'][number]) => void,
): Promise<BakesResult> {
  const images: BakesResult['images'] = []
  for (const { name, work } of named) {
    const image = await one(name, work)
    images.push(image)
    onEnd(image)
  }
  return { schema: 'io.pycds.bakes/1', ok: images.every(({ error }) => error === null), images }
}

async function one(name: string, work: NamedWork['work']): Promise<BakesResult['images'][number]> {
  try {
    return { name, result: await work(), error: null }
  } catch (error) {
    const failure = toPycdsError(error)
    if (failure.code === 'INTERRUPTED' || failure.code === 'INTERNAL') throw error
    return { name, result: null, error: toErrorDocument(failure).error }
  }
}
