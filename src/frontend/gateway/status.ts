// SPDX-License-Identifier: Apache-2.0
// Errors as gRPC has them: a code, a message, and details that only the other side understands.
import { create, fromBinary } from '@bufbuild/protobuf'
import { PycdsError } from '../../errors/index.js'
import { SYNTAX } from '../../util/published-images.js'
import { type Status, StatusSchema } from '../gen/status_pb.js'

/** The codes of gRPC that this frontend tells apart. */
export const CODE = {
  unknown: 2,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
} as const

/** A message that is too long for a header was left out of it. */
const NO_MESSAGE =
  'BuildKit sent an error without a message, or with one that is too long; build without the line `# syntax=` to see it'

/** BuildKit's answer to a call that failed. The status goes back to BuildKit as it came, with its source lines. */
export class BuilderError extends Error {
  override readonly name = 'BuilderError'
  readonly status: Status

  constructor(status: Status) {
    super(status.message)
    this.status = status
  }
}

/** What trailers say: undefined for success. */
export function statusFromHeaders(headers: Readonly<Record<string, unknown>>): BuilderError | undefined {
  const code = Number(headers['grpc-status'] ?? Number.NaN)
  if (code === 0) return undefined
  const message = decodeMessage(String(headers['grpc-message'] ?? ''))
  if (Number.isNaN(code)) return failure(CODE.unknown, 'BuildKit sent an answer without a status')
  if (message === '') return failure(code, NO_MESSAGE)
  return new BuilderError(
    decodeDetails(headers['grpc-status-details-bin']) ?? create(StatusSchema, { code, message }),
  )
}

/** An error that is not BuildKit's own. */
export function failure(code: number, message: string): BuilderError {
  return new BuilderError(create(StatusSchema, { code, message }))
}

/** What a build ends with. BuildKit's own errors keep their details: they point into the Dockerfile. */
export function statusOf(error: unknown): Status {
  if (error instanceof BuilderError) return error.status
  if (error instanceof PycdsError) {
    return create(StatusSchema, {
      code: CODE.unknown,
      message: `${SYNTAX}: ${error.message} (${error.code}). ${error.hint}`,
    })
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return create(StatusSchema, {
    code: CODE.unknown,
    message: `${SYNTAX}: this is a bug: ${text}`,
  })
}

/** Percent-encoding of UTF-8; what is not well encoded is shown as it is. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function decodeDetails(value: unknown): Status | undefined {
  if (typeof value !== 'string') return undefined
  try {
    return fromBinary(StatusSchema, Buffer.from(value, 'base64'))
  } catch {
    return undefined // the code and the message say the most important things already
  }
}
