// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { ImageStore } from '../../../../src/ports/index.js'
import { generate } from '../../../../src/usecases/generate/generate.js'
import type { Builder } from '../../../../src/usecases/generate/instructions.js'

async function generated(t: ExecutionContext, text: string, builder: Builder = 'buildkit'): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pycds-generate-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const subject = join(folder, 'Dockerfile')
  writeFileSync(subject, text)
  // The store is only for images.
  const { dockerfile } = await generate(
    { subject, builder, tool: 'tool', snapshot: false },
    { store: {} as ImageStore },
  )
  return dockerfile
}

/** The step that trains `words`. */
const step = (...words: string[]) => {
  const all = ['/mnt/pycds-image', 'step', ...words]
  return `RUN --mount=from=tool,target=/mnt [${all.map((word) => JSON.stringify(word)).join(', ')}]`
}

test('a command that is continued by another escape character is trained as a whole', async (t) => {
  const text = '# escape=`\nFROM a\nCMD ["python", `\n  "app.py"]\n'
  t.is(await generated(t, text), `${text}${step('--', 'python', 'app.py')}\n`)
})

for (const line of [`bash -c 'read a <<<"hello"'`, 'echo $((1<<n))', 'echo $((1 <<n))']) {
  test(`RUN ${line} hides neither the user nor the command behind it`, async (t) => {
    const text = `FROM a\nRUN ${line}\nUSER app\nCMD ["x"]\n`
    t.is(await generated(t, text), `${text}USER root\n${step('--user', 'app', '--', 'x')}\nUSER app\n`)
  })
}

test('what the file holds stays as it is, to the ends of its lines', async (t) => {
  const text = 'FROM a\r\nRUN <<EOF\r\nCMD no\r\nEOF\r\nCMD ["x"]'
  t.is(await generated(t, `${text}\r\n`), `${text}\n${step('--', 'x')}\n`)
})

test('the last instruction takes no line in that is added, also when it asks for one', async (t) => {
  t.is(await generated(t, 'FROM a\nCMD ["x"]\\ \n# end\n'), `FROM a\nCMD ["x"] \n# end\n${step('--', 'x')}\n`)
})

test('the classic builder gets a name for the stage, where its FROM ends', async (t) => {
  const text = await generated(t, 'FROM \\\r\n  a\r\nCMD ["x"]\r\n', 'classic')
  t.true(text.startsWith('FROM \\\r\n  a AS pycds-app\r\nCMD ["x"]\n\nFROM pycds-app AS pycds-bake\n'), text)
})
