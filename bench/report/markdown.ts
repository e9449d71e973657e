// SPDX-License-Identifier: Apache-2.0

export type Align = 'left' | 'right'

/** A table as Markdown; the first row is its head. */
export function table(align: readonly Align[], rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(align.map((side) => (side === 'right' ? '---:' : '---'))), ...body.map(line)].join(
    '\n',
  )
}

/** Replaces what stands between a pair of markers; throws when a file has none. */
export function replaceBetween(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`no ${begin} followed by ${end}`)
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`
}

export const factorText = (factor: number | undefined): string =>
  factor === undefined ? '–' : `${factor.toFixed(2)}x`

export const msText = (ms: number | undefined): string =>
  ms === undefined ? '–' : ms < 100 ? ms.toFixed(1) : ms.toFixed(0)

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`
