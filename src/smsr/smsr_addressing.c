/* Where cards reach this SM-SR, as UpdateSMSRAddressingParameters tells them (SGP.02 4.1.1.10): the same that triggers
 * name. SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/es5_cmd.h>
#include <osmocom/rsp/util/misc.h>

#include "smsr.h"
#include "smsr_addressing.h"

#define BUFFER 1500

/* As a trigger to this card would say it; a name is not told here: A6 is for that, and its coding is uncertain [M]. */
static bool https_of(const struct smsr *s, struct euicc *e, struct scp81_params *h)
{
	const char *ip = s->cfg.adv_ip ? s->cfg.adv_ip : s->cfg.scp81_ip;
	uint16_t port = s->cfg.adv_port ? s->cfg.adv_port : card_sessions_scp81_port(s->cards);
	struct card_info info;
	struct scp81_psk_id id = { .eid = e->eis->fix.eid, .sd = aid_isd_r };

	if (!ip || !port || euicc_card_info(e, &info) < 0 || !info.https)
		return false;
	*h = (struct scp81_params){ .has_conn = true, .buffer = BUFFER, .port = port, .kvn = info.scp81_kvn,
				    .kid = info.scp81_kid };
	OSMO_STRLCPY_ARRAY(h->ip, ip);
	OSMO_STRLCPY_ARRAY(h->host, ip);
	OSMO_STRLCPY_ARRAY(h->uri, SCP81_URI_DEFAULT);
	if (info.apn)
		OSMO_STRLCPY_ARRAY(h->apn, info.apn);
	if (info.login)
		OSMO_STRLCPY_ARRAY(h->login, info.login);
	if (info.password)
		OSMO_STRLCPY_ARRAY(h->password, info.password);
	if (s->cfg.bearer.scp81.retry_delay_s) {
		h->has_retry = true;
		h->retry_count = s->cfg.bearer.scp81.retry_count;
		h->retry_delay_s = s->cfg.bearer.scp81.retry_delay_s;
	}
	id.kvn = info.scp81_kvn;
	id.kid = info.scp81_kid;
	return scp81_psk_id_enc(h->psk_id, sizeof(h->psk_id), &id) >= 0 &&
	       scp81_from_enc(h->agent, sizeof(h->agent), &e->eis->fix.eid, &aid_isd_r) >= 0;
}

int smsr_addressing(void *priv, struct euicc *e, struct bytes *script)
{
	const struct smsr *s = priv;
	struct scp81_params h;
	bool https = https_of(s, e, &h);
	int rc = es5_update_smsr_enc(script, s->cfg.sms_number ? s->cfg.sms_number : "1001", https ? &h : NULL);

	secret_wipe(h.password, sizeof(h.password));
	return rc;
}
