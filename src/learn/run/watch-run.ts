// SPDX-License-Identifier: Apache-2.0
// A run that is watched: when it is ready, what its probes give, and nothing of the values that it was given.
import { PycdsError } from '../../errors/index.js'
import type { Container } from '../../ports/index.js'
import { present } from '../../util/present.js'
import { RunPaths } from './files.js'
import { Inside } from './inside.js'
import { LastWords } from './last-words.js'
import { type ProbeResult, type ProbeSpec, runProbes } from './probes.js'
import { Redactor } from './redact.js'
import { ownPreload, type TrainingSpec } from './spec.js'
import { type Watched, type WatchOptions, watch } from './watch.js'

const PROBE_TIMEOUT_MS = 30_000

/** How a run is watched, as far as a user says. */
export type RunOptions = Pick<WatchOptions, 'ready' | 'limits' | 'signal' | 'onOutput'>

/** The same with probes, which come when it is ready. */
export interface ProbedOptions extends RunOptions {
  probes: readonly ProbeSpec[]
}

/** A run that was watched, and how its probes went. */
export interface Probed extends Watched {
  probes: ProbeResult[]
  /** The last line that the program wrote, where it wrote any. */
  lastWords?: string
}

/**
 * Watches a run of a container that the files of a run were put into, with its probes; nothing that it tells holds a given
 * value.
 */
export async function watchRun(
  container: Container,
  spec: TrainingSpec,
  options: ProbedOptions & Pick<WatchOptions, 'activity'>,
): Promise<Probed> {
  const redactor = new Redactor(spec.surroundings?.env ?? {})
  const inside = new Inside(container, new RunPaths(spec.place).probe, ownPreload(spec))
  const lastWords = new LastWords()
  const output = redactor.output((stream, chunk) => {
    lastWords.push(stream, chunk)
    options.onOutput?.(stream, chunk)
  })
  const { probes, onOutput: _, ...rest } = options
  let results: ProbeResult[] = []
  const whenReady = async () => {
    results = await runProbes(probes, inside, PROBE_TIMEOUT_MS)
  }
  const watched = await watch(container, {
    ...rest,
    onOutput: output.push,
    ...(probes.length > 0 ? { whenReady } : {}),
    inside,
    health: spec.health,
  })
  output.flush()
  const { failure } = watched
  return {
    ...watched,
    ...present({ lastWords: lastWords.line }),
    probes: results.map(({ probe, ok, detail }) => ({
      probe: redactor.text(probe),
      ok,
      detail: redactor.text(detail),
    })),
    warnings: watched.warnings.map((text) => redactor.text(text)),
    ...(failure && {
      failure: new PycdsError(failure.code, { message: redactor.text(failure.message), hint: failure.hint }),
    }),
  }
}
