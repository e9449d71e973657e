// SPDX-License-Identifier: Apache-2.0
import { type Rights, reportStart, type Start } from '../../learn/run/index.js'
import type { Report, Trial } from './artifact.js'

/** Starts an image as it is, with its runtime reporting to this. */
export async function startReporting(
  report: Report,
  { engine, spec, options }: Pick<Trial, 'engine' | 'spec' | 'options'>,
  rights?: Rights,
): Promise<Start> {
  const { onOutput } = options
  return await reportStart(
    engine,
    spec,
    {
      ...options,
      activity: async () => report.lines,
      onOutput: (stream, chunk) => {
        report.add(chunk, stream)
        onOutput?.(stream, chunk)
      },
    },
    rights,
  )
}
