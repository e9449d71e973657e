// SPDX-License-Identifier: Apache-2.0
// What of a processor a process has come to depend on: instructions that the dynamic loader and libraries chose by, and
// the size of the registers' saved state.
#ifndef PYCDS_SNAPSHOT_CPU_H
#define PYCDS_SNAPSHOT_CPU_H

#include "format.h"
#include "reject.h"

/* How far a template may use its processor: the levels of the x86-64 psABI, or all that there is. */
enum cpu_policy { CPU_V2, CPU_V3, CPU_NATIVE };

/* Reads this processor. Only bits that matter, and that the policy lets a template use. */
struct snapshot_cpu cpu_read(enum cpu_policy policy);

/* Whether a process that was frozen where `frozen` was read can go on here. */
enum snapshot_reject cpu_check(const struct snapshot_cpu *frozen);

/* What keeps glibc within a policy: a value of GLIBC_TUNABLES; "" for CPU_NATIVE. */
const char *cpu_tunables(enum cpu_policy policy);

#endif
