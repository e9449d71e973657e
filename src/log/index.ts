// SPDX-License-Identifier: Apache-2.0
import { performance } from 'node:perf_hooks'
import { createPlainProgress, type RenderTarget } from './plain.js'
import type { ClosableProgress } from './progress.js'
import { createQuietProgress } from './quiet.js'
import { createRawJsonProgress } from './rawjson.js'
import { createStyle } from './style.js'
import { ASCII_SIGNS, createTtyProgress, UNICODE_SIGNS } from './tty.js'

export { during } from './during.js'
export type { ClosableProgress, Progress, Step } from './progress.js'
export { createStyle, type Style } from './style.js'

/** Where progress goes and how. `now` is for tests: milliseconds from any fixed moment. */
export interface ProgressOptions {
  stream: NodeJS.WriteStream
  appOutput: 'show' | 'hide'
  env: NodeJS.ProcessEnv
  now?: () => number
}

/** How progress is shown. */
export type ProgressMode = 'auto' | 'plain' | 'quiet' | 'rawjson'

/**
 * Makes the renderer for `mode`; `auto` is live on a terminal and one line per event elsewhere,
 * which includes a CI job that pretends to have a terminal.
 */
export function createProgress(mode: ProgressMode, o: ProgressOptions): ClosableProgress {
  const target: RenderTarget = {
    write: (text) => void o.stream.write(text),
    appOutput: o.appOutput,
    now: o.now ?? (() => performance.now()),
  }
  if (mode === 'rawjson') return createRawJsonProgress(target)
  if (mode === 'quiet') return createQuietProgress(target)
  if (mode === 'plain' || !isLive(o)) return createPlainProgress(target)
  return createTtyProgress({
    ...target,
    columns: () => o.stream.columns || 80,
    style: createStyle(o.stream, o.env),
    signs: hasUtf8(o.env) ? UNICODE_SIGNS : ASCII_SIGNS,
  })
}

function isLive({ stream, env }: ProgressOptions): boolean {
  return stream.isTTY === true && env.TERM !== 'dumb' && !env.CI
}

function hasUtf8(env: NodeJS.ProcessEnv): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '')
}
