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

/** Nobody should have to ask whether a step that says nothing is still at work. */
const SILENCE_MS = 30_000

/**
 * One line per event, for logs and pipes. A step is announced when it starts and again when it ends; of its updates those
 * are told before which there was nothing for long.
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
      let told = started
      const end = (word: string, detail: string | undefined) => {
        if (ended) return
        ended = true
        showApp(app.flush())
        const rest = detail === undefined || detail === '' ? '' : `: ${detail}`
        line(`[${id}] ${word} in ${formatElapsed(target.now() - started)}${rest}`)
      }
      line(`[${id}] ${title}`)
      return {
        update(detail) {
          if (ended || target.now() - told < SILENCE_MS) return
          told = target.now()
          line(`[${id}] ${detail}`)
        },
        done: (detail) => end('done', detail),
        fail: (detail) => end('failed', detail),
      }
    },
    appOutput: (stream, chunk) => showApp(app.push(stream, chunk)),
    warn: (message) => line(`warning: ${message}`),
    close: () => showApp(app.flush()),
  }
}
