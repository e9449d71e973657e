// SPDX-License-Identifier: Apache-2.0
// What --provenance and --sbom say of an image in a registry, as other programs read it: cosign, which signs it with a key,
// and buildx.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { MEDIA_TYPES } from '../../src/image/index.js'
import { bakes } from '../helpers/cli.js'
import { pushImage, startDockerRegistry } from '../helpers/docker-registry.js'
import { cosign, ensureImage } from '../helpers/images.js'
import { DEADLINE_MS, has, run } from '../helpers/run.js'
import { sideProgram } from '../helpers/side-engine.js'
import { temporary } from '../helpers/temporary.js'

const image = await ensureImage('minimal')
const hasTools = (await has('docker-registry')) && (await has('skopeo'))
const signer = hasTools && image !== undefined ? await cosign() : undefined
const buildx = await sideProgram('docker-buildx').catch(() => undefined)
const withCosign = (await isUsable(signer)) ? test.serial : test.serial.skip
const withBuildx =
  hasTools && image !== undefined && (await isUsable(buildx)) ? test.serial : test.serial.skip
const PLATFORM = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }

/** Programs of another release may need a newer C library than this machine has. */
async function isUsable(program: string | undefined): Promise<boolean> {
  return program !== undefined && (await run(program, ['version'])).code === 0
}

/** Bakes with both documents, which are read: that of the provenance is a statement, that of the files is not. */
async function bakesWithDocuments(t: ExecutionContext, source: string, ...args: string[]) {
  const folder = temporary(t)
  const [provenance, sbom] = [join(folder, 'provenance.json'), join(folder, 'sbom.json')]
  const result = await bakes(t, [source, ...args, '--provenance', provenance, '--sbom', sbom])
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
  return { result, provenance: read(provenance), sbom: read(sbom), folder }
}

withCosign('cosign lists what is attached, and signs and verifies both documents', async (t) => {
  t.timeout(DEADLINE_MS)
  const { host } = await startDockerRegistry(t)
  await pushImage(image ?? '', `${host}/team/api:1`)
  const made = await bakesWithDocuments(t, `registry:${host}/team/api:1`)
  const digest = made.result.output?.manifestDigest ?? ''
  const name = `${host}/team/api@${digest}`
  const env = { COSIGN_PASSWORD: 'x', DOCKER_CONFIG: made.folder }
  const runCosign = async (args: readonly string[], input = '') => {
    const { code, stdout, stderr } = await run(signer ?? '', args, { env, cwd: made.folder, input })
    t.is(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }
  t.regex(await runCosign(['tree', name]), /application\/vnd\.docker\.attestation\.manifest\.v1\+json/)

  await runCosign(['generate-key-pair'])
  const documents = { spdxjson: made.sbom, slsaprovenance1: made.provenance.predicate }
  for (const [type, predicate] of Object.entries(documents)) {
    const offline = ['--tlog-upload=false', '--use-signing-config=false', '--yes']
    const attest = ['attest', '--key', 'cosign.key', '--type', type, '--predicate', '-', ...offline, name]
    await runCosign(attest, JSON.stringify(predicate))
    const verify = ['verify-attestation', '--key', 'cosign.pub', '--insecure-ignore-tlog', '--type', type]
    const { payload } = JSON.parse(await runCosign([...verify, name]))
    const statement = JSON.parse(String(Buffer.from(payload, 'base64')))
    t.true(isDeepStrictEqual(statement.predicate, predicate), type)
    t.is(`sha256:${statement.subject[0].digest.sha256}`, digest)
  }
})

withBuildx('docker buildx imagetools shows both documents of an image in an index', async (t) => {
  t.timeout(DEADLINE_MS)
  const { host } = await startDockerRegistry(t)
  await pushImage(image ?? '', `${host}/team/api:1`)
  await putIndex(t, `http://${host}/v2/team/api/manifests`)
  const source = `registry:${host}/team/api:index`
  const platform = `${PLATFORM.os}/${PLATFORM.architecture}`
  const made = await bakesWithDocuments(t, source, '--platform', platform)
  const show = async (what: string) => {
    const words = ['imagetools', 'inspect', '--format', `{{json .${what}}}`, `${host}/team/api:index-cds`]
    const env = { BUILDX_CONFIG: made.folder, DOCKER_CONFIG: made.folder }
    const { code, stdout, stderr } = await run(buildx ?? '', words, { env })
    t.is(code, 0, stderr)
    return JSON.parse(stdout)
  }
  t.deepEqual((await show('Provenance')).SLSA, made.provenance.predicate)
  t.deepEqual((await show('SBOM')).SPDX, made.sbom)
})

/** Puts an index around the image that is tagged `1`. */
async function putIndex(t: ExecutionContext, manifests: string): Promise<void> {
  const accept = [MEDIA_TYPES.dockerManifest, MEDIA_TYPES.manifest].join(', ')
  const reply = await fetch(`${manifests}/1`, { headers: { accept } })
  const entry = {
    mediaType: reply.headers.get('content-type'),
    digest: reply.headers.get('docker-content-digest'),
    size: (await reply.arrayBuffer()).byteLength,
    platform: PLATFORM,
  }
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [entry] }
  const put = await fetch(`${manifests}/index`, {
    method: 'PUT',
    headers: { 'content-type': MEDIA_TYPES.index },
    body: JSON.stringify(index),
  })
  t.is(put.status, 201)
}
