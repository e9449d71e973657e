// SPDX-License-Identifier: Apache-2.0
// What docs/cli.md shows can be written on a command line.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Parser } from '@oclif/core'
import test from 'ava'
import { splitCommand } from '../../../src/commands/cli/parse.js'
import {
  type BakeFlags,
  type BenchFlags,
  type StepFlags,
  toBakeRequest,
  toBenchRequest,
  toStepRequest,
  toVerifyRequest,
  type VerifyFlags,
} from '../../../src/commands/cli/requests.js'
import { COMMANDS } from '../../../src/commands/index.js'
import { inRepository } from '../../helpers/repository.js'
import { temporary } from '../../helpers/temporary.js'

const PAGE = readFileSync(inRepository('docs/cli.md'), 'utf8')

/** What gives the values of options their meaning. */
const REQUESTS: Readonly<Record<string, (flags: never) => Promise<unknown>>> = {
  bake: (flags: BakeFlags) => toBakeRequest('myapp:latest', flags, undefined, {}),
  bench: (flags: BenchFlags) => toBenchRequest('myapp:latest', undefined, flags),
  step: (flags: StepFlags) => toStepRequest(flags, undefined, {}),
  verify: (flags: VerifyFlags) => toVerifyRequest('myapp:latest', flags),
}

/** Options that mean something only beside another one. */
const TOGETHER: Readonly<Record<string, readonly string[]>> = {
  '--cache-size 20GB': ['--cache-dir', 'cache'],
  '--train imports': ['--import', 'app.main'],
  '--import app.main': ['--train', 'imports'],
  '--snapshot-cpu native': ['--snapshot'],
  '--snapshot-exclude ddtrace*': ['--snapshot'],
  '--snapshot-include shop.models': ['--snapshot'],
  '--snapshot-launch entrypoint': ['--snapshot'],
}

const CONFIG = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }
/** Those that examples name. */
const FILES = { 'build.env': 'MODE=build\n', 'config.json': JSON.stringify(CONFIG) }

interface Section {
  readonly id: keyof typeof COMMANDS
  readonly text: string
}

const SECTIONS: readonly Section[] = PAGE.split(/^## /m)
  .slice(1)
  .map((text) => ({ id: (text.split('\n')[0] ?? '').replaceAll(' ', ':') as Section['id'], text }))

/** As oclif reads them; throws for what it does not know. */
async function parse({ id }: Section, words: readonly string[]): Promise<unknown> {
  const { flags, args } = COMMANDS[id]
  const given = Object.entries(args ?? {}).flatMap(([name, { required }]) => (required ? [name] : []))
  return (await Parser.parse([...given, ...words], { flags, args: args ?? {}, strict: true })).flags
}

test('every command has a section', (t) => {
  // Those that are built, whether or not anybody has listed them.
  const { commands } = JSON.parse(readFileSync(inRepository('oclif.manifest.json'), 'utf8'))
  t.deepEqual(Object.keys(commands).sort(), Object.keys(COMMANDS).sort())
  t.deepEqual(SECTIONS.map(({ id }) => id).sort(), Object.keys(COMMANDS).sort() as Section['id'][])
})

test('the example of every option is understood', async (t) => {
  const folder = temporary(t, FILES)
  let count = 0
  for (const section of SECTIONS) {
    for (const [, example = ''] of section.text.matchAll(/ \| `(--[^`]+)` \|$/gm)) {
      const [option = '', ...value] = example.split(' ')
      if (option === '--trace-in') continue // a trace of a real run: the tests of traces have them
      const words = [
        option,
        ...value.map((word) => (word in FILES ? join(folder, word) : word)),
        ...(TOGETHER[example] ?? []),
      ]
      const flags = await parse(section, words)
      await t.notThrowsAsync(async () => REQUESTS[section.id]?.(flags as never), `${section.id} ${example}`)
      count++
    }
  }
  t.true(count > 40, 'the examples were not found')
})

test('the examples of every command are understood', async (t) => {
  for (const section of SECTIONS) {
    const [, examples = ''] = section.text.split('Examples:')
    const lines = examples.match(/(?<=pycds-image )[a-z].*/g) ?? []
    t.true(lines.length > 0, section.id)
    for (const line of lines) {
      const [verb, ...rest] = (line.split(/ [|>] /)[0] ?? '')
        .replace(/^trace (diff|import|merge|pull|push)\b/, 'trace:$1')
        .split(' ')
      const command = COMMANDS[verb as Section['id']]
      t.truthy(command, line)
      // All take it; oclif adds it when a command runs.
      const own = splitCommand(rest).own.filter((word) => word !== '--json')
      const { flags, args = {}, strict } = command
      await t.notThrowsAsync(Parser.parse(own, { flags, args, strict }), line)
    }
  }
})
