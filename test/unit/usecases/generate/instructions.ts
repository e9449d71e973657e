// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { bakeInstructions } from '../../../../src/usecases/generate/instructions.js'

const tool = { tool: 'tool', options: [] }
const stage = { command: ['python', '-c', 'print("a, b")'], user: 'app' }

test('BuildKit mounts the tool, and the user is what it was afterwards', (t) => {
  t.deepEqual(bakeInstructions({ ...tool, builder: 'buildkit' }, 'x', stage), [
    'USER root',
    String.raw`RUN --mount=from=tool,target=/mnt ["/mnt/pycds-image", "step", "--user", "app", "--", "python", "-c", "print(\"a, b\")"]`,
    'USER app',
  ])
})

test('the classic builder gets a stage that is thrown away', (t) => {
  t.deepEqual(bakeInstructions({ ...tool, builder: 'classic' }, 'x', { command: ['app'], user: undefined }), [
    '',
    'FROM x AS pycds-bake',
    'COPY --from=tool / /pycds',
    'RUN ["/pycds/pycds-image", "step", "--output", "/pycds-out", "--", "app"]',
    '',
    'FROM x',
    'COPY --from=pycds-bake /pycds-out/ /',
  ])
})

for (const builder of ['buildkit', 'classic'] as const) {
  test(`${builder}: options of the step stand before the command`, (t) => {
    const lines = bakeInstructions({ builder, tool: 'tool', options: ['--snapshot'] }, 'x', stage)
    const step = lines.find((line) => line.startsWith('RUN'))
    t.regex(step ?? '', /"step", "--user", "app", "--snapshot", .*"--", "python"/)
  })
}
