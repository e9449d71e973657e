// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { lastStage } from '../../../../src/usecases/generate/dockerfile.js'

/** Of a stage whose FROM is the first line. */
const FIRST = { fromLine: 0, openLine: undefined, name: undefined, user: undefined }

const reads = test.macro((t, text: string, expected: object | undefined) => {
  // What it starts is told twice: as one command here, and in its parts, of which test/unit/usecases/generate/generate.ts.
  const { starts: _, ...stage } = lastStage(text) ?? { starts: undefined }
  t.deepEqual(lastStage(text) && stage, expected)
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
test(
  'a stage begins with user, command and shell of the one that it is made from',
  reads,
  `ARG BASE=app
FROM a AS app
SHELL ["/bin/bash", "-c"]
USER app
ENTRYPOINT ["python"]
CMD ["-m", "app"]
FROM b AS other
USER other
CMD ["other"]
FROM \${BASE}
COPY --from=other /x /x
`,
  { ...FIRST, fromLine: 9, user: 'app', command: ['python', '-m', 'app'] },
)
test(
  'a stage is also known by its number, and its name in capitals',
  reads,
  'FROM a AS App\nCMD x\nFROM APP\nUSER y\nFROM 1\n',
  { ...FIRST, fromLine: 4, user: 'y', command: ['/bin/sh', '-c', 'x'] },
)
test(
  'a new ENTRYPOINT takes back the CMD of an earlier stage, but not one of its own stage',
  reads,
  'FROM a AS one\nCMD ["x"]\nFROM one AS two\nENTRYPOINT ["e"]\nFROM two\nCMD ["y"]\nENTRYPOINT ["f"]\n',
  { ...FIRST, fromLine: 4, command: ['f', 'y'] },
)
test(
  'a shell form of ENTRYPOINT takes no CMD of a later stage either',
  reads,
  'FROM a AS one\nENTRYPOINT e 1\nFROM one\nCMD ["x"]\n',
  { ...FIRST, fromLine: 2, command: ['/bin/sh', '-c', 'e 1'] },
)
test(
  'a user that a stage takes back is not another one',
  reads,
  'FROM a AS b\nUSER x\nCMD ["x"]\nFROM b\nUSER root\n',
  {
    ...FIRST,
    fromLine: 3,
    command: ['x'],
  },
)
test('root needs no change of user', reads, 'FROM a\nUSER 0:0\nCMD ["x"]\n', {
  ...FIRST,
  command: ['x'],
})
