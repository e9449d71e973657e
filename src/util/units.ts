// SPDX-License-Identifier: Apache-2.0

/** Formats bytes in decimal units, as `docker images` does: `512 B`, `1.2 kB`, `34 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    // Compared as it will be printed: 999.6 kB is a megabyte, not "1000 kB".
    if (Math.round(value) < 1000 || unit === 'GB') return `${digits(value, unit === 'B')} ${unit}`
    value /= 1000
  }
  return `${bytes} B`
}

/** Formats milliseconds with three significant digits: `8.4 ms`, `412 ms`, `1.27 s`. */
export function formatMs(ms: number): string {
  return Math.round(ms) < 1000 ? `${digits(ms, false)} ms` : `${(ms / 1000).toFixed(2)} s`
}

/** Formats a factor, rounded down: what is shown as 3.00x was at least that. */
export function formatFactor(factor: number): string {
  return `${(Math.floor(factor * 100 + 1e-9) / 100).toFixed(2)}x`
}

/** Formats 0..100 as a percentage, rounded down: 100 % means that nothing was missed. */
export function formatPercentage(percentage: number): string {
  return `${Math.floor(percentage * 10 + 1e-9) / 10} %`
}

/** Formats a count and its noun: `1 module`, `12 modules`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function digits(value: number, whole: boolean): string {
  return whole || value >= 9.95 ? String(Math.round(value)) : value.toFixed(1)
}
