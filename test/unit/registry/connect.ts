// SPDX-License-Identifier: Apache-2.0
// Whom a connection trusts: the same authorities whichever are asked first.
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { RegistryConfiguration } from '../../../src/registry/configuration.js'
import { Secrets } from '../../../src/registry/secrets.js'
import { Transport } from '../../../src/registry/transport.js'
import { makeCertificate } from '../../helpers/docker-registry.js'
import { temporary } from '../../helpers/temporary.js'

/** A server with a certificate of an authority of its own, and how a machine asks it. */
async function server(t: ExecutionContext) {
  const { ca, cert, key } = await makeCertificate(t)
  let answers = 0
  const made = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, response) => {
    answers += 1
    // Each request needs a connection of its own.
    response.setHeader('connection', 'close').end('yes')
  })
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  t.teardown(() => made.close())
  const host = `127.0.0.1:${(made.address() as AddressInfo).port}`
  const ask = async (env: NodeJS.ProcessEnv, insecure = false) => {
    const configuration = new RegistryConfiguration({ CONTAINERS_REGISTRIES_CONF: '/dev/null', ...env })
    const transport = new Transport({ configuration, secrets: new Secrets(), env })
    t.teardown(() => transport.close())
    const place = { registry: host, path: 'a', insecure }
    for (let count = 0; count < 3; count += 1) {
      const reply = await transport.send(place, { method: 'GET', target: '/v2/' })
      t.is((await reply.bytes(10)).toString(), 'yes')
    }
  }
  return { ca, host, ask, answers: () => answers }
}

test('a certificate is trusted by its own folder, or by what the machine trusts, and else by nobody', async (t) => {
  const { ca, host, ask, answers } = await server(t)
  const [home, other] = [temporary(t), await makeCertificate(t)]
  for (const [folder, authority] of [
    ['right', ca],
    ['wrong', other.ca],
  ] as const) {
    const path = join(home, folder, 'containers/certs.d', host)
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'ca.crt'), readFileSync(authority))
  }
  const none = '/dev/null'
  const [right, wrong] = [join(home, 'right'), join(home, 'wrong')]
  await ask({ SSL_CERT_FILE: none, XDG_CONFIG_HOME: right })
  await ask({ SSL_CERT_FILE: ca })
  // The same name as that of the right authority, with another key.
  await ask({ SSL_CERT_FILE: ca, XDG_CONFIG_HOME: wrong })
  t.is(answers(), 9)
  for (const env of [{ SSL_CERT_FILE: none }, { SSL_CERT_FILE: other.ca, XDG_CONFIG_HOME: wrong }]) {
    await t.throwsAsync(ask(env), { name: 'ConnectionFailure' })
  }
  t.is(answers(), 9)
  await ask({ SSL_CERT_FILE: none }, true)
})
