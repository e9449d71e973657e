// SPDX-License-Identifier: Apache-2.0
// What the runtime says on stderr, line by line, as the table of native/format/lines.h has it.
import { LINE_FORMS, LINE_START } from './line-forms.js'

export type LineForm = keyof typeof LINE_FORMS

/** A line of a runtime. */
export interface RuntimeLine {
  /** Undefined: one of another version. */
  form: LineForm | undefined
  /** In the order of the table. */
  values: readonly string[]
}

const FORMS = Object.entries(LINE_FORMS) as [LineForm, RegExp][]

/**
 * Reads a line without its end.
 * @returns undefined for a line that no runtime has written
 */
export function readLine(line: string): RuntimeLine | undefined {
  const [start] = LINE_START.exec(line) ?? []
  if (start === undefined) return undefined
  const text = line.slice(start.length)
  for (const [form, pattern] of FORMS) {
    const [whole, ...values] = pattern.exec(text) ?? []
    if (whole !== undefined) return { form, values }
  }
  return { form: undefined, values: [] }
}
