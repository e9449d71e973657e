// SPDX-License-Identifier: Apache-2.0
// Bytecode files beside the archive, for the modules that are not in it.

export {
  addBytecode,
  type BytecodeSummary,
  describeBytecode,
  NO_BYTECODE,
  type Pyc,
  toArtifact,
} from './add.js'
export { type Bytecode, type CompileSpec, compileBytecode } from './compile.js'
export { type SourceRoot, touchedPackages } from './touched.js'
