// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import test from 'ava'
import Bake from '../../../src/commands/bake.js'
import { inRepository } from '../../helpers/repository.js'

const README = readFileSync(inRepository('README.md'), 'utf8')

test('the README names the defaults that the options of bake have', (t) => {
  const flags: Readonly<Record<string, { default?: unknown }>> = Bake.flags
  const rows = README.split('\n').map((line) => line.split(/(?<!\\)\|/))
  const written = rows.flatMap(([, option, value]) => {
    const [, name] = /--([a-z-]+)/.exec(option ?? '') ?? []
    const [, text] = /^ `(.+)` $/.exec(value ?? '') ?? []
    return name === undefined || text === undefined ? [] : [{ name, text }]
  })
  t.true(written.length > 5, 'the table of options was not found')
  for (const { name, text } of written) {
    t.true(name in flags, `--${name}: there is no such option`)
    const own = flags[name]?.default
    // Others get theirs from another option, or from the image.
    if (typeof own === 'string') t.is(text, own, `--${name}`)
  }
})
