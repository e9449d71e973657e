// SPDX-License-Identifier: Apache-2.0
// The part of pycds-image.yaml that is for builds: options under `frontend:`.
import { isSeq } from 'yaml'
import { ConfigDocument } from './document.js'

/** What an option of a build may be: one text, true or false (also 1 or 0), several texts, or a command. */
export type FrontendOptionKind = 'text' | 'switch' | 'list' | 'command'

/**
 * Reads the options of builds.
 * @param path for messages only.
 * @param options that may be given, by name.
 * @returns the texts of each option that is given; a command is a list when it was written as one.
 * @throws USAGE with line and column of the first thing that is wrong.
 */
export function readFrontendSection(
  path: string,
  text: string,
  options: Readonly<Record<string, FrontendOptionKind>>,
): Map<string, string | string[]> {
  const document = new ConfigDocument(path, text)
  const section = document.root.get('frontend')
  if (section === undefined) return new Map()
  const fields = document.fields(section.value, 'frontend', Object.keys(options))
  return new Map(
    [...fields].map(([name, { value }]): [string, string | string[]] => {
      const kind = options[name]
      // A command that is a list is run as it is; one that is a text is for the shell, as in a Dockerfile.
      const isList = kind === 'list' || (kind === 'command' && isSeq(value))
      return [name, isList ? document.list(value, name) : document.scalar(value, name)]
    }),
  )
}
