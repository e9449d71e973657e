// SPDX-License-Identifier: Apache-2.0
// What a traced process compiled while it ran: regular expressions and source strings.
import type { CompiledRegex, CompiledSource } from '../../ports/index.js'
import { SOURCE_MODES } from '../../util/format-names.js'
import type { FieldsOf } from './codec.js'
import type { RUN_LOG } from './records.js'

/** A regular expression with its groups as pairs. */
export function regexOf(fields: FieldsOf<typeof RUN_LOG.regex>): CompiledRegex {
  const { names } = fields
  return {
    ...fields,
    names: names.flatMap((name, at) => (at % 2 === 1 ? [{ name, group: Number(names[at - 1]) }] : [])),
  }
}

/** A source string; undefined when its mode is none that is archived. */
export function sourceOf(fields: FieldsOf<typeof RUN_LOG.source>): CompiledSource | undefined {
  const mode = SOURCE_MODES.find((one) => one === fields.mode)
  return mode && { ...fields, mode }
}
