// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { readWords } from '../../../../src/artifact/snapshot/programs.js'

const CASES: [words: string[], options: string[], program: [kind: string, text: string] | undefined][] = [
  [['app.py'], [], ['script', 'app.py']],
  [['-u', 'app.py', '-c', 'x'], ['-u'], ['script', 'app.py']],
  [['-m', 'shop', '--port', '1'], [], ['module', 'shop']],
  [['-mshop'], [], ['module', 'shop']],
  [['-uIm', 'shop'], ['-uI'], ['module', 'shop']],
  [['-c', 'import a; a.b()'], [], ['command', 'import a; a.b()']],
  [['-Bcimport a'], ['-B'], ['command', 'import a']],
  [
    ['-X', 'utf8', '-Wignore', '-OO', 'a.py'],
    ['-X', 'utf8', '-Wignore', '-OO'],
    ['script', 'a.py'],
  ],
  [
    ['-bWerror', '--check-hash-based-pycs', 'always', '-m', 'a'],
    ['-bWerror', '--check-hash-based-pycs', 'always'],
    ['module', 'a'],
  ],
  [['--', '-odd.py'], [], ['script', '-odd.py']],
  [['-V'], [], undefined],
  [['-'], [], undefined],
  [['-u'], ['-u'], undefined],
  [['-c'], [], undefined],
  [[], [], undefined],
  [
    [
      '-c',
      'from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)',
      '--multiprocessing-fork',
    ],
    [],
    ['command', 'from multiprocessing.spawn import spawn_main; spawn_main('],
  ],
]

for (const [words, options, program] of CASES) {
  test(`python ${words.join(' ')}`, (t) => {
    t.deepEqual(readWords(['python3', ...words]), {
      options,
      program: program && { kind: program[0] as 'script', text: program[1] },
    })
  })
}
