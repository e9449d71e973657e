// SPDX-License-Identifier: Apache-2.0

/** Progress of a bake as events. Who renders them, and how, is decided by `createProgress`. */
export interface Progress {
  /** Starts a step. `id` is stable and short ("train"); `title` is for people. Steps may overlap. */
  step(id: string, title: string): Step
  /** Output of the application during the training run, as it arrives: chunks need not end at a line. */
  appOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void
  /** Something that did not stop the work but that the user should know. */
  warn(message: string): void
}

/** A step that has been started. After `done` or `fail` further calls are ignored. */
export interface Step {
  update(detail: string): void
  done(detail?: string): void
  fail(detail: string): void
}

/** A renderer of progress, to be closed before anything else is written to its stream. */
export type ClosableProgress = Progress & {
  /** Ends what is live on the terminal and flushes partial lines. May be called twice. */
  close(): void
}
