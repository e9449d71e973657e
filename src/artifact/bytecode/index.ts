// SPDX-License-Identifier: Apache-2.0
// Bytecode files beside the archive, for the modules that are not in it.

export { type Bytecode, type CompileSpec, compileBytecode } from './compile.js'
export { type BytecodeInput, type BytecodeSummary, makeBytecode, type Pyc } from './make.js'
export { type SourceRoot, touchedPackages } from './touched.js'
