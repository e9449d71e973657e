// SPDX-License-Identifier: Apache-2.0
// Cases that differ because they look at what docs/compatibility.md says is different. They are counted apart, and a run
// does not fail for them; every name here stands there, with the reason.

/** Names of cases without the suffixes of classes that run them again. */
export const BY_DESIGN: readonly { readonly file: string; readonly test: string }[] = [
  { file: 'test_subprocess', test: 'test_pass_fds_redirected' },
]

export function isByDesign(file: string, name: string): boolean {
  return BY_DESIGN.some((one) => one.file === file && name.split('.').at(-1) === one.test)
}
