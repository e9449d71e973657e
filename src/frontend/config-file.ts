// SPDX-License-Identifier: Apache-2.0
// Options under `frontend:` in pycds-image.yaml, as build arguments.
import type { FrontendOptionKind } from '../config/index.js'
import { CONFIG_FILE } from '../config/name.js'
import { OPTION_KINDS } from './options.js'

/** Names of options in the file, which are those of the build arguments in lower case with dashes. */
const ARGUMENTS = new Map(
  Object.keys(OPTION_KINDS).map((argument) => [
    argument
      .replace(/^PYCDS_/, '')
      .replaceAll('_', '-')
      .toLowerCase(),
    argument,
  ]),
)

/** What YAML has for what a build argument says with a digit. */
const SWITCH: Readonly<Record<string, string>> = { true: '1', false: '0' }

/** The options as build arguments; USAGE says where the file is wrong. */
export async function readConfigFile(text: string): Promise<[string, string][]> {
  // Most builds have no such file, and need no reader of YAML.
  const { readFrontendSection } = await import('../config/index.js')
  const kinds = [...ARGUMENTS].map(([name, argument]): [string, FrontendOptionKind] => [
    name,
    OPTION_KINDS[argument] ?? 'text',
  ])
  const options = readFrontendSection(CONFIG_FILE, text, Object.fromEntries(kinds))
  return [...options].map(([name, value]) => {
    const argument = ARGUMENTS.get(name) ?? name
    return [argument, asArgument(value, OPTION_KINDS[argument])]
  })
}

function asArgument(value: string | string[], kind: FrontendOptionKind | undefined): string {
  if (typeof value !== 'string') return kind === 'command' ? JSON.stringify(value) : value.join('\n')
  return (kind === 'switch' && SWITCH[value]) || value
}
