/* What the two files of the card database share. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "card_int.h"

enum {
	ST_BATCH_ALL, ST_CI_ALL, ST_CARD_GET, ST_KEYS_GET, ST_CNTR_GET, ST_ISDP_GET, ST_CARD_LIST,
	ST_POWER, ST_CARD_SAVE, ST_KEY_PUT, ST_KEY_DEL, ST_CNTR_PUT, ST_ISDP_PUT, ST_ISDP_DEL, ST_PERSO_DEL, ST_PKG_PUT,
	ST_PKG_GET, ST_BATCH_PUT, ST_CI_PUT, ST_CARD_PUT, ST_PERSO_PUT, ST_PERSO_ALL, ST_COUNT
};

/* Additional data of sealed values: card and place. */
const char *card_db_aad(char out[80], const char *eid, const char *what);
