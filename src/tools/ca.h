/* Parts of osmo-rsp-ca. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/cert.h>

struct ca_opts {
	const char *dir, *name, *id, *dns, *out, *smsr_id, *mno_id, *upp, *smsr_number, *smsr_ip, *smsc, *imsi_prefix;
	const char *scp80;		/* aes128 aes192 aes256 3des2 3des3 */
	const char *bearers, *claim;	/* what the card has beside SMS, what its EIS says: "cattp,https", "https", "none", .. */
	const char *smsr_host, *smsr_dns;	/* FQDN of the SM-SR, and who resolves it */
	unsigned days, smsr_port;
	unsigned long count, memory, first;
};

char *ca_path(void *ctx, const char *name, const char *suffix);
/* Write a new file; -EEXIST when it is there already. */
int ca_write(const char *path, const void *data, size_t len, unsigned mode);
/* N eUICCs of this EUM: opt->out/cards.jsonl and opt->out/eis/<EID>.xml, with progress on stderr. */
int ca_batch(void *ctx, const struct ca_opts *opt, const struct ec_key *eum, const struct cert_x509 *eum_cert,
	     const struct cert_x509 *ci_cert);
