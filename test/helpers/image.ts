// SPDX-License-Identifier: Apache-2.0
import { type DiffId, type ImageConfig, parseDiffId } from '../../src/image/index.js'

/** A diff id that is easy to tell from others: one hex digit, repeated. */
export function diffId(digit: string): DiffId {
  return parseDiffId(`sha256:${digit.repeat(64)}`)
}

/** A configuration as builders write it: two layers, a step without one, fields that nobody here knows. */
export function sampleConfig(change: Partial<ImageConfig> = {}): ImageConfig {
  return {
    architecture: 'amd64',
    config: {
      User: '1000',
      Env: ['PATH=/usr/bin', 'PYTHONUNBUFFERED=1'],
      Entrypoint: ['python3'],
      Cmd: ['-m', 'app'],
      Labels: { maintainer: 'someone' },
      OnBuild: null,
    },
    container_config: { Hostname: 'builder' },
    created: '2024-05-01T12:00:00.123456789Z',
    docker_version: '20.10.24',
    history: [
      { created: '2024-05-01T11:00:00Z', created_by: 'ADD rootfs' },
      { created: '2024-05-01T11:30:00Z', created_by: 'ENV x', empty_layer: true, 'x-unknown': 7 },
      { created: '2024-05-01T12:00:00Z', created_by: 'COPY app' },
    ],
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [diffId('a'), diffId('b')] },
    'x-unknown': { kept: true },
    ...change,
  }
}

/** Freezes a value all the way down, so that a change to it throws. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) deepFreeze(item)
    Object.freeze(value)
  }
  return value
}
