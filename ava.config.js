// SPDX-License-Identifier: Apache-2.0
/** The tests of the gate: fast, without an engine. The integration tests have a configuration of their own. */
export default {
  files: [
    'test/**/*.ts',
    '!test/helpers/**',
    '!test/**/helpers/**',
    '!test/fixtures/**',
    '!test/**/fixtures/**',
    '!test/integration/**',
    '!test/fuzz/**',
  ],
  extensions: { ts: 'module' },
  require: ['./test/helpers/end-worker.ts'],
  nodeArguments: ['--import=tsx'],
  // Native addons and patched process streams are safer in processes than in threads.
  workerThreads: false,
  timeout: '2m',
}
