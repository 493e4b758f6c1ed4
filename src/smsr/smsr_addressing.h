/* Where cards reach this SM-SR. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "euicc.h"

/* euiccs.addressing; priv: struct smsr. */
int smsr_addressing(void *priv, struct euicc *e, struct bytes *script);
