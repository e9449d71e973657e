// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { findEmulated } from '../../../../src/engine/local/emulation.js'
import { temporary } from '../../../helpers/temporary.js'

const AARCH64 = '7f454c460201010000000000000000000200b700'
const entry = (state: string, flags: string, magic: string) =>
  `${state}\ninterpreter /usr/bin/emulator\nflags: ${flags}\noffset 0\nmagic ${magic}\nmask ffffff\n`

for (const [what, text, expected] of [
  ['one that was opened when it was registered counts', entry('enabled', 'OCF', AARCH64), ['arm64']],
  ['one that would have to be in the root does not', entry('enabled', 'OC', AARCH64), []],
  ['one that is off does not', entry('disabled', 'F', AARCH64), []],
  ['one for other files does not', entry('enabled', 'F', '504b0304'), []],
  ['one for other processors does not', entry('enabled', 'F', AARCH64.replace(/b700$/, 'f300')), []],
  ['the file that switches all of them is none', 'enabled\n', []],
] as const) {
  test(`emulators: ${what}`, (t) => {
    const directory = temporary(t)
    writeFileSync(join(directory, 'entry'), text)
    t.deepEqual(findEmulated(directory), [...expected])
  })
}

test('emulators: a kernel without the registry has none', (t) => {
  t.deepEqual(findEmulated('/nonexistent'), [])
})
