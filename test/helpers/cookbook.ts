// SPDX-License-Identifier: Apache-2.0
// The pages of docs/cookbook as a test uses them: their files, and their commands. What a page shows is what is tested.
import { readdirSync, readFileSync } from 'node:fs'
import { inRepository } from './repository.js'

const FOLDER = 'docs/cookbook'

export interface CookbookPage {
  /** The files that the page shows, by name. */
  readonly files: Readonly<Record<string, string>>
  /** The lines of its block of commands, continued lines joined. */
  readonly commands: readonly string[]
  readonly text: string
}

/** Names of the pages, without `.md` and without the index. */
export function cookbookPages(): string[] {
  return readdirSync(inRepository(FOLDER))
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .map((name) => name.slice(0, -'.md'.length))
    .sort()
}

export function cookbookPage(name: string): CookbookPage {
  const text = readFileSync(inRepository(`${FOLDER}/${name}.md`), 'utf8')
  const shown = [...text.matchAll(/^`([\w.]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)]
  const [, block = ''] = /^```sh\n([\s\S]*?)^```$/m.exec(text) ?? []
  const commands = block
    .replace(/\\\n\s*/g, '')
    .trim()
    .split('\n')
  return { files: Object.fromEntries(shown.map(([, file = '', body = '']) => [file, body])), commands, text }
}

/** The options of the page's `pycds-image VERB IMAGE`; undefined where it has no such command. */
export function optionsOf(page: CookbookPage, verb: 'bake' | 'trace' | 'verify'): string[] | undefined {
  const command = page.commands.find((line) => line.startsWith(`pycds-image ${verb} `))
  return command
    ?.match(/"[^"]*"|\S+/g)
    ?.slice(3)
    .map((word) => word.replaceAll('"', ''))
}
