// SPDX-License-Identifier: Apache-2.0
// Added bytecode in text for people.
import { formatBytes, formatCount } from '../../util/units.js'
import type { Facts } from '../kind/artifact.js'
import type { BytecodeSummary } from './make.js'

export const bytecodeFacts: Facts<BytecodeSummary> = {
  made: ({ files, packages, bytes }, { after }) => {
    if (files === 0 || after === 'step') return []
    const added = `${formatCount(files, 'file')} of ${formatCount(packages, 'package')} added`
    return [['bytecode', `${added}, ${formatBytes(bytes)}`]]
  },
  // It lies beside the sources.
  place: () => [],
}
