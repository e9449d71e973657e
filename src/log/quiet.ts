// SPDX-License-Identifier: Apache-2.0
import type { RenderTarget } from './plain.js'
import type { ClosableProgress } from './progress.js'

/** Only warnings. The steps and the application are not shown, whatever was asked for its output. */
export function createQuietProgress(target: RenderTarget): ClosableProgress {
  const silent = { update() {}, done() {}, fail() {} }
  return {
    step: () => silent,
    appOutput() {},
    warn: (message) => target.write(`warning: ${message}\n`),
    close() {},
  }
}
