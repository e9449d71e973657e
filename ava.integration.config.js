// SPDX-License-Identifier: Apache-2.0
import unit from './ava.config.js'

/** The tests that need a container engine: one file at a time, since some of them measure time. */
export default {
  ...unit,
  files: ['test/integration/**/*.ts', '!test/integration/helpers/**', '!test/integration/fixtures/**'],
  concurrency: 1,
  // A single step may pull, build, bake and time an image.
  timeout: '20m',
}
