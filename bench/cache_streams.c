/* The two streams of access_stream as a program of its own, for simulators that watch programs.
 *   cache_streams sequential N   N/2 words go from one buffer of 64 MiB to another, in order
 *   cache_streams random N       N words of 64 MiB are loaded, drawn by xorshift
 * gcc -O2 -fno-tree-vectorize -fno-tree-loop-distribute-patterns: each access shall stay one of 8 bytes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kWords = 8 << 20, kWordsPerPage = 512 };
static volatile uint64_t from[kWords];
static volatile uint64_t to[kWords];

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	const uint64_t accesses = strtoull(argv[2], NULL, 10);
	uint64_t sum = 0;
	/* Page faults are the start-up's, not the stream's. What is only read stays the zero page: whoever simulates
	 * this shall not wait for our memory. */
	for (uint64_t i = 0; i < kWords; i += kWordsPerPage)
		to[i] = from[i];
	if (strcmp(argv[1], "sequential") == 0) {
		for (uint64_t i = 0; i < accesses / 2; ++i)
			to[i % kWords] = from[i % kWords];
	} else {
		uint64_t x = 88172645463325252u;
		for (uint64_t i = 0; i < accesses; ++i) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			sum += from[x % kWords];
		}
	}
	printf("%llu\n", (unsigned long long)sum);
	return 0;
}
