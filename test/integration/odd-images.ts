// SPDX-License-Identifier: Apache-2.0
// Images as builders write them and as people keep them, of every kind of place: what is unusual in one of them
// must not stop a bake, nor change.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { readTar } from '../../src/tar/index.js'
import { baked } from '../helpers/baked.js'
import { bakes, pycds, verifies } from '../helpers/cli.js'
import { docker, hasImage, imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { declareUnless } from '../helpers/repetition.js'
import {
  type ImageParts,
  loadArchive,
  takeApart,
  writeAsArchive,
  writeAsLayout,
} from '../helpers/rewritten.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'

const image = await ensureImage('minimal')
const withImage = image === undefined ? test.serial.skip : test.serial

const COMMAND = ['--', 'python3', '-c', 'import json']
const PLACES = ['engine', 'oci', 'docker-archive'] as const

let parts: ImageParts | undefined

async function partsOf(t: ExecutionContext): Promise<ImageParts> {
  t.timeout(DEADLINE_MS)
  parts ??= await takeApart(image ?? '', temporary(t))
  return parts
}

/** Puts the image with another configuration into a place; returns how it is called there. */
async function put(t: ExecutionContext, place: (typeof PLACES)[number], config: string): Promise<string> {
  const found = await partsOf(t)
  const directory = temporary(t)
  if (place === 'oci') return writeAsLayout(join(directory, 'layout'), found, config)
  const name = imageName(t)
  const archive = await writeAsArchive(join(directory, 'image.tar'), found, { config, name })
  if (place === 'docker-archive') return archive
  await loadArchive(archive)
  return name
}

/** The text of the configuration of what a bake made. */
async function configOf(t: ExecutionContext, output: string): Promise<string> {
  const directory = temporary(t)
  const [kind, path = ''] = output.split(':')
  if (kind === 'oci') {
    const read = (digest: string) => readFileSync(join(path, 'blobs', digest.replace(':', '/')), 'utf8')
    const { manifests } = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8'))
    return read(JSON.parse(read(manifests.at(-1).digest)).config.digest)
  }
  const file = kind === 'docker-archive' ? path : join(directory, 'baked.tar')
  if (kind !== 'docker-archive') await docker('save', '-o', file, output)
  const members = new Map<string, string>()
  await readTar(readFileSync(file), async (entry, body) => {
    if (entry.name.endsWith('.json')) members.set(entry.name, String(await body()))
  })
  const [item] = JSON.parse(members.get('manifest.json') ?? '[]')
  return members.get(item.Config) ?? ''
}

async function buildFrom(t: ExecutionContext, name: string, dockerfile: string): Promise<void> {
  const { code, stdout, stderr } = await run('docker', [
    'build',
    '-q',
    '-t',
    name,
    temporary(t, { Dockerfile: dockerfile }),
  ])
  if (code !== 0) throw new Error(stdout + stderr)
}

for (const place of PLACES) {
  for (const [what, created] of [
    ['the first second of the year 1', '0001-01-01T00:00:00Z'],
    ['before 1970, with an offset', '1969-12-31T23:59:59.999999999-00:30'],
    ['the last second of the year 9999', '9999-12-31T23:59:59Z'],
    ['no date at all', undefined],
  ] as const) {
    // Dates are read and written in one way; the ends of what there is are tried everywhere.
    const isBetween = !['0001-01-01T00:00:00Z', undefined].includes(created)
    const declare = declareUnless(place !== PLACES[0] && isBetween, withImage)
    declare(`${place}: an image made at ${what} is baked, and keeps that date`, async (t) => {
      const { config } = await partsOf(t)
      const text = JSON.stringify({ ...config, created })
      const name = place === 'engine' ? ['-t', imageName(t)] : []
      const { output } = await bakes(t, [await put(t, place, text), ...name, ...COMMAND])
      t.is(JSON.parse(await configOf(t, output?.reference ?? '')).created, created)
    })
  }
}

withImage('directories and sources from before 1970 are no obstacle', async (t) => {
  t.timeout(DEADLINE_MS)
  const name = imageName(t)
  const program = `import os
os.makedirs("/opt/pycds")
open("/old.py", "w").close()
for path in ["/opt/pycds", "/opt", "/old.py"]: os.utime(path, (-315619200, -315619200))`
  const run = JSON.stringify(['python3', '-c', program])
  await buildFrom(t, name, `FROM ${image}\nRUN ${run}\nWORKDIR /\n`)
  const { archive } = await bakes(t, [name, '-t', imageName(t), '--', 'python3', '-c', 'import old'])
  t.true(archive.modules > 0)
})

for (const place of PLACES) {
  withImage(`${place}: what a bake does not change keeps its bytes`, async (t) => {
    const { config } = await partsOf(t)
    // An interval of some months, in nanoseconds; fields that nobody here knows.
    const healthcheck = '{"Test":["NONE"],"Interval":9007199254740993}'
    const unknown = '{"float":1.0,"large":18446744073709551615,"twice":1,"twice":2,"escaped":"\\u00e9"}'
    const text = JSON.stringify({
      ...config,
      'x-unknown': 'X',
      config: { ...config.config, Healthcheck: 'H' },
    })
      .replace('"X"', unknown)
      .replace('"H"', healthcheck)
    const name = place === 'engine' ? ['-t', imageName(t)] : []
    const { output } = await bakes(t, [await put(t, place, text), ...name, ...COMMAND])
    const written = await configOf(t, output?.reference ?? '')
    t.true(written.includes(`"x-unknown":${unknown}`), written)
    t.true(written.includes(`"Healthcheck":${healthcheck}`), written)
  })
}

withImage(
  'a file in the place of the archive stays, and the image is refused before it is run',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const [built, name] = [imageName(t), imageName(t)]
    const program =
      'import os, shutil\nshutil.rmtree("/opt", ignore_errors=True)\nopen("/opt", "w").write("data")'
    await buildFrom(t, built, `FROM ${image}\nRUN ${JSON.stringify(['python3', '-c', program])}\n`)
    for (const words of [
      ['bake', built, '-t', name, ...COMMAND],
      ['prepare', built, '-t', name],
    ]) {
      const { code, stderr } = await pycds(words)
      t.is(code, 7, stderr)
      t.regex(stderr, /\/opt is no directory, and \/opt\/pycds is where the archive goes/)
      t.notRegex(stderr, /under import tracing/)
      t.false(await hasImage(name))
    }
  },
)

withImage(
  'an image without a shell and without any site directory is baked, and its modules are served',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const built = imageName(t)
    const program = `import os, shutil, site
for path in site.getsitepackages(): shutil.rmtree(path, ignore_errors=True)
for name in ["sh", "bash", "dash"]:
  for folder in ["/bin/", "/usr/bin/"]:
    if os.path.lexists(folder + name): os.remove(folder + name)
os.mkdir("/packages")
open("/packages/app.py", "w").write("import json, email.message, decimal")`
    const command = JSON.stringify(['python3', '-B', '-c', program])
    await buildFrom(
      t,
      built,
      `FROM ${image}\nUSER root\nRUN ${command}\nENV PYTHONPATH=/packages\nUSER 65532:65532\n` +
        'ENTRYPOINT ["python3"]\nCMD ["-m", "app"]\n',
    )
    const name = imageName(t)
    await bakes(t, [built, '-t', name])
    await verifies(t, name, 90)
  },
)

withImage(
  'names beyond ASCII are served, and get bytecode, in an image whose locale knows none',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const built = imageName(t)
    const program = `import os
os.makedirs("/packages/\\xfcber")
for name in ["__init__", "gr\\xf6\\xdfe", "sp\\xe4ter"]:
  open("/packages/\\xfcber/%s.py" % name, "w").write("V = 1")
open("/packages/app.py", "w").write("import sys, email.message, decimal; sys.stdout.reconfigure(errors='backslashreplace')\\n"
  "import \\xfcber.gr\\xf6\\xdfe as m; print(m.__name__, m.V)")`
    const command = JSON.stringify(['python3', '-B', '-X', 'utf8', '-c', program.replaceAll('\\\\', '\\')])
    await buildFrom(
      t,
      built,
      `FROM ${image}\nUSER root\nRUN ${command}\nENV PYTHONPATH=/packages LC_ALL=POSIX PYTHONCOERCECLOCALE=0 PYTHONUTF8=0\n` +
        'CMD ["python3", "-X", "utf8", "-B", "-m", "app"]\n',
    )
    const name = imageName(t)
    const { warnings, bytecode } = await bakes(t, [built, '-t', name])
    t.deepEqual(warnings, [])
    t.is(bytecode.files, 1)
    await verifies(t, name, 80)
  },
)

withImage('a health check that is a Python of its own is no Python that hides from the run', async (t) => {
  t.timeout(DEADLINE_MS)
  const name = imageName(t)
  const program = 'import socket; s = socket.create_server(("", 8000))\nwhile True: s.accept()[0].close()'
  const check = 'import socket; socket.create_connection(("127.0.0.1", 8000))'
  const [command, health] = [program, check].map((text) => JSON.stringify(['python3', '-c', text]))
  await buildFrom(t, name, `FROM ${image}\nHEALTHCHECK CMD ${health}\nCMD ${command}\n`)
  const { training, warnings } = await bakes(t, [name, '-t', imageName(t)])
  t.is(training.endedBy, 'health')
  t.deepEqual(warnings, [])
})

withImage('an image built on a baked one is baked, and nothing of the earlier bake is found', async (t) => {
  t.timeout(DEADLINE_MS)
  const { name: below } = await baked(image ?? '', ...COMMAND)
  const built = imageName(t)
  const program = 'import os, json, decimal; print(sorted(os.listdir("/opt/pycds")))'
  const command = JSON.stringify(['python3', '-c', program])
  // What a later bake does not write anew, as a snapshot is that only the earlier one has made.
  const old = JSON.stringify(['python3', '-c', 'open("/opt/pycds/app.snap", "w").close()'])
  await buildFrom(t, built, `FROM ${below}\nRUN ${old}\nCMD ${command}\n`)
  const name = imageName(t)
  const { warnings } = await bakes(t, [built, '-t', name])
  t.regex(warnings.join('\n'), /an earlier bake has left .* in a lower layer/)
  t.is(await docker('run', '--rm', '--network', 'none', name), "['app.cds', 'manifest.json']")
  // Compared with the image that it was baked from, and not with the one below that.
  const { original, scenarios } = await verifies(t, name, 80)
  t.is(original?.id, await docker('image', 'inspect', '--format', '{{.Id}}', built))
  t.is(scenarios[0]?.exitCode, 0)
})

withImage('a snapshot that a build has made is hidden and its launcher is not, and told once', async (t) => {
  t.timeout(DEADLINE_MS)
  const built = imageName(t)
  const make =
    'import os; os.makedirs("/opt/pycds"); [open("/opt/pycds/" + n, "w") for n in ("app.snap", "start")]'
  const program = 'import os, json; print(sorted(os.listdir("/opt/pycds")))'
  const [made, command] = [make, program].map((text) => JSON.stringify(['python3', '-c', text]))
  await buildFrom(t, built, `FROM ${image}\nRUN ${made}\nCMD ${command}\n`)
  const [once, twice] = [imageName(t), imageName(t)]
  const first = await bakes(t, [built, '-t', once])
  const lost = 'the snapshot that the build of this image has made is not in the new image'
  t.true(first.warnings.join('\n').includes(lost), first.warnings.join('\n'))
  const second = await bakes(t, [once, '-t', twice])
  t.deepEqual(second.warnings, [])
  // Its layer is taken off, and what it hid is not to be seen again.
  t.is(second.layer.diffId, first.layer.diffId)
  for (const name of [once, twice])
    t.is(await docker('run', '--rm', '--network', 'none', name), "['app.cds', 'manifest.json', 'start']")
})

withImage('oci: an image that says that it was baked, but has lost that layer, is baked', async (t) => {
  const { config } = await partsOf(t)
  const labels = {
    'io.pycds.layer': `sha256:${'0'.repeat(64)}`,
    'io.pycds.source': `sha256:${'1'.repeat(64)}`,
  }
  const text = JSON.stringify({ ...config, config: { ...config.config, Labels: labels } })
  const { output, warnings } = await bakes(t, [await put(t, 'oci', text), ...COMMAND])
  t.is(warnings.length, 1, warnings.join('\n'))
  const made = JSON.parse(await configOf(t, output?.reference ?? ''))
  t.is(made.rootfs.diff_ids.length, config.rootfs.diff_ids.length + 1)
  t.not(made.config.Labels['io.pycds.layer'], labels['io.pycds.layer'])
})

for (const test of ['["curl", "-f", "http://localhost/"]', 'curl -f http://localhost/ || exit 1']) {
  withImage(`HEALTHCHECK ${test} without curl: ports are waited for, and that is told`, async (t) => {
    t.timeout(DEADLINE_MS)
    const name = imageName(t)
    const program = 'import socket; s = socket.create_server(("", 8000))\nwhile True: s.accept()[0].close()'
    const command = JSON.stringify(['python3', '-c', program])
    const dockerfile = `FROM ${image}\nEXPOSE 8000\nHEALTHCHECK CMD ${test}\nCMD ${command}\n`
    await buildFrom(t, name, dockerfile)
    const { training, warnings } = await bakes(t, [name, '-t', imageName(t)])
    t.is(training.endedBy, 'port')
    t.regex(
      warnings.join('\n'),
      /^health: there is no curl in the image; the run waited for exit, port:8000 instead$/m,
    )
  })
}
