// SPDX-License-Identifier: Apache-2.0
// The JSON schema of pycds-image.yaml, for editors; made from the same options that the reader takes.
import { compare } from '../util/order.js'
import type { ConfigOption } from './images.js'
import { CONFIG_FILE } from './name.js'

/** @param options with a line of description each. */
export function configSchema(
  options: Readonly<Record<string, ConfigOption & { summary?: string | undefined }>>,
) {
  const properties = Object.fromEntries(
    Object.entries(options)
      .sort(([a], [b]) => compare(a, b))
      .map(([name, option]) => [name, property(option)]),
  )
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'io.pycds.config/1',
    title: CONFIG_FILE,
    type: 'object',
    additionalProperties: false,
    // A file may be for builds alone.
    anyOf: [{ required: ['version', 'images'] }, { required: ['frontend'] }],
    properties: {
      version: { const: 1 },
      frontend: { type: 'object', description: 'options of builds with the BuildKit frontend' },
      defaults: { type: 'object', additionalProperties: false, properties },
      images: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['image'],
          properties: {
            image: { type: 'string', description: 'the image to bake' },
            name: { type: 'string', description: 'for --only; default: the image' },
            command: { ...LIST, description: 'replaces the entrypoint for the training run' },
            ...properties,
          },
        },
      },
    },
  }
}

const VALUE = { type: ['string', 'number'] }
const LIST = { oneOf: [{ type: 'string' }, { type: 'array', items: VALUE }] }

function property({
  type,
  multiple,
  options,
  summary,
}: ConfigOption & { summary?: string | undefined }): object {
  const description = summary === undefined ? {} : { description: summary }
  if (type === 'boolean') return { type: 'boolean', ...description }
  if (options) return { enum: options, ...description }
  return { ...(multiple ? LIST : VALUE), ...description }
}
