// SPDX-License-Identifier: Apache-2.0
// What only a start makes: a bake leaves the image without it, so that each start can make it as before.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { lastLayer } from '../helpers/builds.js'
import { bakes, pycds } from '../helpers/cli.js'
import { imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { declareUnless } from '../helpers/repetition.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'

const image = await ensureImage('small')
const withImage = image === undefined ? test.serial.skip : test.serial

const PROGRAM = 'import json, email.message, decimal; print("ok")'

async function built(
  t: ExecutionContext,
  files: Record<string, string>,
  ...lines: string[]
): Promise<string> {
  t.timeout(DEADLINE_MS)
  const name = imageName(t)
  const copied = Object.keys(files).map((file) => `COPY ${file} /\n`)
  const Dockerfile = `FROM ${image}\n${copied.join('')}${lines.join('\n')}\n`
  const { code, stdout, stderr } = await run('docker', [
    'build',
    '-q',
    '-t',
    name,
    temporary(t, { ...files, Dockerfile }),
  ])
  t.is(code, 0, stdout + stderr)
  return name
}

/** What a bake has put below a directory of the image. */
async function added(t: ExecutionContext, name: string, below: string): Promise<string[]> {
  return [...(await lastLayer(t, name)).keys()].filter((path) => path.startsWith(below))
}

for (const [what, script] of [
  [
    'unless its directory is there',
    `[ -d /srv/env ] || python3 -m venv --without-pip /srv/env\nexec /srv/env/bin/python -c '${PROGRAM}'`,
  ],
  [
    'in a directory that must not be there',
    `set -e; mkdir /srv/env; python3 -m venv --without-pip /srv/env\nexec /srv/env/bin/python -c '${PROGRAM}'`,
  ],
  [
    'under another name, which it then changes',
    `set -e; python3 -m venv --without-pip /srv/new; mv /srv/new /srv/env\nexec /srv/env/bin/python -c '${PROGRAM}'`,
  ],
] as const) {
  // Whoever must not find the directory minds it more than who looks first.
  const declare = declareUnless(what === 'unless its directory is there', withImage)
  declare(`an entrypoint that makes its virtual environment ${what} goes on to do so`, async (t) => {
    const name = await built(t, { 'start.sh': script }, 'CMD ["sh", "/start.sh"]')
    const output = imageName(t)
    const { warnings } = await bakes(t, [name, '-t', output])
    t.true(
      warnings.some((text) => /\/srv\/env is not in the image, a start makes it/.test(text)),
      warnings.join(),
    )
    t.deepEqual(await added(t, output, 'srv/'), [])
    const { code, stdout, stderr } = await run('docker', ['run', '--rm', '--network', 'none', output])
    t.deepEqual([code, stdout], [0, 'ok\n'], stderr)
    const trace = join(temporary(t), 'trace.json')
    const recorded = await pycds(['trace', name, '-o', trace])
    t.is(recorded.code, 0, recorded.stderr)
    t.notRegex(readFileSync(trace, 'utf8'), /\/srv\/(env|new)/)
  })
}

withImage(
  'a program that copies its interpreter into an environment is baked for the one in the image',
  async (t) => {
    const script = `import os, subprocess, sys, venv
if not os.path.exists("/srv/env"): venv.create("/srv/env", with_pip=False, symlinks=False)
sys.exit(subprocess.call(["/srv/env/bin/python", "-c", ${JSON.stringify(`import http.client; ${PROGRAM}`)}]))`
    const name = await built(t, { 'app.py': script }, 'CMD ["python3", "/app.py"]')
    const output = imageName(t)
    const { python } = await bakes(t, [name, '-t', output])
    t.regex(python.executable, /^\/usr\/bin\/python3/)
    t.deepEqual(await added(t, output, 'work'), [])
    const { code, stdout, stderr } = await run('docker', ['run', '--rm', '--network', 'none', output])
    t.deepEqual([code, stdout], [0, 'ok\n'], stderr)
  },
)

withImage('a directory for bytecode that the image does not have is left to the start', async (t) => {
  const files = [
    'ENV PYTHONPYCACHEPREFIX=/cache',
    'RUN mkdir -p /app/pkg && touch /app/pkg/own.py /app/pkg/other.py',
  ]
  const command = 'CMD ["sh", "-c", "mkdir /cache && cd /app && python3 -c \'import json, pkg.own\'"]'
  const name = await built(t, {}, ...files, command)
  const output = imageName(t)
  await bakes(t, [name, '-t', output, '--pyc', 'all'])
  t.deepEqual(await added(t, output, 'cache'), [])
  const { code, stderr } = await run('docker', ['run', '--rm', '--network', 'none', output])
  t.is(code, 0, stderr)
})
