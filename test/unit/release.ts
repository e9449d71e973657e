// SPDX-License-Identifier: Apache-2.0
// What a release is made with, as far as that needs no registry: the workflows, and the scripts that they call.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { parse } from 'yaml'
import { PUBLISHED_AT, PUBLISHED_IMAGES, publishedImage, SYNTAX } from '../../src/util/published-images.js'
import { inRepository } from '../helpers/repository.js'
import { run } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'

interface Step {
  uses?: string
  run?: string
}

const WORKFLOWS = ['test.yml', 'release.yml']
const { version } = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { version: string }

function stepsOf(name: string): Step[] {
  const workflow = parse(readFileSync(inRepository(`.github/workflows/${name}`), 'utf8')) as {
    jobs: Record<string, { steps: Step[] }>
  }
  return Object.values(workflow.jobs).flatMap(({ steps }) => steps)
}

for (const name of WORKFLOWS) {
  test(`${name} calls scripts that exist, and actions of one commit`, (t) => {
    const steps = stepsOf(name)
    const scripts = steps.flatMap(({ run: text = '' }) => text.match(/\bscripts\/[\w./-]+/g) ?? [])
    t.true(scripts.length > 0)
    for (const path of scripts) t.true(existsSync(inRepository(path)), path)
    for (const { uses } of steps) if (uses !== undefined) t.regex(uses, /^[\w/-]+@[0-9a-f]{40}$/)
  })
}

test('a failure in a pipe ends a release', (t) => {
  const text = readFileSync(inRepository('.github/workflows/release.yml'), 'utf8')
  const { defaults } = parse(text) as { defaults?: { run?: { shell?: string } } }
  t.is(defaults?.run?.shell, 'bash')
})

test('there are no other workflows', (t) => {
  t.deepEqual(readdirSync(inRepository('.github/workflows')).sort(), [...WORKFLOWS].sort())
})

/** Runs a script of Node. */
function script(name: string, ...args: string[]) {
  return run(process.execPath, [inRepository(`scripts/${name}`), ...args])
}

test('the notes of a release are what the changelog says of it', async (t) => {
  const folder = temporary(t, {
    'CHANGELOG.md': `# Changelog\n\n## ${version} (2026-12-01)\n\n- One.\n- Two.\n\n## 0.0.1\n\n- Old.\n`,
  })
  const { code, stdout } = await script('release-notes.mjs', `v${version}`, join(folder, 'CHANGELOG.md'))
  t.is(code, 0)
  t.is(stdout, '- One.\n- Two.\n')
})

const isRefused = test.macro(async (t, wanted: string, changelog: string, reason: RegExp) => {
  const folder = temporary(t, { 'CHANGELOG.md': changelog })
  const { code, stdout, stderr } = await script('release-notes.mjs', wanted, join(folder, 'CHANGELOG.md'))
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, reason)
})
test(
  'no release of what is unreleased',
  isRefused,
  version,
  `## ${version} (unreleased)\n\n- One.\n`,
  /unreleased/,
)
test('no release without notes', isRefused, version, '## 0.0.1\n\n- Old.\n', /no section/)
test('no release with empty notes', isRefused, version, `## ${version}\n\n## 0.0.1\n\n- Old.\n`, /empty/)
test(
  'no release of another version than the package has',
  isRefused,
  'v77.0.0',
  '## 77.0.0\n\n- X.\n',
  /not 77/,
)

test('the SBOM has what is in the bundle, and nothing else', async (t) => {
  const { code, stdout, stderr } = await script('sbom.mjs')
  t.is(code, 0, stderr)
  const { bomFormat, components } = JSON.parse(stdout) as {
    bomFormat: string
    components: { group?: string; name: string; version: string }[]
  }
  t.is(bomFormat, 'CycloneDX')
  const names = components.map((one) => `${one.group ? `${one.group}/` : ''}${one.name} ${one.version}`)
  const notices = readFileSync(inRepository('dist/NOTICES.txt'), 'utf8')
  for (const name of names) t.true(notices.includes(`\n${name} (`), name)
  for (const name of ['dockerode', 'yaml', '@oclif/core'])
    t.true(
      names.some((one) => one.startsWith(`${name} `)),
      name,
    )
  t.false(names.some((one) => one.startsWith('ava ')))
})

/** A folder with a script and what it is built on, beside others that only say what they were asked for. */
function withOthers(t: ExecutionContext, name: string, others: Readonly<Record<string, string>>): string {
  const root = temporary(t)
  mkdirSync(join(root, 'scripts'))
  for (const one of [name, 'lib.sh'])
    writeFileSync(join(root, 'scripts', one), readFileSync(inRepository(`scripts/${one}`)))
  for (const [one, text] of Object.entries(others))
    writeFileSync(join(root, 'scripts', one), text, { mode: 0o755 })
  return root
}

const PACKAGE =
  '#!/bin/sh\nmkdir -p "$1" && echo tarball >"$1/pycds-image.tgz" && echo "$1/pycds-image.tgz"\n'

test('the files of a release have checksums that hold, and the notes are no part of them', async (t) => {
  const notes = 'console.log("-", ...process.argv.slice(2))'
  const others = { 'package.sh': PACKAGE, 'sbom.mjs': 'console.log("{}")', 'release-notes.mjs': notes }
  const root = withOthers(t, 'release-files.sh', others)
  const directory = join(root, 'out')
  const words = [join(root, 'scripts/release-files.sh'), 'v1.2.3', directory, 'OTHER.md']
  const { code, stdout, stderr } = await run('bash', words)
  t.is(code, 0, stderr)
  const names = ['NOTES.md', 'SHA256SUMS', 'pycds-image.tgz', 'sbom.cdx.json']
  t.deepEqual(
    stdout.trim().split('\n'),
    names.map((name) => join(directory, name)),
  )
  t.is(readFileSync(join(directory, 'NOTES.md'), 'utf8'), '- v1.2.3 OTHER.md\n')
  const checked = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: directory })
  t.is(checked.code, 0, checked.stdout)
  t.deepEqual(checked.stdout.trim().split('\n').sort(), ['pycds-image.tgz: OK', 'sbom.cdx.json: OK'])
})

test('without notes nothing of a release is made', async (t) => {
  const others = { 'package.sh': PACKAGE, 'sbom.mjs': '', 'release-notes.mjs': 'process.exitCode = 1' }
  const root = withOthers(t, 'release-files.sh', others)
  const { code } = await run('bash', [join(root, 'scripts/release-files.sh'), '1.2.3', join(root, 'out')])
  t.not(code, 0)
  t.false(existsSync(join(root, 'out')))
})

test('both images are pushed for both processors, and signed by digest', async (t) => {
  const digest = `sha256:${'7'.repeat(64)}`
  const root = temporary(t)
  const [scripts, bin, log] = [join(root, 'scripts'), join(root, 'bin'), join(root, 'log')]
  for (const folder of [scripts, bin]) mkdirSync(folder)
  for (const name of ['release-images.sh', 'lib.sh'])
    writeFileSync(join(scripts, name), readFileSync(inRepository(`scripts/${name}`)))
  const programs = {
    [join(scripts, 'frontend-image.sh')]: 'exit 0',
    [join(bin, 'docker')]: `echo docker "$@" >>"${log}"
while [ "$1" != --metadata-file ]; do shift; done
printf '{"containerimage.digest":"${digest}"}' >"$2"`,
    [join(bin, 'cosign')]: `echo cosign "$@" >>"${log}"`,
  }
  for (const [path, text] of Object.entries(programs)) {
    writeFileSync(path, `#!/bin/sh\n${text}\n`)
    chmodSync(path, 0o755)
  }
  const { code, stdout, stderr } = await run(
    'bash',
    [join(scripts, 'release-images.sh'), 'registry.example.com/x/', 'v1.2.3'],
    { env: { PATH: `${bin}:${process.env.PATH}` } },
  )
  t.is(code, 0, stderr)
  const calls = readFileSync(log, 'utf8').trim().split('\n')
  const images = Object.values(PUBLISHED_IMAGES).map((name) => `registry.example.com/x/${name}`)
  t.deepEqual(
    stdout.trim().split('\n'),
    images.map((name) => `- \`${name}:1.2.3@${digest}\``),
  )
  t.is(calls.length, 4)
  for (const [index, name] of images.entries()) {
    const [push = '', sign = ''] = calls.slice(index * 2)
    t.true(push.includes('--platform linux/amd64,linux/arm64') && push.includes('--push'), push)
    t.true(push.includes(`--tag ${name}:1.2.3 --tag ${name}:latest`), push)
    t.true(sign.startsWith('cosign sign') && sign.endsWith(`${name}@${digest}`), sign)
  }
})

test('a mirror takes the place of where images are published', (t) => {
  t.is(publishedImage('tool'), 'docker.io/pycds/pycds-image')
  t.is(publishedImage('tool', ''), 'docker.io/pycds/pycds-image')
  t.is(publishedImage('tool', 'ghcr.io/owner'), 'ghcr.io/owner/pycds-image')
  t.is(publishedImage('frontend', 'mirror.example.com:5000/a/'), 'mirror.example.com:5000/a/frontend')
  t.is(SYNTAX, 'pycds/frontend')
})

/** As a Dockerfile for Docker has it. */
const short = (kind: keyof typeof PUBLISHED_IMAGES) => publishedImage(kind).replace('docker.io/', '')

test('documents and scripts use the names of published images', (t) => {
  const pages = readdirSync(inRepository('docs')).filter((name) => name.endsWith('.md'))
  const texts = ['README.md', ...pages.map((name) => `docs/${name}`)].map((path) => ({
    path,
    text: readFileSync(inRepository(path), 'utf8'),
  }))
  let count = 0
  for (const { path, text } of texts) {
    for (const [, name = ''] of text.matchAll(/(?:--mount=from=|COPY --from=)([\w./-]+)/g)) {
      // A stage of the same Dockerfile.
      if (text.includes(` AS ${name}\n`)) continue
      t.is(name, short('tool'), path)
      count++
    }
    for (const [, name = ''] of text.matchAll(/# syntax=(\S+?)[`\s\\]/g)) {
      t.true(name.endsWith(`/${PUBLISHED_IMAGES.frontend}`), `${path}: ${name}`)
      count++
    }
  }
  t.true(count > 5)
  const page = readFileSync(inRepository('docs/versioning.md'), 'utf8')
  const workflow = readFileSync(inRepository('.github/workflows/release.yml'), 'utf8')
  t.true(workflow.includes(`REGISTRY: ${PUBLISHED_AT}\n`))
  for (const kind of ['tool', 'frontend'] as const) {
    const name = PUBLISHED_IMAGES[kind]
    t.true(page.includes(`| \`${publishedImage(kind)}\` |`), kind)
    const text = readFileSync(inRepository(`scripts/${kind}-image.sh`), 'utf8')
    t.true(text.includes(`name=\${1:-${short(kind)}:latest}`), kind)
    t.true(
      readFileSync(inRepository(`dockerfiles/${kind}/Dockerfile`), 'utf8').includes(`title="${short(kind)}"`),
      kind,
    )
    t.true(
      readFileSync(inRepository('scripts/release-images.sh'), 'utf8').includes(`name=$registry/${name} `),
      kind,
    )
  }
})
