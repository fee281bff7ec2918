// The program whose accesses cachegrind_agreement.py keeps: freestanding, x86-64, its stack in memory of its own, so
// that it makes the same accesses in every environment. Every data access is of 8 bytes, aligned.

typedef unsigned long word;

enum { kWords = 1 << 17 };  // 1 MiB

static word source[kWords] __attribute__((aligned(4096)));
static word target[kWords] __attribute__((aligned(4096)));
static word stack[64] __attribute__((aligned(4096), used));

#define LOAD(at) (*(volatile const word*)(at))
#define STORE(at, value) (*(volatile word*)(at) = (value))

__attribute__((always_inline)) static inline word next(word x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ (x << 17);
}

// xorshift's low bits would do for a power of two; the high ones do as well.
#define DRAWN(x) (((x) >> 20) % kWords)

__asm__(".globl _start\n_start:\n  leaq stack+256(%rip), %rsp\n  jmp run\n");

__attribute__((noreturn, used)) void run(void) {
  // Copies: 256 KiB twice, so that the second finds what the last level kept; then 64 bytes apart, the whole buffer.
  for (int round = 0; round < 2; ++round) {
    for (word i = 0; i < kWords / 4; ++i) STORE(target + i, LOAD(source + i));
  }
  for (word i = 0; i < kWords; i += 8) STORE(target + i, LOAD(source + i));

  // Strides: a page and a line, and two pages less a word.
  for (int round = 0; round < 3; ++round) {
    for (word i = 0; i < kWords; i += 520) (void)LOAD(source + i);
    for (word i = 0; i < kWords; i += 1023) STORE(target + i, i);
  }

  // Drawn at random: loads, stores, and both in turn, in 1 MiB, then in 64 KiB.
  word x = 0x9e3779b97f4a7c15;
  for (int i = 0; i < 6000; ++i) {
    x = next(x);
    (void)LOAD(source + DRAWN(x));
  }
  for (int i = 0; i < 4000; ++i) {
    x = next(x);
    STORE(target + DRAWN(x), x);
  }
  for (int i = 0; i < 6000; ++i) {
    x = next(x);
    (void)LOAD(source + DRAWN(x) / 16);
    STORE(target + DRAWN(x) / 16, x);
  }

  // A pointer chase through 4096 words, one to a line of 256 KiB, twice: the links, an odd step apart, were stored just
  // before.
  for (word i = 0; i < 4096; ++i) STORE(source + 8 * i, 8 * ((i + 1597) % 4096));
  for (word i = 0, at = 0; i < 8192; ++i) at = LOAD(source + at);

  // Read and written by one instruction: in order, then drawn.
  for (word i = 0; i < kWords / 4; i += 3) __asm__ volatile("incq %0" : "+m"(target[i]));
  for (int i = 0; i < 4000; ++i) {
    x = next(x);
    __asm__ volatile("incq %0" : "+m"(target[DRAWN(x)]));
  }

  // Conflicts: as many lines of one set as 1, 2, 4, 8 and 16 ways hold, and one more of them, round and round.
  for (word ways = 1; ways <= 16; ways *= 2) {
    for (word lines = ways; lines <= ways + 1; ++lines) {
      for (int round = 0; round < 20; ++round) {
        for (word i = 0; i < lines; ++i) (void)LOAD(source + i * (kWords / 32));
      }
    }
  }
  // The same with stores, and every second round the other way.
  for (int round = 0; round < 20; ++round) {
    for (word i = 0; i < 17; ++i) STORE(target + ((round & 1) ? 16 - i : i) * (kWords / 32), i);
  }

  __asm__ volatile("syscall" : : "a"(60), "D"(0) : "rcx", "r11", "memory");
  __builtin_unreachable();
}
