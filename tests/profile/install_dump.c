/* Installs a package and prints what is on the card then, for structure_test.py; or, -r, writes the card's answer.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include "install.h"

int main(int argc, char **argv)
{
	struct bytes *out = bytes_new(NULL, 0);
	struct install *inst = install_new(out, 1 << 20);
	bool response = argc == 3 && !strcmp(argv[1], "-r");
	FILE *f = argc == 2 || response ? fopen(argv[argc - 1], "rb") : NULL;
	struct usim_fs *fs;
	uint8_t buf[512];
	int rc = f ? 0 : -1;
	size_t n;

	while (rc == 0 && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		rc = install_feed(inst, buf, n);
	if (f)
		fclose(f);
	if (response && f && install_response(inst, out) == 0)
		fwrite(out->data, 1, out->len, stdout);
	fs = rc == 1 ? install_take(inst, out) : NULL;
	if (!response && fs && fs_dump(out, fs) == 0)
		fwrite(out->data, 1, out->len, stdout);
	talloc_free(out);
	return fs ? 0 : 1;
}
