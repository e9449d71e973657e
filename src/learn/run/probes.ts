// SPDX-License-Identifier: Apache-2.0
// After a service is ready: requests and programs that reach what it imports only then.
import type { HttpRequest, Inside } from './inside.js'

export type ProbeSpec =
  | ({ kind: 'http' } & HttpRequest)
  /** A program inside the container; the Pythons that it starts are traced too. */
  | { kind: 'exec'; command: readonly string[] }

/** How a probe went. */
export interface ProbeResult {
  probe: string
  ok: boolean
  /** The status line, or the exit code and the last line of output. */
  detail: string
}

/** One after the other, in the given order; a probe that fails does not keep the next one from running. */
export async function runProbes(
  probes: readonly ProbeSpec[],
  inside: Inside,
  timeoutMs: number,
): Promise<ProbeResult[]> {
  const results: ProbeResult[] = []
  for (const probe of probes) {
    const look =
      probe.kind === 'http'
        ? await inside.http(probe, timeoutMs)
        : await inside.run(probe.command, timeoutMs, { traced: true })
    results.push({ probe: formatProbe(probe), ok: look.ok, detail: look.detail })
  }
  return results
}

/** As it is written on the command line, without the body of a request. */
function formatProbe(probe: ProbeSpec): string {
  return probe.kind === 'http'
    ? `${probe.method}:${probe.port}${probe.path}`
    : `exec:${probe.command.join(' ')}`
}
