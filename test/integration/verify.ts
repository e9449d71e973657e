// SPDX-License-Identifier: Apache-2.0
// What verify says of an application that does not start, or starts in another way than before.
import { chmodSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import type { VerifyResult } from '../../src/usecases/verify.js'
import { bakedAnew } from '../helpers/baked.js'
import { pycds } from '../helpers/cli.js'
import { docker, imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { schemaErrors } from '../helpers/schemas.js'
import { temporary } from '../helpers/temporary.js'

const base = await ensureImage('minimal')
const withImage = base === undefined ? test.skip : test

/** Builds an image of these files, bakes it, and gives the new name. */
async function baked(
  t: ExecutionContext,
  program: string,
  instructions: readonly string[] = [],
  options: readonly string[] = [],
): Promise<string> {
  t.timeout(10 * 60_000)
  const dockerfile = [`FROM ${base}`, 'COPY app.py /srv/app.py', 'WORKDIR /srv', ...instructions]
  const directory = temporary(t, { 'app.py': program, Dockerfile: `${dockerfile.join('\n')}\n` })
  const image = imageName(t)
  await docker('build', '--quiet', '--network', 'none', '-t', image, directory)
  return (await bakedAnew(t, image, ...options)).name
}

async function verify(t: ExecutionContext, name: string, ...options: string[]) {
  const { code, stdout, stderr } = await pycds(['verify', name, '--json', ...options])
  const result = JSON.parse(stdout) as VerifyResult
  t.deepEqual(schemaErrors('verify', result), [], stdout)
  return { code, result, reasons: result.scenarios.map(({ reason }) => reason ?? ''), stderr }
}

const START = 'CMD ["python3", "app.py"]'

withImage('an application that crashes for want of something fails, until it is given that', async (t) => {
  const program = 'import json, os, email.message\nprint(os.environ["DATABASE"], open("/data/x").read())\n'
  const name = await baked(t, program, [START], ['--on-train-failure', 'keep'])
  const without = await verify(t, name)
  t.is(without.code, 5)
  t.regex(
    without.reasons[0] ?? '',
    /exit code 1 \(KeyError: 'DATABASE'\), with the archive and without: .*--train-env/,
  )
  t.like(without.result.scenarios[0], { endedBy: 'exit', exitCode: 1, original: { exitCode: 1 } })
  const data = temporary(t, { x: 'x' })
  chmodSync(data, 0o755)
  const given = await verify(t, name, '--train-env', 'DATABASE=here', '--mount', `${data}:/data:ro`)
  t.is(given.code, 0, given.reasons.join('; '))
  t.false(JSON.stringify(given.result).includes('here'))
})

withImage(
  'what a user may not list or read is imported by nobody else than before, also from a directory that is missing',
  async (t) => {
    const program = `import json, os, sys
sys.path.insert(0, '/closed')
found = []
for name in ('listed', 'secret'):
    try: found.append(__import__(name).VALUE)
    except (ImportError, PermissionError) as error: found.append(type(error).__name__)
print(found, flush=True)
`
    // Root may list and read all of it, and so does the training run.
    const close = `import os
os.mkdir('/closed', 0o711)
for name, mode in (('listed', 0o644), ('secret', 0o600)):
    open(f'/closed/{name}.py', 'w').write('VALUE = 1')
    os.chmod(f'/closed/{name}.py', mode)
os.rmdir('/gone')
`
    const instructions = [
      ...['USER root', 'WORKDIR /gone', `RUN ${JSON.stringify(['python3', '-c', close])}`],
      'CMD ["python3", "/srv/app.py"]',
    ]
    const name = await baked(t, program, instructions)
    const { code, reasons, result } = await verify(t, name)
    t.is(code, 0, reasons.join('; '))
    const [own, other] = result.scenarios
    t.is((own?.served ?? 0) - (other?.served ?? 0), 2)
    const started = async (...options: string[]) =>
      (await docker('run', '--rm', '--network', 'none', ...options, name)).trim()
    t.is(await started(), '[1, 1]')
    const plain = await started('--user', '12345', '--env', 'PYCDS=off')
    t.is(plain, "['ModuleNotFoundError', 'ModuleNotFoundError']")
    t.is(await started('--user', '12345'), plain)
  },
)

withImage(
  'a program that another user may not execute ends alike, with the archive and without',
  async (t) => {
    const text = '#!/usr/bin/python3\nimport json, email.message\n'
    const chmod = JSON.stringify(['python3', '-c', 'import os; os.chmod("/srv/app.py", 0o744)'])
    const name = await baked(t, text, ['USER root', `RUN ${chmod}`, 'CMD ["/srv/app.py"]'])
    const { code, result, reasons } = await verify(t, name)
    t.is(code, 0, reasons.join('; '))
    t.like(result.scenarios[1], { ok: true, endedBy: null, exitCode: null })
  },
)

withImage('a runtime is heard whose program writes its errors to the other output', async (t) => {
  const command = 'CMD ["sh", "-c", "exec python3 app.py 2>&1"]'
  const { code, reasons } = await verify(t, await baked(t, 'import json, email.message\n', [command]))
  t.is(code, 0, reasons.join('; '))
})

withImage('an end that is another one with the archive fails', async (t) => {
  // Nothing a bake does changes an exit code: the program looks for the runtime itself.
  const program = 'import json, sys, email.message\nsys.exit(3 if "_pycds" in sys.modules else 0)\n'
  const { code, reasons } = await verify(t, await baked(t, program, [START]))
  t.is(code, 5)
  for (const reason of reasons) t.regex(reason, /exit code 3; without the archive it ends with exit code 0/)
})

withImage('an end that the original only comes to later is the same end', async (t) => {
  const program = `import json, os, sys, time, email.message
if os.getuid() != 0:
    if "_pycds" not in sys.modules:
        time.sleep(6)
    sys.exit(1)
`
  const { code, result, reasons } = await verify(t, await baked(t, program, [START]))
  t.is(code, 0, reasons.join('; '))
  t.like(result.scenarios[1], { exitCode: 1, original: { endedBy: 'exit', exitCode: 1 } })
})

withImage('health that is only there without the archive, and a probe that fails, are told', async (t) => {
  const program = `import http.server, sys, email.message
healthy = "_pycds" not in sys.modules
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if healthy or self.path != "/health" else 500)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
`
  const check = `import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health')`
  const health = `HEALTHCHECK CMD ["python3", "-S", "-c", "${check}"]`
  const name = await baked(t, program, [START, health])
  const { code, result, reasons } = await verify(t, name)
  t.is(code, 5)
  t.regex(reasons[0] ?? '', /it fell quiet before health, which it reaches without the archive/)
  t.like(result.scenarios[0], { endedBy: 'quiet', original: { endedBy: 'health' } })
  const probed = await verify(
    t,
    name,
    '--ready',
    'port:8000',
    '--probe',
    'GET:8000/',
    '--probe',
    'GET:8000/health',
  )
  t.is(probed.code, 5)
  t.regex(
    probed.reasons[0] ?? '',
    /probe GET:8000\/health failed: HTTP\/1\.0 500.*; without the archive it runs \(port\)/,
  )
})
