// SPDX-License-Identifier: Apache-2.0
// New text for a document that was changed as a value. What is as it was keeps the bytes that it had: a number that a
// double cannot hold, the order and repetition of keys, escapes. Only what changed is written anew.
import { isObject } from './check.js'

/**
 * Writes `value` as JSON.
 * @param text of the document that it was made from, which must be JSON
 */
export function reviseJson(text: string, value: unknown): string {
  const old: unknown = JSON.parse(text)
  if (isEqual(old, value)) return text.trim()
  if (isObject(old) && isObject(value)) return reviseObject(text, value)
  if (Array.isArray(old) && Array.isArray(value)) return reviseList(text, value)
  return JSON.stringify(value)
}

function reviseObject(text: string, value: Record<string, unknown>): string {
  // Of repeated keys the last one counts, for this program as for engines.
  const parts = new Map(partsOf(text).map((part) => [JSON.parse(part.key) as string, part]))
  const members = Object.entries(value).flatMap(([name, item]) => {
    if (item === undefined) return []
    const part = parts.get(name)
    return part === undefined
      ? `${JSON.stringify(name)}:${JSON.stringify(item)}`
      : `${part.key}:${reviseJson(part.value, item)}`
  })
  return `{${members.join(',')}}`
}

function reviseList(text: string, value: readonly unknown[]): string {
  const parts = partsOf(text)
  if (parts.length === value.length) {
    return `[${value.map((item, at) => reviseJson(parts[at]?.value ?? 'null', item)).join(',')}]`
  }
  // Items came or went: those that stayed are found in their order.
  let next = 0
  const items = value.map((item) => {
    const at = parts.findIndex((part, index) => index >= next && isEqual(JSON.parse(part.value), item))
    if (at < 0) return JSON.stringify(item)
    next = at + 1
    return parts[at]?.value
  })
  return `[${items.join(',')}]`
}

/** A member of an object, or an item of a list, whose key is the empty string; as they are written. */
interface Part {
  readonly key: string
  readonly value: string
}

/** Divides the text of an object or a list. */
function partsOf(text: string): Part[] {
  const parts: Part[] = []
  const isMap = text.trimStart().startsWith('{')
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (text[at] !== '}' && text[at] !== ']') {
    const keyEnd = isMap ? endOfValue(text, at) : at
    const start = isMap ? skipSpace(text, skipSpace(text, keyEnd) + 1) : at
    const end = endOfValue(text, start)
    parts.push({ key: text.slice(at, keyEnd), value: text.slice(start, end) })
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return parts
}

const SPACE = /[\t\n\r ]*/y
const TEXT = /"(?:[^"\\]|\\.)*"/y
const PLAIN = /[^,\]}\t\n\r ]*/y

function skipSpace(text: string, at: number): number {
  return endOf(SPACE, text, at)
}

function endOfValue(text: string, start: number): number {
  if (text[start] === '"') return endOf(TEXT, text, start)
  if (text[start] !== '{' && text[start] !== '[') return endOf(PLAIN, text, start)
  let depth = 0
  let at = start
  do {
    const sign = text[at]
    if (sign === '"') at = endOf(TEXT, text, at) - 1
    else if (sign === '{' || sign === '[') depth += 1
    else if (sign === '}' || sign === ']') depth -= 1
    at += 1
  } while (depth > 0)
  return at
}

/** Where the match of a sticky pattern ends. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  pattern.test(text)
  return Math.max(pattern.lastIndex, at)
}

function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, at) => isEqual(item, b[at]))
  }
  if (!isObject(a) || !isObject(b)) return a === b
  const [names, others] = [a, b].map((one) => Object.keys(one).filter((name) => one[name] !== undefined))
  return (
    names?.length === others?.length &&
    (names ?? []).every((name) => Object.hasOwn(b, name) && isEqual(a[name], b[name]))
  )
}
