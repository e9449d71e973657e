// SPDX-License-Identifier: Apache-2.0
// An agent for ssh that holds no keys: whatever is asked for, it answers with an empty list of them.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { temporary } from './temporary.js'

/** SSH_AGENT_IDENTITIES_ANSWER with none, after its length. */
const NO_KEYS = Buffer.of(0, 0, 0, 5, 12, 0, 0, 0, 0)

/** The path of its socket; it ends with the test. */
export async function sshAgent(t: ExecutionContext): Promise<string> {
  const path = join(temporary(t), 'agent')
  const server = createServer((client) => {
    client.on('error', () => {}) // gone before the answer
    client.on('data', () => client.write(NO_KEYS))
  })
  server.listen(path)
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return path
}

/** A program in Python that fails unless it reaches that agent. */
export const ASK_AGENT =
  'import os, socket; s = socket.socket(socket.AF_UNIX); s.connect(os.environ["SSH_AUTH_SOCK"]); ' +
  's.sendall(bytes([0, 0, 0, 1, 11])); assert s.makefile("rb").read(5)[4] == 12'
