// SPDX-License-Identifier: Apache-2.0
import { createAppLines } from './app-lines.js'
import { formatElapsed } from './elapsed.js'
import type { RenderTarget } from './plain.js'
import type { ClosableProgress } from './progress.js'
import type { Style } from './style.js'

const TICK_MS = 100
const CLEAR_LINE = '\r\u001B[2K'
const CURSOR_UP = '\u001B[1A'

/** The signs of a step; a terminal without UTF-8 gets letters. */
export interface Signs {
  frames: readonly string[]
  done: string
  failed: string
}
export const UNICODE_SIGNS: Signs = { frames: [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'], done: '✔', failed: '✖' }
export const ASCII_SIGNS: Signs = { frames: [...'-\\|/'], done: 'ok', failed: '!!' }

/** A terminal that can be redrawn; `columns` is asked at each drawing, since a window may be resized. */
export interface Terminal extends RenderTarget {
  columns(): number
  style: Style
  signs: Signs
}

/**
 * A live line per running step at the bottom; what ends, and what the application says, scrolls above.
 * Between two calls the cursor rests behind the live block, so text written by others merely follows it.
 */
export function createTtyProgress(terminal: Terminal): ClosableProgress {
  const { style, signs } = terminal
  const running = new Set<{ title: string; detail: string; started: number }>()
  const app = createAppLines()
  let drawnLines = 0
  let drawnAt = Number.NEGATIVE_INFINITY
  let frame = 0
  let timer: NodeJS.Timeout | undefined

  const erased = () => {
    const text = drawnLines === 0 ? '' : CLEAR_LINE + (CURSOR_UP + CLEAR_LINE).repeat(drawnLines - 1)
    drawnLines = 0
    return text
  }
  const redraw = (above: readonly string[]) => {
    const sign = signs.frames[frame % signs.frames.length] ?? ''
    const block = [...running].map((step) => {
      const elapsed = formatElapsed(terminal.now() - step.started)
      const room = terminal.columns() - sign.length - elapsed.length - 3
      return `${sign} ${cut(join(step.title, step.detail), room)} ${style.faint(elapsed)}`
    })
    const text = erased() + above.map((line) => `${line}\n`).join('') + block.join('\n')
    drawnLines = block.length
    drawnAt = terminal.now()
    if (text !== '') terminal.write(text)
    setTicking(running.size > 0)
  }
  const setTicking = (on: boolean) => {
    if (on && timer === undefined) {
      timer = setInterval(() => {
        frame += 1
        redraw([])
      }, TICK_MS)
      // A forgotten step must not keep the process alive.
      timer.unref()
    } else if (!on) {
      clearInterval(timer)
      timer = undefined
    }
  }
  const showApp = (lines: string[]) => {
    if (terminal.appOutput === 'show' && lines.length > 0) redraw(lines.map((line) => style.faint(line)))
  }

  return {
    step(_id, title) {
      const step = { title, detail: '', started: terminal.now() }
      running.add(step)
      redraw([])
      const end = (sign: string, detail: string) => {
        if (!running.delete(step)) return
        const elapsed = style.faint(formatElapsed(terminal.now() - step.started))
        redraw([`${sign} ${join(title, detail)} ${elapsed}`])
      }
      return {
        update(detail) {
          step.detail = detail
          // An update per import would only be flicker: the next tick shows it.
          if (running.has(step) && terminal.now() - drawnAt >= TICK_MS) redraw([])
        },
        done: (detail = '') => end(style.good(signs.done), detail),
        fail: (detail) => end(style.bad(signs.failed), detail),
      }
    },
    appOutput: (stream, chunk) => showApp(app.push(stream, chunk)),
    warn: (message) => redraw([`${style.warning('warning:')} ${message}`]),
    close() {
      showApp(app.flush())
      running.clear()
      redraw([])
    },
  }
}

function join(title: string, detail: string): string {
  return detail === '' ? title : `${title}: ${detail}`
}

/** Cuts at the terminal's width: a wrapped line could not be erased as one. */
function cut(text: string, room: number): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > room ? `${line.slice(0, Math.max(0, room - 1))}~` : line
}
