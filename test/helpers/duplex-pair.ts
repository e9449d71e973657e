// SPDX-License-Identifier: Apache-2.0
import { Duplex } from 'node:stream'

/** Two streams, each of which reads what is written to the other. */
export function duplexPair(): [Duplex, Duplex] {
  const left: Duplex = end(() => right)
  const right: Duplex = end(() => left)
  return [left, right]
}

function end(peer: () => Duplex): Duplex {
  return new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      peer().push(chunk)
      done()
    },
    final(done) {
      peer().push(null)
      done()
    },
    destroy(error, done) {
      peer().push(null)
      done(error)
    },
  })
}
