// SPDX-License-Identifier: Apache-2.0
// Small checks of JSON values that add up to checks of documents: every broken path is found, not the first.

/** A place in a document and what should have been there. */
export interface Problem {
  readonly path: string
  readonly expected: string
}

export type Check = (value: unknown, path: string) => Problem[]

export function record(fields: Readonly<Record<string, Check>>): Check {
  return (value, path) => {
    if (!isObject(value)) return unless(false, path, 'an object')
    return Object.entries(fields).flatMap(([field, check]) => check(value[field], `${path}.${field}`))
  }
}

export function mapOf(check: Check): Check {
  return (value, path) => {
    if (!isObject(value)) return unless(false, path, 'an object')
    return Object.entries(value).flatMap(([key, item]) => check(item, `${path}[${JSON.stringify(key)}]`))
  }
}

export function listOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return unless(false, path, 'a list')
    return value.flatMap((item: unknown, index) => check(item, `${path}[${index}]`))
  }
}

export function optional(check: Check): Check {
  return (value, path) => (value === undefined ? [] : check(value, path))
}

export function nullable(check: Check): Check {
  return (value, path) => (value === null ? [] : check(value, path))
}

export function unless(ok: boolean, path: string, expected: string): Problem[] {
  return ok ? [] : [{ path, expected }]
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
