// SPDX-License-Identifier: Apache-2.0
// The generated code is checked in, and its generator is no dependency: this keeps the two together.
import { readFileSync } from 'node:fs'
import type { DescFile } from '@bufbuild/protobuf'
import test from 'ava'
import { file_gateway } from '../../../../src/frontend/gen/gateway_pb.js'
import { file_ops } from '../../../../src/frontend/gen/ops_pb.js'
import { file_status } from '../../../../src/frontend/gen/status_pb.js'
import { inRepository } from '../../../helpers/repository.js'

for (const file of [file_gateway, file_ops, file_status]) {
  test(`the code of ${file.name}.proto has its fields and methods`, (t) => {
    const text = readFileSync(inRepository(`src/frontend/proto/${file.name}.proto`), 'utf8').replace(
      /\/\/.*/g,
      '',
    )
    t.deepEqual(generated(file), written(text))
  })
}

function written(text: string): string[] {
  const lines: string[] = []
  for (const [, name = '', body = ''] of text.matchAll(/message (\w+) \{((?:[^{}]|\{[^{}]*\})*)\}/g)) {
    for (const [, field, number] of body.matchAll(/(\w+) = (\d+);/g))
      lines.push(`${name}.${field} = ${number}`)
  }
  for (const [, method, input] of text.matchAll(/rpc (\w+)\((\w+)\)/g)) lines.push(`${method}(${input})`)
  return lines.sort()
}

function generated(file: DescFile): string[] {
  return [
    ...file.messages.flatMap((message) =>
      message.fields.map((one) => `${message.name}.${one.name} = ${one.number}`),
    ),
    ...file.services.flatMap((service) => service.methods.map((one) => `${one.name}(${one.input.name})`)),
  ].sort()
}
