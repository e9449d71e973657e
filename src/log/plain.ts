// SPDX-License-Identifier: Apache-2.0
import { createAppLines } from './app-lines.js'
import { formatElapsed } from './elapsed.js'
import type { ClosableProgress } from './progress.js'

/** What the renderers need of their surroundings. */
export interface RenderTarget {
  write(text: string): void
  appOutput: 'show' | 'hide'
  /** Milliseconds from any fixed moment. */
  now(): number
}

/**
 * One line per event, for logs and pipes. Updates are left out: a step is announced when it starts and
 * again when it ends, so that a log grows with the work and not with the time.
 */
export function createPlainProgress(target: RenderTarget): ClosableProgress {
  const app = createAppLines()
  const line = (text: string) => target.write(`${text}\n`)
  const showApp = (lines: string[]) => {
    if (target.appOutput === 'show') for (const text of lines) line(text)
  }
  return {
    step(id, title) {
      const started = target.now()
      let ended = false
      const end = (word: string, detail: string | undefined) => {
        if (ended) return
        ended = true
        showApp(app.flush())
        const rest = detail === undefined || detail === '' ? '' : `: ${detail}`
        line(`[${id}] ${word} in ${formatElapsed(target.now() - started)}${rest}`)
      }
      line(`[${id}] ${title}`)
      return {
        update() {},
        done: (detail) => end('done', detail),
        fail: (detail) => end('failed', detail),
      }
    },
    appOutput: (stream, chunk) => showApp(app.push(stream, chunk)),
    warn: (message) => line(`warning: ${message}`),
    close: () => showApp(app.flush()),
  }
}
