// SPDX-License-Identifier: Apache-2.0
// What the scripts that write generated files have in common.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The text of a file of the repository. */
export function read(path) {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** The path, from the root, of the only file of that name below a folder. */
export function find(folder, name) {
  const found = readdirSync(join(ROOT, folder), { recursive: true }).filter(
    (path) => path === name || path.endsWith(`/${name}`),
  )
  if (found.length !== 1) throw new Error(`${folder}: ${found.length} files are called ${name}`)
  return join(folder, found[0])
}

/**
 * Writes files; with --check writes nothing, and the process ends with 1 when one of them is outdated.
 *
 * @param files texts by path, from the root of the repository
 * @param command what writes them, for the message
 */
export function update(files, command, args = process.argv.slice(2)) {
  for (const [path, text] of Object.entries(files)) {
    if (!args.includes('--check')) writeFileSync(join(ROOT, path), text)
    else if (read(path) !== text) {
      process.stderr.write(`${path} is outdated: run ${command}\n`)
      process.exitCode = 1
    }
  }
}

/** A table as Markdown. */
export function table(head, rows) {
  const escaped = (cell) => String(cell).replaceAll('|', '\\|')
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map(escaped).join(' | ')} |`)
    .join('\n')
}

/** Puts `content` between the comments `<!-- name -->` and `<!-- /name -->` of a text. */
export function fill(text, name, content) {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`no ${begin} followed by ${end}`)
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`
}

/** Every key has a text and every text has a key; the error names what lacks one. */
export function assertComplete(keys, texts, where) {
  const known = Object.keys(texts)
  const lacking = keys.filter((key) => !known.includes(key))
  const surplus = known.filter((key) => !keys.includes(key))
  if (lacking.length + surplus.length > 0) {
    throw new Error(`${where}: lacks [${lacking}], has nothing for [${surplus}]`)
  }
}
