/* Import of a batch of cards as its EUM wrote it (doc/formats/eum-batch.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

struct card_env;
/* JSON lines. Number of cards added (known ones are passed over and counted in *known), or negative with a log line
 * naming the line; then nothing is to be committed. */
int card_import_file(struct card_env *env, const char *path, unsigned *known);
