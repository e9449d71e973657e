// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { lastStage } from '../../../../src/usecases/generate/dockerfile.js'

/** Of a stage whose FROM is the first line. */
const FIRST = { fromLine: 0, openLine: undefined, name: undefined, user: undefined }

const reads = test.macro((t, text: string, expected: object | undefined) => {
  t.deepEqual(lastStage(text) && { ...lastStage(text) }, expected)
})

test('what is no Dockerfile has no stage', reads, '# nothing\n', undefined)
test('list forms are put together', reads, 'FROM a\nENTRYPOINT ["python", "-m"]\nCMD ["app"]\n', {
  ...FIRST,
  command: ['python', '-m', 'app'],
})
test(
  'a shell form runs in a shell, and as ENTRYPOINT takes no CMD',
  reads,
  'FROM a\nentrypoint python -m app\nCMD ["x"]',
  {
    ...FIRST,
    command: ['/bin/sh', '-c', 'python -m app'],
  },
)
test(
  'only the last stage counts, with its name, user and shell',
  reads,
  `FROM a AS build
USER root
CMD ["make"]

FROM b as final
SHELL ["/bin/bash", "-c"]
USER app:app
CMD python \\
  # a comment in between
  -m app
`,
  { ...FIRST, fromLine: 4, name: 'final', user: 'app:app', command: ['/bin/bash', '-c', 'python   -m app'] },
)
test('what a heredoc holds is no instruction', reads, 'FROM a\nRUN <<EOF\nCMD ["x"]\nFROM y\nEOF\n', {
  ...FIRST,
})
test('root needs no change of user', reads, 'FROM a\nUSER 0:0\nCMD ["x"]\n', {
  ...FIRST,
  command: ['x'],
})
