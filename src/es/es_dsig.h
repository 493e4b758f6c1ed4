/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_msg.h>

/* es_eis.c: EumSignedInfo made from the fields, exclusive-canonical: what an EUM signs. */
struct bytes *es_eis_signed_part(void *ctx, const struct es_eis *eis);
