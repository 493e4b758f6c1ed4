/* Runs a fuzz target over its seeds without libFuzzer: each seed, its prefixes, and mutations that are the same in every run.
 * With -w DIR the seeds are written as a corpus instead. Other arguments: files to run, as libFuzzer does.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <time.h>
#include <talloc.h>

#include "fuzz.h"

#define SEEDS_MAX	128
#define CPU_MS		1500		/* for mutations, each target */
#define ROUNDS_MAX	20000

static struct { uint8_t *b; size_t len; } seeds[SEEDS_MAX];
static unsigned n_seeds;
static uint64_t runs, prng = 0x9E3779B97F4A7C15;

static unsigned rnd(unsigned n)
{
	prng ^= prng << 13;
	prng ^= prng >> 7;
	prng ^= prng << 17;
	return n ? (prng >> 20) % n : 0;
}

static void add(const void *data, size_t len)
{
	FUZZ_CHECK(n_seeds < SEEDS_MAX);
	seeds[n_seeds].b = malloc(len + 1);
	memcpy(seeds[n_seeds].b, data, len);
	seeds[n_seeds++].len = len;
}

static void add_file(const char *name)
{
	static char line[65536];
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/seeds/%s.hex", getenv("srcdir") ? getenv("srcdir") : ".", name);
	f = fopen(path, "r");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		struct bytes *b = line[0] == '#' ? NULL : bytes_from_hex(NULL, line);

		if (b)
			add(b->data, b->len);
		talloc_free(b);
	}
	fclose(f);
}

/* An own copy of exact size, so that AddressSanitizer sees one octet too many. */
static void run(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	runs++;
}

static size_t mutate(uint8_t *b, size_t len, size_t max)
{
	static const uint8_t odd[] = { 0, 1, 0x7F, 0x80, 0x81, 0x82, 0xFE, 0xFF };
	size_t at, n;

	for (unsigned i = 1 + rnd(4); i && len; i--) {
		at = rnd(len);
		n = 1 + rnd(8);
		switch (rnd(6)) {
		case 0: b[at] ^= 1 << rnd(8); break;
		case 1: b[at] = rnd(256); break;
		case 2: b[at] = odd[rnd(sizeof(odd))]; break;
		case 3: b[at] += rnd(2) ? 1 : -1; break;
		case 4:		/* cut out */
			n = n < len - at ? n : len - at;
			memmove(b + at, b + at + n, len - at - n);
			len -= n;
			break;
		case 5:		/* say it twice */
			n = n < len - at ? n : len - at;
			if (len + n > max)
				break;
			memmove(b + at + n, b + at, len - at);
			len += n;
			break;
		}
	}
	return len;
}

static void replay(void)
{
	clock_t end;

	for (unsigned i = 0; i < n_seeds; i++) {
		size_t step = 1 + seeds[i].len / 256;

		run(seeds[i].b, seeds[i].len);
		for (size_t n = 0; n < seeds[i].len; n += step)
			run(seeds[i].b, n);
	}
	end = clock() + CPU_MS * (CLOCKS_PER_SEC / 1000);
	for (unsigned r = 0; r < ROUNDS_MAX && clock() < end; r++) {
		unsigned s = rnd(n_seeds);
		size_t max = seeds[s].len + 64;
		uint8_t *b = malloc(max);

		memcpy(b, seeds[s].b, seeds[s].len);
		run(b, mutate(b, seeds[s].len, max));
		free(b);
	}
}

static int write_corpus(const char *dir)
{
	char path[512];

	for (unsigned i = 0; i < n_seeds; i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/seed%03u", dir, i);
		f = fopen(path, "wb");
		if (!f || fwrite(seeds[i].b, 1, seeds[i].len, f) != seeds[i].len || fclose(f))
			return 1;
	}
	return 0;
}

static void run_file(const char *path)
{
	static uint8_t buf[1 << 20];
	FILE *f = fopen(path, "rb");

	FUZZ_CHECK(f);
	run(buf, fread(buf, 1, sizeof(buf), f));
	fclose(f);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	void *ctx = talloc_new(NULL);

	if (argc > 1 && strcmp(argv[1], "-w")) {
		for (int i = 1; i < argc; i++)
			run_file(argv[i]);
		talloc_free(ctx);
		return 0;
	}
	fuzz_seeds(ctx, add);
	add_file(name + (strncmp(name, "lt-", 3) ? 0 : 3));
	talloc_free(ctx);
	if (argc == 3)
		return write_corpus(argv[2]);
	FUZZ_CHECK(n_seeds);
	replay();
	printf("%s: %u seeds, %llu runs\n", name, n_seeds, (unsigned long long)runs);
	for (unsigned i = 0; i < n_seeds; i++)
		free(seeds[i].b);
	return 0;
}
