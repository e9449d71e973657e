// SPDX-License-Identifier: Apache-2.0
// Renders the help of the program and of each verb into dist/help, as oclif writes it where nobody knows how wide the
// terminal is; `npm run build:ts` runs this. Needs oclif.manifest.json.
//
//   node scripts/help.mjs
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Config, Help } from '@oclif/core'
import { ROOT, read } from './generated.mjs'

const FOLDER = join(ROOT, 'dist/help')
/** Replaced when it is shown: it names the machine. */
const VERSION_MARK = '{version}'

const FLAGS = [
  ['-h, --help', 'this help; behind a command, that of the command'],
  ['-v, --version', 'the version'],
]
const FIRST_STEPS = [
  ['$ pycds-image doctor', 'can this machine bake, and what to do if not'],
  ['$ pycds-image bake myapp:latest', 'makes myapp:latest-cds'],
  ['$ pycds-image bake --help', 'all of its options'],
]

class Rendered extends Help {
  text = ''

  log(...lines) {
    this.text += `${lines.join(' ')}\n`
  }

  /** A verb with others below it is listed among the verbs. */
  get sortedTopics() {
    return []
  }

  async showRootHelp() {
    await super.showRootHelp()
    for (const [title, rows] of [
      ['FLAGS', FLAGS],
      ['FIRST STEPS', FIRST_STEPS],
    ]) {
      this.log(this.section(title, this.renderList(rows, { indentation: 2, spacer: '\n' })))
      this.log('')
    }
  }
}

/** Of the verb of an id of oclif's, or of the program. */
async function render(id) {
  // A new one each time: help changes ids in what it was given.
  const config = await Config.load({ root: ROOT })
  config.userAgent = VERSION_MARK
  const help = new Rendered(config)
  await help.showHelp(id === undefined ? [] : [id])
  return `${help.text.trimEnd()}\n\n`
}

rmSync(FOLDER, { recursive: true, force: true })
const ids = Object.keys(JSON.parse(read('oclif.manifest.json')).commands)
for (const id of [undefined, ...ids]) {
  const path = join(FOLDER, `${id === undefined ? 'index' : id.replaceAll(':', '/')}.txt`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, await render(id))
}
