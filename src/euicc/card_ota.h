/* SCP80 on the card: secured packets in short messages and on CAT_TP. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>

struct card;
struct card_ota;

struct card_ota *card_ota_new(struct card *c);
void card_ota_reset(struct card *c);
/* SMS-DELIVER of an ENVELOPE (SMS-PP DOWNLOAD); response data for the terminal is appended, no status word. The status
 * word the card answers with. */
uint16_t card_ota_sms(struct card *c, const uint8_t *tpdu, size_t len, struct bytes *resp);
/* SDU of the CAT_TP link. */
void card_ota_packet(struct card *c, const uint8_t *in, size_t len);
/* Packet by SEND SHORT MESSAGE; ota: 70 command, 71 response. number: digits, "+" in front for international. done (may
 * be NULL) once, when the last part is sent or one was refused twice. */
int card_ota_send(struct card *c, const char *number, uint8_t ota, const struct bytes *packet,
		  void (*done)(struct card *c, bool ok));
uint8_t card_ota_last_kvn(const struct card *c);	/* of the last authenticated command, 0: none */

/* card_por.c: an authenticated command, and how it is answered. talloc object. */
struct card_por {
	struct scp80_sec sec;
	struct key *kic, *kid;		/* copies: the script may delete the very keys it came under */
	bool cattp;			/* the answer goes back on the link */
	char from[24];			/* TP-OA of the command */
	struct bytes *resp;		/* ENVELOPE answer, NULL: given already */
};
void card_por_send(struct card *c, struct card_por *por, uint8_t status, const struct bytes *data);
/* The answer comes later: what the ENVELOPE is answered with meanwhile. */
void card_por_defer(struct card *c, struct card_por *por);

/* card_script.c: run a command script (AA, AE) for the ISD-R or an ISD-P and append the response script. session: a
 * bearer with a life of its own (HTTPS) holds the context between scripts; otherwise only a script chain does. 0, or
 * -ENOENT unknown application. */
int card_script_run(struct card *c, const struct aid *target, const uint8_t *in, size_t len, bool session,
		    struct bytes *out);
/* The same for commands one behind the other (TS 102 226 5.1). */
int card_script_compact(struct card *c, const struct aid *target, const uint8_t *in, size_t len, struct bytes *out);
