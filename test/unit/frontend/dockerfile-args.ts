// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { readDockerfileArgs } from '../../../src/frontend/dockerfile-args.js'

const gives = test.macro((t, lines: string[], expected: Record<string, string>, target: string = '') => {
  t.deepEqual(Object.fromEntries(readDockerfileArgs(lines.join('\n'), target)), expected)
})

test('before the first FROM it is for every stage', gives, ['ARG PYCDS_READY=health', 'FROM a', 'FROM b'], {
  PYCDS_READY: 'health',
})
test(
  'in a stage it is for that stage, and wins',
  gives,
  ['ARG PYCDS_READY=health', 'FROM a', 'ARG PYCDS_READY=exit', 'FROM b', 'ARG PYCDS_TIMEOUT=9s'],
  { PYCDS_READY: 'health', PYCDS_TIMEOUT: '9s' },
)
test(
  'a stage that another one is built on passes its own on',
  gives,
  ['FROM x AS Base', 'ARG PYCDS_READY=exit', 'ARG PYCDS_IMPORT=a', 'FROM base', 'ARG PYCDS_IMPORT=b'],
  { PYCDS_READY: 'exit', PYCDS_IMPORT: 'b' },
)
test(
  'the target decides, by name',
  gives,
  ['FROM --platform=linux/amd64 x as one', 'ARG PYCDS_READY=exit', 'FROM y AS two', 'ARG PYCDS_READY=health'],
  { PYCDS_READY: 'exit' },
  'one',
)
test(
  'or by number',
  gives,
  ['FROM x', 'ARG PYCDS_READY=exit', 'FROM y', 'ARG PYCDS_READY=health'],
  { PYCDS_READY: 'exit' },
  '0',
)
test(
  'a target that there is not has those of all stages',
  gives,
  ['ARG PYCDS_READY=exit', 'FROM x'],
  { PYCDS_READY: 'exit' },
  'none',
)
test(
  'quotes are taken off, several stand on one line, others are not looked at',
  gives,
  ['FROM x', `ARG PYCDS_READY="log:/a \\"b\\"/" PYCDS_IMPORT='a b' OTHER=1 PYCDS_TIMEOUT=3s PYCDS_TRAIN`],
  { PYCDS_READY: 'log:/a "b"/', PYCDS_IMPORT: 'a b', PYCDS_TIMEOUT: '3s' },
)
test(
  'continued lines are one, comments between them are none',
  gives,
  ['FROM x', 'ARG \\', '# a comment', '  PYCDS_READY=exit', '# ARG PYCDS_TIMEOUT=1s'],
  { PYCDS_READY: 'exit' },
)
test('the escape directive counts', gives, ['# escape=`', 'FROM x', 'ARG `', 'PYCDS_READY=exit'], {
  PYCDS_READY: 'exit',
})
test(
  'a heredoc is not read as instructions',
  gives,
  ['FROM x', 'RUN <<EOF cat', 'ARG PYCDS_READY=no', 'FROM nothing', 'EOF', 'ARG PYCDS_TIMEOUT=1s'],
  { PYCDS_TIMEOUT: '1s' },
)
test(
  'a base named like its own stage is the image, not a circle',
  gives,
  ['FROM web AS web', 'ARG PYCDS_READY=exit'],
  {
    PYCDS_READY: 'exit',
  },
)
test('what is no Dockerfile has none', gives, ['\u0000\u0001', '{"a": 1}', ''], {})
