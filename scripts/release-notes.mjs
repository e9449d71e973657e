// SPDX-License-Identifier: Apache-2.0
// Prints what CHANGELOG.md says of a version, for its release. Ends with 1 when there is nothing, when it is marked as
// unreleased, or when package.json has another version.
//
//   node scripts/release-notes.mjs VERSION [CHANGELOG]      VERSION may begin with v, as tags do
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, read } from './generated.mjs'

/** The text below `## VERSION`, without the heading; throws a sentence. */
function notesOf(version, changelog) {
  const sections = changelog.split(/^## /m).slice(1)
  const section = sections.find((text) => text.split(/[\s\n]/)[0] === version)
  if (section === undefined) throw `CHANGELOG.md: it has no section ${version}`
  const [heading, ...lines] = section.split('\n')
  if (heading.includes('(unreleased)')) throw `CHANGELOG.md: ${version} is marked as unreleased`
  const text = lines.join('\n').trim()
  if (text === '') throw `CHANGELOG.md: the section ${version} is empty`
  return text
}

const [tag = '', path = join(ROOT, 'CHANGELOG.md')] = process.argv.slice(2)
const version = tag.replace(/^v/, '')
try {
  const own = JSON.parse(read('package.json')).version
  if (version !== own) throw `package.json: its version is ${own}, not ${version}`
  process.stdout.write(`${notesOf(version, readFileSync(path, 'utf8'))}\n`)
} catch (problem) {
  if (typeof problem !== 'string') throw problem
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
