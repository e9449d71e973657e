// SPDX-License-Identifier: Apache-2.0

/** When a run inside an image has seen enough; of several, the first one that holds. */
export type ReadySpec =
  /** The container's main process has ended. */
  | { kind: 'exit' }
  /** No new module was imported for `ms` milliseconds, after the first one. */
  | { kind: 'quiet'; ms: number }

/** What is used when nothing is asked for: programs end, services fall quiet. */
export const DEFAULT_READY: readonly ReadySpec[] = [{ kind: 'exit' }, { kind: 'quiet', ms: 2000 }]

/** As it is written on the command line, `exit` or `quiet:2s`. */
export function formatReady(spec: ReadySpec): string {
  return spec.kind === 'exit' ? 'exit' : `quiet:${spec.ms / 1000}s`
}
