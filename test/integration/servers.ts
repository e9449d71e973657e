// SPDX-License-Identifier: Apache-2.0
// The servers that most people load Python into, as Debian packages them. What stands in for them otherwise is in
// embedded.ts.
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { VerifyResult } from '../../src/usecases/verify.js'
import { bakes, pycds, verifies } from '../helpers/cli.js'
import { docker, imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { temporary } from '../helpers/temporary.js'
import { TIER } from '../helpers/tier.js'

const DEADLINE_MS = 5 * 60_000

const base = TIER === 'all' ? await ensureImage('servers') : undefined
const here = base === undefined ? test.serial.skip : test.serial

const APPLICATION = `import email.message, json, xml.dom.minidom

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"answer": 42}).encode()]
`
const SITE = `Listen 8000
ServerName localhost
ErrorLog /dev/stderr
WSGIScriptAlias / /srv/app.py
WSGIDaemonProcess app processes=2 threads=2
WSGIProcessGroup app
WSGIApplicationGroup %{GLOBAL}
WSGIImportScript /srv/app.py process-group=app application-group=%{GLOBAL}
<Directory /srv>
Require all granted
</Directory>
`

const servers: Readonly<Record<string, readonly string[]>> = {
  uWSGI: [
    ...['/usr/bin/uwsgi-core', '--plugins-dir', '/usr/lib/uwsgi/plugins', '--plugin', 'python3'],
    ...[
      '--http-socket',
      ':8000',
      '--wsgi-file',
      '/srv/app.py',
      '--master',
      '--processes',
      '2',
      '--die-on-term',
    ],
  ],
  "Apache's mod_wsgi": ['apache2ctl', '-D', 'FOREGROUND'],
}

for (const [name, command] of Object.entries(servers)) {
  const built = (t: ExecutionContext) => build(t, command)

  here(`${name} is learned and served`, async (t) => {
    t.timeout(DEADLINE_MS)
    const image = await built(t)
    const baked = imageName(t)
    const { training, hitRate } = await bakes(t, [image, '-t', baked, '--min-hit-rate', '90'])
    t.is(training.endedBy, 'port')
    t.true((hitRate?.total ?? 0) > 50, JSON.stringify(hitRate))
    const answer = ['--probe', 'GET:8000/']
    const { scenarios } = await verifies(t, baked, 90, answer)
    t.true(scenarios[0]?.probes[0]?.ok)
  })

  here(
    `${name} whose modules were imported by name instead: it is said which Python they are for`,
    async (t) => {
      t.timeout(DEADLINE_MS)
      const image = await built(t)
      const baked = imageName(t)
      const imports = ['email.message', 'json', 'xml.dom.minidom'].flatMap((module) => ['--import', module])
      const { warnings, python } = await bakes(t, [image, '-t', baked, '--train', 'imports', ...imports])
      const warning = warnings.find((one) => one.includes('loads another build of Python as a plugin'))
      t.true(
        warning?.includes(`the archive is for ${python.library ?? python.executable}`),
        JSON.stringify([warnings, python]),
      )
      // It answers all the same, verify tells why it is not served, and a real start names the right Python.
      const probe = ['--probe', 'GET:8000/']
      const refused = await pycds(['verify', baked, '--json', '--min-hit-rate', '90', ...probe])
      t.is(refused.code, 5, refused.stdout)
      const [scenario] = (JSON.parse(refused.stdout) as VerifyResult).scenarios
      t.true(scenario?.reason?.includes('BUILD_MISMATCH'), refused.stdout)
      t.true(scenario?.probes[0]?.ok, refused.stdout)
      const trace = join(temporary(t), 'trace.json')
      const traced = await pycds(['trace', image, '-o', trace])
      t.is(traced.code, 0, traced.stderr)
      await bakes(t, [image, '-t', baked, '--train', 'none', '--trace-in', trace])
      await verifies(t, baked, 90, probe)
    },
  )
}

/** Builds an image that is started by this command. */
async function build(t: ExecutionContext, command: readonly string[]): Promise<string> {
  const directory = temporary(t, {
    'app.py': APPLICATION,
    'site.conf': SITE,
    Dockerfile: `FROM ${base}
COPY app.py /srv/app.py
COPY site.conf /etc/apache2/conf-enabled/app.conf
EXPOSE 8000
CMD ${JSON.stringify(command)}
`,
  })
  const image = imageName(t)
  await docker('build', '--quiet', '--network', 'none', '-t', image, directory)
  return image
}
