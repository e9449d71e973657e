// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { inRepository } from './repository.js'

/** What is wrong with a value by the published schema of that name; empty when nothing is. */
export function schemaErrors(name: string, value: unknown): string[] {
  const file = inRepository(`docs/schemas/${name}.json`)
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true })
  const validate = ajv.compile(JSON.parse(readFileSync(file, 'utf8')))
  if (validate(value)) return []
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}
