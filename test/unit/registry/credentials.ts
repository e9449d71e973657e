// SPDX-License-Identifier: Apache-2.0
// Which credentials are used, by the files of other clients, and that what goes wrong with them is told without them.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { findCredentials } from '../../../src/registry/credentials.js'
import { parseRepository } from '../../../src/registry/name.js'
import { temporary } from '../../helpers/temporary.js'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const password = (text: string) => ({ auth: base64(text) })

/** A home directory with files of JSON in it. */
function home(t: ExecutionContext, files: Readonly<Record<string, unknown>>): NodeJS.ProcessEnv {
  const directory = temporary(t)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return { HOME: directory, PATH: `${directory}/bin:${process.env.PATH}` }
}

/** A credential helper that runs a shell script. */
function helper(env: NodeJS.ProcessEnv, name: string, script: string): void {
  const path = join(env.HOME ?? '', 'bin', `docker-credential-${name}`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
}

test('who waits for a pipe without a writer, or for a helper, can be interrupted', async (t) => {
  const pipe = join(temporary(t), 'pipe')
  execFileSync('mkfifo', [pipe])
  const asking = home(t, { [DOCKER]: { credsStore: 'slow' } })
  helper(asking, 'slow', 'exec sleep 600')
  for (const env of [{ REGISTRY_AUTH_FILE: pipe }, asking]) {
    const controller = new AbortController()
    const reason = new Error('interrupted')
    const found = findCredentials(parseRepository('registry.example:5000/team/app'), env, controller.signal)
    const before = performance.now()
    controller.abort(reason)
    t.is(await t.throwsAsync(found), reason)
    t.true(performance.now() - before < 9000)
  }
})

const find = async (env: NodeJS.ProcessEnv, repository = 'registry.example:5000/team/app') => {
  const found = await findCredentials(parseRepository(repository), env)
  if (found === undefined) return undefined
  return found.kind === 'password' ? `${found.username}:${found.password}` : `${found.kind} ${found.token}`
}

const finds = test.macro(
  async (
    t: ExecutionContext,
    files: Record<string, unknown>,
    expected: string | undefined,
    repository?: string,
  ) => {
    t.is(await find(home(t, files), repository), expected)
  },
)
const auths = (key: string, entry: object) => ({ auths: { [key]: entry } })
const DOCKER = '.docker/config.json'
const PODMAN = '.config/containers/auth.json'

test('no file', finds, {}, undefined)
test('a file of Docker', finds, { [DOCKER]: auths('registry.example:5000', password('u:p:w')) }, 'u:p:w')
test(
  'a key that is an address',
  finds,
  { [DOCKER]: auths('https://registry.example:5000/v1/', password('u:p')) },
  'u:p',
)
test('another registry', finds, { [DOCKER]: auths('registry.example', password('u:p')) }, undefined)
test(
  'a name and a password apart',
  finds,
  { [DOCKER]: auths('registry.example:5000', { username: 'u', password: 'p' }) },
  'u:p',
)
test(
  'an identity token',
  finds,
  { [DOCKER]: auths('registry.example:5000', { ...password('u:p'), identitytoken: 'i' }) },
  'identity i',
)
test(
  'a token for the registry',
  finds,
  { [DOCKER]: auths('registry.example:5000', { registrytoken: 'r' }) },
  'bearer r',
)
test('a file of Podman', finds, { [PODMAN]: auths('registry.example:5000', password('u:p')) }, 'u:p')
test(
  'the longest part of a name',
  finds,
  {
    [PODMAN]: {
      auths: { 'registry.example:5000': password('a:1'), 'registry.example:5000/team': password('b:2') },
    },
  },
  'b:2',
)
test(
  "Podman's file before Docker's",
  finds,
  {
    [PODMAN]: auths('registry.example:5000', password('a:1')),
    [DOCKER]: auths('registry.example:5000', password('b:2')),
  },
  'a:1',
)
test(
  'Docker Hub by its old address',
  finds,
  { [DOCKER]: auths('https://index.docker.io/v1/', password('u:p')) },
  'u:p',
  'docker.io/library/python',
)

test('the environment comes before all files, and a file that is named is meant alone', async (t) => {
  const env = home(t, {
    [DOCKER]: auths('registry.example:5000', password('home:1')),
    'other/config.json': auths('registry.example:5000', password('config:1')),
    'named.json': auths('elsewhere.example', password('named:1')),
  })
  t.is(await find({ ...env, DOCKER_CONFIG: join(env.HOME ?? '', 'other') }), 'config:1')
  t.is(await find({ ...env, REGISTRY_AUTH_FILE: join(env.HOME ?? '', 'named.json') }), undefined)
  const ci = JSON.stringify(auths('registry.example:5000', password('ci:1')))
  t.is(await find({ ...env, DOCKER_AUTH_CONFIG: ci }), 'ci:1')
})

test('helpers for one registry come before the one for all, and that before the file itself', async (t) => {
  const config = (o: object) => ({
    [DOCKER]: { ...auths('registry.example:5000', password('file:1')), ...o },
  })
  const script = (name: string) => `read server; echo '{"Username":"${name}","Secret":"'"$server"'"}'`
  const both = home(t, config({ credHelpers: { 'registry.example:5000': 'one' }, credsStore: 'all' }))
  helper(both, 'one', script('one'))
  helper(both, 'all', script('all'))
  t.is(await find(both), 'one:registry.example:5000')
  const all = home(t, config({ credHelpers: { 'elsewhere.example': 'one' }, credsStore: 'all' }))
  helper(all, 'all', script('all'))
  t.is(await find(all), 'all:registry.example:5000')
  const nothing = home(t, config({ credsStore: 'all' }))
  helper(nothing, 'all', 'echo "credentials not found in native keychain"; exit 1')
  t.is(await find(nothing), 'file:1')
  const token = home(t, config({ credsStore: 'all' }))
  helper(token, 'all', script('<token>'))
  t.is(await find(token), 'identity registry.example:5000')
})

const fails = test.macro(async (t: ExecutionContext, script: string | undefined) => {
  const env = home(t, { [DOCKER]: { credHelpers: { 'registry.example:5000': 'broken' } } })
  if (script !== undefined) helper(env, 'broken', script)
  const error = await t.throwsAsync(find(env), { code: 'REGISTRY_REFUSED' })
  t.regex(error?.message ?? '', /docker-credential-broken for registry\.example:5000/)
  t.notRegex(`${error?.message}${String(error?.cause)}`, /canary/)
})
test('a helper that is missing is named', fails, undefined)
test(
  'a helper that fails is named, without what it says',
  fails,
  'echo secret-canary; echo canary >&2; exit 3',
)
test('a helper that answers something else is named, without that', fails, 'echo secret-canary')

test('a file that is no JSON is told, without what is in it', async (t) => {
  const error = await t.throwsAsync(find(home(t, { [DOCKER]: 'secret-canary' })), { code: 'USAGE' })
  t.notRegex(`${error?.message}${String(error?.cause)}`, /canary/)
  await t.throwsAsync(find({ REGISTRY_AUTH_FILE: '/no/such/file' }), { code: 'USAGE' })
})

test('a helper that leaves a process behind has answered all the same', async (t) => {
  const env = home(t, { [DOCKER]: { credsStore: 'agent' } })
  helper(env, 'agent', `sleep 90 & echo '{"Username":"u","Secret":"s"}'`)
  const before = performance.now()
  t.is(await find(env), 'u:s')
  t.true(performance.now() - before < 60_000)
})
