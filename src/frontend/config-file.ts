// SPDX-License-Identifier: Apache-2.0
// The part of pycds-image.yaml that is for builds: options under `frontend:`, by the names of the build arguments in
// lower case. Other parts of the file are for other commands.
import { PycdsError } from '../errors/index.js'
import { CONFIG_FILE } from './client-files.js'

const SECTION = 'frontend'

/** The options as build arguments; USAGE says where the file is wrong. */
export async function readConfigFile(text: string): Promise<[string, string][]> {
  // Most builds have no such file.
  const { parseDocument } = await import('yaml')
  const document = parseDocument(text)
  const [error] = document.errors
  if (error) throw wrong(error.message.split('\n')[0] ?? 'it is no YAML')
  let whole: unknown
  try {
    whole = document.toJS()
  } catch (cause) {
    throw wrong((cause as Error).message) // aliases that would fill the memory
  }
  const section = isObject(whole) ? whole[SECTION] : whole
  if (section === undefined || section === null) return []
  if (!isObject(section)) throw wrong(`${SECTION} is not a mapping`)
  return Object.entries(section).map(([key, value]) => [argument(key), asText(key, value)])
}

/** `on-failure` -> `PYCDS_ON_FAILURE` */
function argument(key: string): string {
  return `PYCDS_${key.replaceAll('-', '_').toUpperCase()}`
}

function asText(key: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return key === 'command' ? JSON.stringify(value) : value.join('\n')
  }
  throw wrong(`${SECTION}.${key} is neither a text nor a list of texts`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(reason: string): PycdsError {
  return new PycdsError('USAGE', {
    message: `${CONFIG_FILE}: ${reason}`,
    hint: 'Correct the file in the build context, or take it out of the context with .dockerignore.',
  })
}
