// SPDX-License-Identifier: Apache-2.0
// The instructions of a Dockerfile, line by line as BuildKit's parser takes them. Nothing is refused: what is wrong
// with a Dockerfile is told by the builder, which reads it too.
import { findHeredocs } from './heredocs.js'

export interface Instruction {
  /** In capitals. */
  readonly keyword: string
  /** What stands behind it, its lines joined. */
  readonly text: string
  /** Index of the last line with a part of `text`; bodies of heredocs come behind it. */
  readonly lastLine: number
  /** Whether another line was to follow where the file ended. */
  readonly isOpen: boolean
}

/** Behind which a line goes on in the next one, unless it stands behind another one of its kind. */
const BACKSLASH = /(^|[^\\])\\[ \t]*$/
const BACKTICK = /(^|[^`])`[ \t]*$/
const DIRECTIVE = /^\s*#\s*([a-z][a-z0-9]*)\s*=\s*(\S.*)$/i
const DIRECTIVES = ['syntax', 'escape', 'check']
const HAS_HEREDOCS = ['RUN', 'COPY', 'ADD']

/** Reads the instructions in their order: comments and the bodies of heredocs left out, continued lines joined. */
export function readInstructions(dockerfile: string): Instruction[] {
  const lines = dockerfile
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.replace(/\r+$/, ''))
  const continued = escapeOf(lines) === '`' ? BACKTICK : BACKSLASH
  const found: Instruction[] = []
  for (let at = 0; at < lines.length; ) {
    let lastLine = at
    let joined = ''
    let isOpen = true
    for (; isOpen && at < lines.length; at++) {
      const part = lines[at] ?? ''
      if (/^\s*(#|$)/.test(part)) continue
      lastLine = at
      isOpen = continued.test(part)
      joined += part.replace(continued, '$1')
    }
    const { keyword, text } = split(joined)
    if (keyword === '') continue
    found.push({ keyword, text, lastLine, isOpen })
    if (hasHeredocs(keyword, text)) at = skipHeredocs(lines, at, joined)
  }
  return found
}

/** What a FROM is about: the image or stage, and the name that it gives. */
export function readFrom(text: string): { readonly base: string; readonly name: string | undefined } {
  const [, base = '', name] = /^(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?/i.exec(text) ?? []
  return { base, name }
}

/** The words of an instruction in its list form, as in `["python", "app.py"]`; undefined for the shell form. */
export function listForm(text: string): string[] | undefined {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && list.every((word) => typeof word === 'string') ? list : undefined
  } catch {
    return undefined
  }
}

/** Directives are comments before everything else; the first other line ends them. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const [, name = '', value = ''] = DIRECTIVE.exec(line) ?? []
    if (!DIRECTIVES.includes(name.toLowerCase())) break
    if (name.toLowerCase() === 'escape') return value.trimEnd()
  }
  return '\\'
}

function split(joined: string): { keyword: string; text: string } {
  const [, keyword = '', text = ''] = /^(\S+)\s*(.*)$/s.exec(joined.trim()) ?? []
  return { keyword: keyword.toUpperCase(), text }
}

function hasHeredocs(keyword: string, text: string): boolean {
  if (keyword === 'ONBUILD') {
    const inner = split(text)
    return inner.keyword !== 'ONBUILD' && hasHeredocs(inner.keyword, inner.text)
  }
  return HAS_HEREDOCS.includes(keyword) && listForm(text.replace(/^(--\S+\s+)*/, '')) === undefined
}

/**
 * The line behind the bodies that an instruction announces. A mark without its end is none: builders that know
 * heredocs refuse it, to older ones it is a word of the command, and neither sees instructions vanish.
 */
function skipHeredocs(lines: readonly string[], from: number, instruction: string): number {
  let at = from
  for (const { end, chomp } of findHeredocs(instruction)) {
    const isEnd = (line: string) => (chomp ? line.replace(/^\t+/, '') : line) === end
    const close = lines.findIndex((line, index) => index >= at && isEnd(line))
    if (close === -1) break
    at = close + 1
  }
  return at
}
