// SPDX-License-Identifier: Apache-2.0
// The process: BuildKit starts it for one build, and takes its last word or its exit code for an answer.
import { EXIT_CODES, toPycdsError } from '../errors/index.js'
import { TOOL_VERSION } from '../util/version.js'
import { build } from './build.js'
import {
  createGateway,
  createTransport,
  type Gateway,
  readRequest,
  SERVICE,
  statusOf,
} from './gateway/index.js'
import { notABuilder, takeStdio } from './stdio/duplex.js'

/** Answers the request that the process was started for; resolves with the exit code. */
export async function main(): Promise<number> {
  let gateway: Gateway | undefined
  try {
    const request = readRequest(process.env)
    if (request === undefined) throw notABuilder()
    gateway = createGateway(createTransport(takeStdio(), SERVICE))
    const capabilities = await gateway.ping()
    const result = await build(request, { gateway, capabilities, now: Date.now, version: TOOL_VERSION })
    await gateway.return({ result })
    return 0
  } catch (error) {
    return await fail(error, gateway)
  }
}

/** Ends the build with an error; whatever happens, also the builder's log has it. */
async function fail(error: unknown, gateway: Gateway | undefined): Promise<number> {
  const status = statusOf(error)
  process.stderr.write(`${status.message}\n`)
  try {
    await gateway?.return({ error: status })
  } catch (second) {
    process.stderr.write(`the builder did not take this error: ${(second as Error).message}\n`)
  }
  return gateway === undefined ? toPycdsError(error).exitCode : EXIT_CODES.ENGINE_FAILED
}
