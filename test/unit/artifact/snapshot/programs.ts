// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { readWords } from '../../../../src/artifact/snapshot/programs.js'
import { COMMAND_LINES, QUESTIONS } from '../../../helpers/command-lines.js'

for (const { words, options, program } of COMMAND_LINES) {
  test(`python ${words.join(' ')}`, (t) => {
    t.deepEqual(readWords(['python3', ...words]), { options: [...options], program })
  })
}

for (const words of QUESTIONS) {
  test(`python ${words.join(' ')} runs no program`, (t) => {
    t.is(readWords(['python3', ...words]).program, undefined)
  })
}

test('workers of a library are one program, whatever their numbers', (t) => {
  const text = 'from multiprocessing.spawn import spawn_main; spawn_main('
  const words = ['python3', '-c', `${text}tracker_fd=5, pipe_handle=7)`, '--multiprocessing-fork']
  t.deepEqual(readWords(words), { options: [], program: { kind: 'command', text } })
})
