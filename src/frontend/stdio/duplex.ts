// SPDX-License-Identifier: Apache-2.0
// A frontend's standard input and output are one connection to BuildKit. This file owns them:
// once they are taken, nothing else in the process may write to standard output.
import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { PycdsError } from '../../errors/index.js'
import { SYNTAX } from '../../util/published-images.js'

const STDIN = 0
const STDOUT = 1

/**
 * Takes standard input and output as one stream. From then on `process.stdout.write` throws: one stray line would
 * corrupt the connection, and the build would end with an error that says nothing of it.
 * USAGE when they are not pipes or sockets, so nobody can be at the other end.
 */
export function takeStdio(): Duplex {
  for (const fd of [STDIN, STDOUT]) if (!isConnection(fd)) throw notABuilder()
  const input = new Socket({ fd: STDIN, readable: true, writable: false })
  const output = new Socket({ fd: STDOUT, readable: false, writable: true })
  process.stdout.write = refuse
  return join(input, output)
}

/** The stream that reads from one side and writes to the other; an error of either is its own. */
export function join(input: Socket, output: Socket): Duplex {
  return Duplex.from({ readable: input, writable: output })
}

/** What a person sees who starts the program by hand. */
export function notABuilder(): PycdsError {
  return new PycdsError('USAGE', {
    message: 'it was not started by BuildKit: there is no connection on standard input and output',
    hint: `Put \`# syntax=${SYNTAX}\` on the first line of a Dockerfile and run \`docker build\`.`,
  })
}

function isConnection(fd: number): boolean {
  try {
    const stat = fstatSync(fd)
    return stat.isFIFO() || stat.isSocket()
  } catch {
    return false // a descriptor that is closed
  }
}

function refuse(): never {
  throw new Error('standard output is the connection to BuildKit: write to standard error')
}
