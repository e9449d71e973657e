// SPDX-License-Identifier: Apache-2.0

/** A column is text (left) or a number (right). */
export type Align = 'left' | 'right'

/** Lays rows out in columns two spaces apart; the last left column is not padded. Widths count characters. */
export function renderTable(align: readonly Align[], rows: readonly (readonly string[])[]): string[] {
  const widths = align.map((_, column) => Math.max(0, ...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) =>
    align
      .map((side, column) => {
        const cell = row[column] ?? ''
        const width = widths[column] ?? 0
        return side === 'right' ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** Rows of `name  value` under a heading, indented. */
export function renderFacts(facts: readonly (readonly [name: string, value: string])[]): string[] {
  return renderTable(['left', 'left'], facts).map((line) => `  ${line}`)
}
