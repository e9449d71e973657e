// SPDX-License-Identifier: Apache-2.0
import { fromBinary, toJson } from '@bufbuild/protobuf'
import { OpMetadataSchema, OpSchema } from '../gen/ops_pb.js'
import { baked, traced } from '../trace-step.js'
import type { Shown } from './shown.js'

/** The operations of each image as they would be sent. Values of environment variables are not shown. */
export function describeLlb({ plan }: Shown): unknown {
  return plan.map(({ image, step }) => {
    const state = step && baked(step, traced(step))
    return {
      platform: [image.platform.os, image.platform.architecture, image.platform.variant]
        .filter(Boolean)
        .join('/'),
      result: state === undefined ? null : { digest: state.digest, index: state.index },
      operations: [...(state?.ops ?? [])].map(([digest, { bytes, metadata }]) => {
        const op = fromBinary(OpSchema, bytes)
        if (op.op.case === 'exec' && op.op.value.meta) {
          op.op.value.meta.env = op.op.value.meta.env.map((item) => item.replace(/=.*/s, '=...'))
        }
        const { description } = fromBinary(OpMetadataSchema, metadata)
        return { digest, name: description['llb.customname'] ?? null, ...Object(toJson(OpSchema, op)) }
      }),
    }
  })
}
