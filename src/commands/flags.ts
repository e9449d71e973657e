// SPDX-License-Identifier: Apache-2.0
import { Flags } from '@oclif/core'

/** How a run inside the image is watched: shared by every command that starts one. */
export const trainingFlags = {
  ready: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    default: ['exit', 'quiet:2s'],
    summary:
      'when the run has seen enough: exit, or quiet:TIME without a new import (repeatable, first wins)',
    helpValue: 'SPEC',
  }),
  timeout: Flags.string({ default: '120s', summary: 'give up on a run after this time', helpValue: 'TIME' }),
}

/** What is shown while the work goes on; all of it goes to stderr. */
export const progressFlags = {
  progress: Flags.option({
    options: ['auto', 'plain', 'quiet'] as const,
    default: 'auto' as const,
    summary: 'live on a terminal, one line per step, or only warnings',
  })(),
  'app-output': Flags.option({
    options: ['show', 'hide'] as const,
    default: 'hide' as const,
    summary: "whether the application's own output is shown, prefixed",
  })(),
}
