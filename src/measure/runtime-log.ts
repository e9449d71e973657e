// SPDX-License-Identifier: Apache-2.0

/** Collects the lines that the runtime writes under PYCDS_LOG. */
export class RuntimeLog {
  served = 0
  lines = 0
  missed: { name: string; reason: string }[] = []
  rejected: string | undefined
  #rest = ''

  /** Path-based modules that were imported. */
  get total(): number {
    return this.served + this.missed.length
  }

  /** Percent. */
  get hitRate(): number {
    return this.total === 0 ? 0 : (100 * this.served) / this.total
  }

  add(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString()).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#read(line)
  }

  #read(line: string): void {
    const [, verb, name = '', reason = ''] =
      /^pycds\[\d+\]: (served|missed|rejected) (\S+)(?: (\S+))?$/.exec(line) ?? []
    if (verb === undefined) return
    this.lines++
    if (verb === 'served') this.served++
    else if (verb === 'missed') this.missed.push({ name, reason })
    else this.rejected = name
  }
}
