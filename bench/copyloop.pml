/* The transition system of tests/support/copyloop_system.h for SPIN: a "fault in, then copy without faults" loop that
 * tries again, beside an evictor and a retagger with budgets and, if HEAL, a healer.
 *
 *   spin -DPAGES=3 -DGRAN=4 -DITEM=2 -DEVICT=3 -DRETAG=4 -DSUBPAGE=1 -DHEAL=0 -a copyloop.pml
 *
 * Every option below is one transition: a d_step, by which a process also moves to its next label. So what SPIN stores
 * without reduction (-DNOREDUCE) are the states of the system, and it reports one transition more, the one to the start.
 * bench/peers.py builds it, runs it and compares counts and times. */

#define TOTAL (PAGES * GRAN)
#define PAGE(g) (1 << ((g) / GRAN))
#define GRANULE(g) (1 << (g))
#define MATCHES(g) ((bad & GRANULE(g)) == 0)
#define GOOD(g) (MATCHES(g) && (res & PAGE(g)) != 0)

#if SUBPAGE
#define AFTER(g) (g) + 1
#else
#define AFTER(g) ((g) / GRAN + 1) * GRAN
#endif

/* An option for each granule, for each page. */
#define FOUR(M, n) M(n) M(n + 1) M(n + 2) M(n + 3)
#if PAGES * GRAN == 4
#define EACH_GRANULE(M) FOUR(M, 0)
#elif PAGES * GRAN == 8
#define EACH_GRANULE(M) FOUR(M, 0) FOUR(M, 4)
#elif PAGES * GRAN == 12
#define EACH_GRANULE(M) FOUR(M, 0) FOUR(M, 4) FOUR(M, 8)
#elif PAGES * GRAN == 16
#define EACH_GRANULE(M) FOUR(M, 0) FOUR(M, 4) FOUR(M, 8) FOUR(M, 12)
#else
#error "4, 8, 12 or 16 granules"
#endif
#if PAGES == 1
#define EACH_PAGE(M) M(0)
#elif PAGES == 2
#define EACH_PAGE(M) M(0) M(1)
#elif PAGES == 3
#define EACH_PAGE(M) M(0) M(1) M(2)
#else
#define EACH_PAGE(M) M(0) M(1) M(2) M(3)
#endif

int bad;          /* granules whose tag differs from the pointer's */
byte res;         /* pages that are mapped */
byte ev = EVICT;  /* evictions left */
byte rt = RETAG;  /* tag flips left */
byte pos;         /* granules committed */
byte cur;         /* cursor of the probe or of the copy */

active proctype copier() {
probing:
  if
  :: d_step { cur == TOTAL -> cur = pos } -> goto copying
  :: d_step { cur < TOTAL && MATCHES(cur) -> res = res | PAGE(cur); cur = AFTER(cur) } -> goto probing
  :: d_step { cur < TOTAL && !MATCHES(cur) -> res = res | PAGE(cur); cur = 0 } -> goto end_out
  fi;
copying:
  if
  :: d_step { GOOD(cur) && cur + 1 < pos + ITEM -> cur = cur + 1 } -> goto copying
  :: d_step { GOOD(cur) && cur + 1 == pos + ITEM -> cur = cur + 1 } -> goto progress_commit
  :: d_step { !GOOD(cur) -> cur = pos } -> goto probing
  fi;
progress_commit:
  if
  :: d_step { pos + ITEM < TOTAL -> pos = pos + ITEM; cur = pos } -> goto copying
  :: d_step { pos + ITEM == TOTAL -> pos = TOTAL; cur = 0 } -> goto end_out
  fi;
end_out:
progress_out:
  false
}

#define EVICT_ONE(p) :: d_step { ev > 0 && (res & (1 << (p))) != 0 -> res = res & ~(1 << (p)); ev = ev - 1 }
active proctype evictor() {
end_idle:
  do
  EACH_PAGE(EVICT_ONE)
  od
}

#define FLIP_ONE(g) :: d_step { rt > 0 -> bad = bad ^ GRANULE(g); rt = rt - 1 }
active proctype retagger() {
end_idle:
  do
  EACH_GRANULE(FLIP_ONE)
  od
}

#if HEAL
#define HEAL_ONE(g) :: d_step { rt == 0 && !MATCHES(g) -> bad = bad & ~GRANULE(g) }
active proctype healer() {
end_idle:
  do
  EACH_GRANULE(HEAL_ONE)
  od
}
#endif
