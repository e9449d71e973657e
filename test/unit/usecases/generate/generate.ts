// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { SnapshotOptions } from '../../../../src/artifact/snapshot/options.js'
import type { ImageStore } from '../../../../src/ports/index.js'
import { generate } from '../../../../src/usecases/generate/generate.js'
import type { Builder } from '../../../../src/usecases/generate/instructions.js'

const LAUNCHED: SnapshotOptions = { cpu: 'native', include: ['shop.*'], exclude: [], launch: 'entrypoint' }

async function generated(
  t: ExecutionContext,
  text: string,
  builder: Builder = 'buildkit',
  more: { snapshot?: SnapshotOptions; command?: string[] } = {},
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pycds-generate-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const subject = join(folder, 'Dockerfile')
  writeFileSync(subject, text)
  // The store is only for images.
  const { dockerfile } = await generate(
    { subject, builder, tool: 'tool', ...more },
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

test('a step is told how the stage says that it is up, since a build does not know', async (t) => {
  const ports = 'FROM a AS base\nEXPOSE 8080 53/udp\nFROM base\nEXPOSE 443/tcp $PORT\nCMD ["x"]\n'
  const byPort = ['--ready', 'exit', '--ready', 'port:443', '--ready', 'port:8080', '--ready', 'quiet:10s']
  t.is(await generated(t, ports), `${ports}${step(...byPort, '--', 'x')}\n`)

  const check = `python -c 'import app; app.check("a b")'`
  const health = `FROM a\nEXPOSE 80\nHEALTHCHECK --interval=5s --retries=2 \\\n  CMD ${check}\nCMD ["x"]\n`
  const quoted = `cmd:/bin/sh -c ${"'"}${check.replaceAll("'", "'\\''")}${"'"}`
  const byHealth = ['--ready', 'exit', '--ready', quoted, '--ready', 'quiet:30s']
  t.is(await generated(t, health), `${health}${step(...byHealth, '--', 'x')}\n`)

  const list = 'FROM a\nHEALTHCHECK CMD ["curl", "-f", "http://localhost/a b"]\nCMD ["x"]\n'
  const byList = ['--ready', 'exit', '--ready', "cmd:curl -f 'http://localhost/a b'", '--ready', 'quiet:30s']
  t.is(await generated(t, list), `${list}${step(...byList, '--', 'x')}\n`)

  const none = 'FROM a AS b\nHEALTHCHECK CMD true\nFROM b\nHEALTHCHECK NONE\nCMD ["x"]\n'
  t.is(await generated(t, none), `${none}${step('--', 'x')}\n`)
})

test('so it is with an image', async (t) => {
  const config = { config: { Cmd: ['x'], ExposedPorts: { '8000/tcp': {} } } }
  const store = { resolve: async () => ({ config }) } as unknown as ImageStore
  const { added } = await generate(
    {
      subject: 'app',
      builder: 'buildkit',
      tool: 'tool',
      snapshot: { ...LAUNCHED, include: [], launch: 'hook' },
    },
    { store },
  )
  const told = ['--ready', 'exit', '--ready', 'port:8000', '--ready', 'quiet:10s']
  t.deepEqual(added, [step('--snapshot', '--snapshot-cpu', 'native', ...told, '--', 'x')])
})

const ASKED = [
  '--snapshot',
  '--snapshot-cpu',
  'native',
  '--snapshot-include',
  'shop.*',
  '--snapshot-launch',
  'entrypoint',
]

test('an entrypoint that is to go on at once is written, with the command that it would take back', async (t) => {
  const own = 'FROM a\nENTRYPOINT ["python3"]\nCMD ["app.py", "a b"]\n'
  t.is(
    await generated(t, own, 'buildkit', { snapshot: LAUNCHED }),
    `${own}${step(...ASKED, '--', 'python3', 'app.py', 'a b')}\nENTRYPOINT ["/opt/pycds/start","python3"]\nCMD ["app.py","a b"]\n`,
  )
  const none = 'FROM a\nENTRYPOINT []\nCMD ["gunicorn", "app"]\n'
  const classic = await generated(t, none, 'classic', { snapshot: LAUNCHED })
  const end =
    'COPY --from=pycds-bake /pycds-out/ /\nENTRYPOINT ["/opt/pycds/start"]\nCMD ["gunicorn","app"]\n'
  t.true(classic.endsWith(end), classic)

  const tool = 'FROM a\nENTRYPOINT ["tool"]\n'
  t.is(
    await generated(t, tool, 'buildkit', { snapshot: LAUNCHED, command: ['tool', '--version'] }),
    `${tool}${step(...ASKED, '--', 'tool', '--version')}\nENTRYPOINT ["/opt/pycds/start","tool"]\n`,
  )

  const config = { config: { Entrypoint: ['/opt/pycds/start', 'python3'], Cmd: ['app.py'] } }
  const store = { resolve: async () => ({ config }) } as unknown as ImageStore
  const image = { subject: 'app', builder: 'buildkit', tool: 'tool', snapshot: LAUNCHED } as const
  const { added } = await generate(image, { store })
  t.deepEqual(added.slice(1), ['ENTRYPOINT ["/opt/pycds/start","python3"]', 'CMD ["app.py"]'])
})

test('where an entrypoint cannot go on at once, or is not known, that is said', async (t) => {
  const refused = async (text: string, command?: string[]) => {
    const more = { snapshot: LAUNCHED, ...(command && { command }) }
    const { message = '' } = (await t.throwsAsync(generated(t, text, 'buildkit', more))) ?? {}
    return message.replace(/^.*Dockerfile: --snapshot-launch entrypoint: /, '')
  }
  t.regex(await refused('FROM a\nCMD ["python3", "app.py"]\n'), /^the Dockerfile has no ENTRYPOINT, and/)
  t.regex(await refused('FROM a\nENTRYPOINT []\nCMD python3 app.py\n'), /^a shell is started first/)
  t.regex(
    await refused('FROM a\nSHELL ["bash", "-o", "pipefail", "-c"]\nENTRYPOINT python3 app.py\n'),
    /^a shell/,
  )
  for (const entrypoint of ['["python3", "app.py"]', '[]'])
    t.regex(await refused(`FROM a\nENTRYPOINT ${entrypoint}\n`, ['python3', 'b']), /of another command than/)
})
