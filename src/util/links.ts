// SPDX-License-Identifier: Apache-2.0

/** Symlinks that are followed on the way to one file; Linux follows no more. */
export const MAX_LINKS = 40
