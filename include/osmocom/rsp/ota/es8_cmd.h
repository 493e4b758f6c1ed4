/* ES8: key establishment, scenario 3 with mutual authentication (SGP.02 4.1.3.1, and 4.1.1.8 for the ISD-R), and the
 * result of a profile's installation (SAIP 8.11). Both ends.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/ota/gp_cmd.h>

/* Scenario parameter, second octet of tag 90. */
#define ES8_PARAM_DELETE	0x01	/* delete existing keys */
#define ES8_PARAM_DR		0x02	/* card adds a derivation random */
#define ES8_PARAM_HOST_ID	0x04	/* HostID, SIN, SDIN go into the derivation */
#define ES8_PARAM_CERT		0x08	/* always set here */

/* Control reference template A6. */
struct es8_crt {
	uint8_t param;
	uint8_t usage;			/* 95: 10 three keys, 5C one base key */
	int access;			/* 96, -1: absent */
	uint8_t key_type, key_len, kid, kvn;
	uint8_t counter[8]; size_t counter_len;		/* 91 */
	uint8_t sdin[32]; size_t sdin_len;		/* 45, with ES8_PARAM_HOST_ID */
	uint8_t host_id[32]; size_t host_id_len;	/* 84, likewise */
	/* SIN is not in A6: the server and the card know it. */
	uint8_t sin[32]; size_t sin_len;
};
/* Usual CRT: AES-128, three keys from key id 1; param 09, 0B or 0F. */
void es8_crt_default(struct es8_crt *crt, uint8_t kvn, uint8_t param);
int es8_crt_enc(struct bytes *a6, const struct es8_crt *crt);	/* complete A6 TLV */
int es8_crt_dec(struct es8_crt *crt, const uint8_t *a6, size_t len);

#define ES8_RC_MAX	32
#define ES8_DR_MAX	32

/* Server: INSTALL [for personalization] of this ISD-P, then step 1: certificate (complete 7F21 TLV). Appended as 22. */
int es8_install_perso_enc(struct bytes *script, const struct aid *isd_p);
int es8_cert_enc(struct bytes *script, const uint8_t *cert, size_t len);	/* returns the next block number (P2) */
int es8_cert_rsp_dec(uint8_t rc[ES8_RC_MAX], size_t *rc_len, const uint8_t *data, size_t len);
/* Card */
int es8_cert_rsp_enc(struct bytes *data, const uint8_t *rc, size_t rc_len);

/* Step 2. point_tlv: ePK inside B0/F0 (older servers), else the plain point (default). */
struct es8_keys {
	const uint8_t *a6; size_t a6_len;	/* complete TLV */
	uint8_t epk[EC_POINT_LEN];
	uint8_t sig[EC_SIG_LEN];
	const uint8_t *tbs; size_t tbs_len;	/* 3A02 .. end of 7F49, as received */
};
int es8_keys_enc(struct bytes *script, const struct es8_crt *crt, const struct ec_key *eph, bool point_tlv,
		 const struct ec_key *signer, const uint8_t *rc, size_t rc_len, uint8_t first_block);
/* data: whole DGI stream of step 2 (es5_cmd.body of ES5_STORE_KEYS). */
int es8_keys_dec(struct es8_keys *k, const uint8_t *data, size_t len);
/* Signature over tbs | 0085 L RC: 0, -EBADMSG. */
int es8_keys_verify(const struct es8_keys *k, const uint8_t signer_q[EC_POINT_LEN], const uint8_t *rc, size_t rc_len);
int es8_keys_rsp_enc(struct bytes *data, const uint8_t *dr, size_t dr_len, const uint8_t receipt[16]);
int es8_keys_rsp_dec(uint8_t dr[ES8_DR_MAX], size_t *dr_len, uint8_t receipt[16], const uint8_t *data, size_t len);

/* Both: the keys. z from ec_ecka(). n is 3 (usage 10) or 1 (5C). The caller frees the keys through ctx. */
struct es8_keyset {
	struct key *k[3];
	unsigned n;
	uint8_t receipt[16];
};
int es8_derive(struct es8_keyset *ks, void *ctx, const struct es8_crt *crt, const uint8_t *a6, size_t a6_len,
	       const uint8_t z[32], const uint8_t *dr, size_t dr_len);

/* UpdateConnectivityParameters (ES8 4.1.3.4): plain STORE DATA C-APDU for scp03_wrap(); tlvs are A0, A1, A2. */
int es8_update_conn_apdu(struct bytes *apdu, const uint8_t *tlvs, size_t len);

/* EUICCResponse */
#define ES8_PE_STATUS_MAX 16
struct es8_pe_status {
	uint16_t status;
	int identification;		/* PE number, -1: absent */
	int info;			/* -1: absent */
	int offset;			/* -1: absent */
};
struct es8_euicc_rsp {
	struct es8_pe_status pe[ES8_PE_STATUS_MAX];
	unsigned n;
	bool aborted;			/* profileInstallationAborted: this and only this is failure */
	char message[65];		/* "" absent */
};
int es8_euicc_rsp_enc(struct bytes *out, const struct es8_euicc_rsp *r);
int es8_euicc_rsp_dec(struct es8_euicc_rsp *r, const uint8_t *in, size_t len);
const char *es8_pe_status_text(uint16_t status);
