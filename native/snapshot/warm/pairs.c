// SPDX-License-Identifier: Apache-2.0
#include "pairs.h"

#include <stdint.h>
#include <stdlib.h>

#include "../freeze/freeze.h"

static struct pair *place_of(const struct pairs *set, struct pair one) {
  uint64_t hash =
      ((uint64_t)(uintptr_t)one.first ^ (uint64_t)(uintptr_t)one.second << 1) * UINT64_C(0x9e3779b97f4a7c15);
  size_t at = (size_t)(hash >> 20) & (set->room - 1);
  while (set->places[at].first && (set->places[at].first != one.first || set->places[at].second != one.second))
    at = (at + 1) & (set->room - 1);
  return &set->places[at];
}

bool pairs_has(const struct pairs *set, struct pair one) { return set->room > 0 && place_of(set, one)->first; }

void pairs_add(struct pairs *set, struct pair one) {
  if (2 * set->count >= set->room) {
    struct pairs larger = {.room = set->room ? 2 * set->room : 1 << 12, .count = set->count};
    larger.places = calloc(larger.room, sizeof *larger.places);
    if (!larger.places) freeze_refuse("no memory");
    for (size_t i = 0; i < set->room; i++) {
      if (set->places[i].first) *place_of(&larger, set->places[i]) = set->places[i];
    }
    free(set->places);
    *set = larger;
  }
  *place_of(set, one) = one;
  set->count++;
}
