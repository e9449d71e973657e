// SPDX-License-Identifier: Apache-2.0
// A document of results in a file, which an interrupted run goes on from.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * The document that a file holds; undefined when there is none.
 * @throws an Error when it has another schema, or is not JSON.
 */
export async function readSaved<T extends { readonly schema: string }>(
  path: string,
  schema: T['schema'],
): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const document = parse<T>(path, text)
  if (document?.schema !== schema) throw new Error(`${path}: unknown schema ${document?.schema}`)
  return document
}

function parse<T>(path: string, text: string): T {
  try {
    return JSON.parse(text) as T
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : error}`)
  }
}

/** Replaces the file at once: an interruption leaves the old one or the new one. */
export async function save(
  path: string,
  document: object,
  replacer?: (key: string, value: unknown) => unknown,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.part`, `${JSON.stringify(document, replacer, 1)}\n`)
  await rename(`${path}.part`, path)
}
