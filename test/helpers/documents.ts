// SPDX-License-Identifier: Apache-2.0
// Manifests and recipes of examples, which a test looks at field by field.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { parseAllDocuments } from 'yaml'
import { ROOT } from './repository.js'

/** Plain values, of which a test says what they are. */
// biome-ignore lint/suspicious/noExplicitAny: documents of foreign formats, looked at field by field
export type Document = any

/** The documents of a YAML file of this repository, in which nothing is wrong. */
export function loadDocuments(
  t: ExecutionContext,
  ...path: string[]
): { text: string; documents: Document[] } {
  const text = readFileSync(join(ROOT, ...path), 'utf8')
  const parsed = [...parseAllDocuments(text, { uniqueKeys: true })]
  for (const document of parsed) t.deepEqual([...document.errors, ...document.warnings], [])
  return { text, documents: parsed.map((document) => document.toJS()) }
}
