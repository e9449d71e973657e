// SPDX-License-Identifier: Apache-2.0
// Whether an application does with the archive what it does without.
import type { ReadySpec, Start } from '../../learn/run/index.js'

/** What a service itself has to do with. */
const SERVES: readonly (ReadySpec['kind'] | undefined)[] = ['health', 'port', 'http', 'log', 'cmd']

/** How a start went wrong, as the end of a sentence; undefined when it did not. */
export function crashOf({ failure, exitCode, by, probes }: Start): string | undefined {
  if (failure) return failure.message.replace(/^training run: /, '')
  if (by === 'exit' && exitCode !== 0) return `it ended with exit code ${exitCode}`
  const failed = probes.find(({ ok }) => !ok)
  return failed && `probe ${failed.probe} failed: ${failed.detail}`
}

/**
 * What is wrong with a start of a baked image; null: nothing.
 * @param original the same start without an archive
 * @param mustRun whether what goes wrong in both is wrong, too
 */
export function compareStarts(start: Start, original: Start, mustRun: boolean): string | null {
  const [crash, before] = [crashOf(start), crashOf(original)]
  if (crash !== undefined && crash === before) {
    return mustRun
      ? `${crash}${wordsOf(original)}, with the archive and without: give it what its start needs (--train-env, --mount, --network) or a command behind --`
      : null
  }
  if (crash !== undefined)
    return `${crash}${wordsOf(start)}; without the archive ${before ?? describe(original)}`
  if (before !== undefined) return `${describe(start)}; without the archive ${before}${wordsOf(original)}`
  // Nobody asked for it, so it is no failure, but what the original reaches this one must reach.
  if (SERVES.includes(original.by) && start.by === 'quiet') {
    return `it fell quiet before ${original.by}, which it reaches without the archive`
  }
  return null
}

/** Of a program that failed what it said last mostly tells why. */
function wordsOf({ lastWords }: Start): string {
  return lastWords === undefined ? '' : ` (${lastWords})`
}

function describe({ by, exitCode }: Start): string {
  return by === 'exit' ? `it ends with exit code ${exitCode}` : `it runs (${by})`
}
