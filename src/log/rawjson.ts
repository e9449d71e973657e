// SPDX-License-Identifier: Apache-2.0
import { createAppLines } from './app-lines.js'
import type { RenderTarget } from './plain.js'
import type { ClosableProgress } from './progress.js'

/** One event of a bake, for programs: each is one line of JSON. See docs/schemas/progress.json. */
export type ProgressEvent =
  | { event: 'start'; ms: number; step: string; title: string }
  | { event: 'update' | 'done' | 'failed'; ms: number; step: string; detail: string }
  | { event: 'output'; ms: number; line: string }
  | { event: 'warning'; ms: number; message: string }

type Untimed<E> = E extends ProgressEvent ? Omit<E, 'ms'> : never

/** Every event as a line of JSON; `ms` counts from the first one. */
export function createRawJsonProgress(target: RenderTarget): ClosableProgress {
  const app = createAppLines()
  const began = target.now()
  const emit = (event: Untimed<ProgressEvent>) => {
    const { event: kind, ...rest } = event
    target.write(`${JSON.stringify({ event: kind, ms: Math.round(target.now() - began), ...rest })}\n`)
  }
  const output = (lines: string[]) => {
    if (target.appOutput === 'show') for (const line of lines) emit({ event: 'output', line })
  }
  return {
    step(id, title) {
      emit({ event: 'start', step: id, title })
      let ended = false
      const end = (event: 'done' | 'failed', detail: string) => {
        if (!ended) emit({ event, step: id, detail })
        ended = true
      }
      return {
        update(detail) {
          if (!ended) emit({ event: 'update', step: id, detail })
        },
        done: (detail = '') => end('done', detail),
        fail: (detail) => end('failed', detail),
      }
    },
    appOutput: (stream, chunk) => output(app.push(stream, chunk)),
    warn: (message) => emit({ event: 'warning', message }),
    close: () => output(app.flush()),
  }
}
