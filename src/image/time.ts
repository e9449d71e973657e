// SPDX-License-Identifier: Apache-2.0
// When an image was made, as far as its configuration tells. Builders that want the same image each time write a
// moment that never was: the first second of 1970, or that of the year 1.
import type { ImageConfig } from './config.js'

/** The last second that the header of a tar can hold without extensions. */
const LAST_MS = 0o77777777777 * 1000
const EPOCH_TEXT = '1970-01-01T00:00:00Z'
/** RFC 3339: date, hour and minute, second, fraction, offset. */
const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.\d+)?(Z|z|[+-]\d\d:\d\d)$/

/** The time for files that come with a new layer: when the image was made, within what every file system holds. */
export function creationTime(config: Pick<ImageConfig, 'created'>): Date {
  const ms = parseTime(config.created) ?? 0
  return new Date(Math.min(Math.max(ms, 0), LAST_MS))
}

/** The same for the history, where any moment can be written: as the image has it, or 1970 where it has none. */
export function creationText({ created }: Pick<ImageConfig, 'created'>): string {
  return created && parseTime(created) !== undefined ? created : EPOCH_TEXT
}

/** Milliseconds since 1970, of whole seconds; undefined for what is no date. */
function parseTime(text: string | null | undefined): number | undefined {
  const [, date, minute, second = '', offset = ''] = RFC3339.exec(text ?? '') ?? []
  // A leap second has no number of its own.
  const ms = Date.parse(`${date}T${minute}:${second === '60' ? '59' : second}${offset.toUpperCase()}`)
  return Number.isNaN(ms) ? undefined : ms
}
