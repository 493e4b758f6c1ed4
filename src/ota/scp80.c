/* SCP80 secured packets, TS 102 225 5 and TS 31.115 4; by SMS the identifiers live in the user data header, on CAT_TP the
 * packet begins with CPI or RPI and has BER lengths (TS 102 225 5.2). The order is pad, PCNTR and length, checksum, cipher; and back:
 * decipher, verify, only then read what was verified.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/tlv.h>

#define SPI1_CHECK(spi1)	((spi1) & 0x03)
#define SPI1_CIPHER		0x04
#define SPI1_CNTR(spi1)		(((spi1) >> 3) & 0x03)
#define SPI2_CHECK(spi2)	(((spi2) >> 2) & 0x03)
#define SPI2_CIPHER		0x10
#define SPI2_POR(spi2)		((spi2) & 0x03)

enum check { CHECK_NONE, CHECK_RC, CHECK_CC, CHECK_RESERVED };

#define CMD_CLEAR	10	/* CPL CHL SPI KIc KID TAR */
#define CMD_AFTER_CPL	8	/* CHL SPI KIc KID TAR */
#define RSP_AFTER_RPL	4	/* RHL TAR */
#define CPI		0x01	/* command packet identifier */
#define RPI		0x02	/* response packet identifier */
#define CHECK_MAX	8
#define ALG_DES		0x01
#define ALG_3DES2	0x05
#define ALG_3DES3	0x09
#define RC_CRC32	0x05

static const uint8_t rsp_udh[] = { 0x02, 0x71, 0x00 };	/* part of the checksum of a response, TS 31.115 4.4 */

enum form { FORM_SMS, FORM_CATTP };

/* How a packet is laid out and protected. */
struct layout {
	bool cipher;
	enum check check;
	const struct key *kic, *kid;
	const uint8_t *prefix; size_t prefix_len;	/* checksum input that is not in the packet */
	size_t clear_len;		/* octets before CNTR; set when the packet's length is known */
	size_t fixed_len;		/* CNTR PCNTR [status] */
};

/* Algorithm nibble against the key it is used with; 0 leaves the choice to the key (TS 102 225 5.1.2). */
static bool alg_fits(uint8_t octet, const struct key *k)
{
	if (!k)
		return false;
	switch (octet & 0x0F) {
	case 0:
		return sym_block(k) != 0;
	case SCP80_ALG_AES:
		return key_type(k) == KEY_TYPE_AES;
	case ALG_3DES2:
		return key_type(k) == KEY_TYPE_DES && key_len(k) == 16;
	case ALG_3DES3:
		return key_type(k) == KEY_TYPE_DES && key_len(k) == 24;
	default:
		return false;	/* DES, ECB, proprietary */
	}
}

static size_t check_len(enum check c)
{
	return c == CHECK_CC ? CHECK_MAX : c == CHECK_RC ? 4 : 0;
}

static int layout_check(const struct layout *l, uint8_t kic_octet, uint8_t kid_octet)
{
	if (l->check == CHECK_RESERVED)
		return -EINVAL;
	if (l->cipher && !alg_fits(kic_octet, l->kic))
		return -EINVAL;
	if (l->check == CHECK_CC && !alg_fits(kid_octet, l->kid))
		return -EINVAL;
	if (l->check == CHECK_RC && (kid_octet & 0x0F) != RC_CRC32)
		return -EINVAL;
	return 0;
}

static int layout_cmd(struct layout *l, const struct scp80_sec *sec, const struct key *kic, const struct key *kid)
{
	*l = (struct layout) {
		.cipher = sec->spi1 & SPI1_CIPHER, .check = SPI1_CHECK(sec->spi1), .kic = kic, .kid = kid,
		.fixed_len = 6,
	};
	return layout_check(l, sec->kic_octet, sec->kid_octet);
}

static int layout_rsp(struct layout *l, const struct scp80_sec *sec, const struct key *kic, const struct key *kid,
		      enum form form)
{
	*l = (struct layout) {
		.cipher = sec->spi2 & SPI2_CIPHER, .check = SPI2_CHECK(sec->spi2), .kic = kic, .kid = kid,
		.prefix = rsp_udh, .prefix_len = form == FORM_SMS ? sizeof(rsp_udh) : 0, .fixed_len = 7,
	};
	return layout_check(l, sec->kic_octet, sec->kid_octet);
}

static uint32_t crc32_run(uint32_t crc, const uint8_t *p, size_t len)
{
	unsigned bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
	}
	return crc;
}

/* Checksum over prefix, everything before the checksum field, everything after it. */
static int checksum(const struct layout *l, const uint8_t *packet, size_t len, uint8_t out[16])
{
	size_t head = l->clear_len + l->fixed_len, skip = check_len(l->check), i;
	struct iov iov[3] = { { l->prefix, l->prefix_len }, { packet, head }, { packet + head + skip, len - head - skip } };
	uint32_t crc = 0xFFFFFFFF;

	switch (l->check) {
	case CHECK_CC:
		return key_type(l->kid) == KEY_TYPE_AES ? sym_cmac(l->kid, iov, 3, out) : sym_des_mac(l->kid, iov, 3, out);
	case CHECK_RC:
		for (i = 0; i < 3; i++)
			crc = crc32_run(crc, iov[i].p, iov[i].len);
		crc = ~crc;
		for (i = 0; i < 4; i++)
			out[i] = crc >> (24 - 8 * i);
		return 0;
	default:
		return 0;
	}
}

static size_t pad_len(const struct layout *l, size_t data_len)
{
	size_t block = l->cipher ? sym_block(l->kic) : 1, n = l->fixed_len + check_len(l->check) + data_len;

	return (block - n % block) % block;
}

/* Protects a packet written in clear from offset start of out, with room for the checksum. */
static int protect(const struct layout *l, struct bytes *out, size_t start)
{
	uint8_t *p = out->data + start, mac[16];
	size_t len = out->len - start;
	int rc = checksum(l, p, len, mac);

	if (rc < 0)
		return rc;
	memcpy(p + l->clear_len + l->fixed_len, mac, check_len(l->check));
	if (!l->cipher)
		return 0;
	return sym_cbc_enc(l->kic, NULL, p + l->clear_len, len - l->clear_len, p + l->clear_len);
}

/* Octets of identifier and packet length. */
static size_t head_len(enum form form, size_t n)
{
	return form == FORM_SMS ? 2 : 2 + (n > 0x7F) + (n > 0xFF);
}

static void put_head(struct bytes *out, enum form form, uint8_t id, size_t n)
{
	if (form == FORM_SMS) {
		bytes_put_u16(out, n);
		return;
	}
	bytes_put_u8(out, id);
	ber_put_len(out, n);
}

/* Identifier and packet length, which must be all that follows. 0 or -EINVAL. */
static int take_head(struct rd *r, enum form form, uint8_t id)
{
	size_t n;

	if (r->left > SCP80_PACKET_MAX)
		return -EINVAL;
	if (form == FORM_SMS) {
		n = rd_u16(r);
		return r->bad || n != r->left ? -EINVAL : 0;
	}
	if (rd_u8(r) != id)
		return -EINVAL;
	n = rd_u8(r);
	if (n == 0x81)
		n = rd_u8(r);
	else if (n == 0x82)
		n = rd_u16(r);
	else if (n > 0x7F)
		return -EINVAL;
	return r->bad || n != r->left ? -EINVAL : 0;
}

static int cmd_enc(enum form form, struct bytes *out, const struct scp80_sec *sec, const struct key *kic,
		   const struct key *kid, const uint8_t *payload, size_t len)
{
	size_t n, start = out->len, pad, cc;
	struct layout l;

	if (layout_cmd(&l, sec, kic, kid) < 0 || len > SCP80_PACKET_MAX || sec->cntr > SCP80_CNTR_MAX || sec->tar > 0xFFFFFF)
		return -EINVAL;
	pad = pad_len(&l, len);
	cc = check_len(l.check);
	n = CMD_AFTER_CPL + l.fixed_len + cc + len + pad;
	l.clear_len = head_len(form, n) + CMD_AFTER_CPL;
	if (head_len(form, n) + n > SCP80_PACKET_MAX)
		return -EMSGSIZE;
	put_head(out, form, CPI, n);
	bytes_put_u8(out, 13 + cc);
	bytes_put_u8(out, sec->spi1);
	bytes_put_u8(out, sec->spi2);
	bytes_put_u8(out, sec->kic_octet);
	bytes_put_u8(out, sec->kid_octet);
	bytes_put_u24(out, sec->tar);
	bytes_put_u40(out, sec->cntr);
	bytes_put_u8(out, pad);
	bytes_fill(out, 0, cc);
	if (len)
		bytes_put(out, payload, len);
	bytes_fill(out, 0, pad);
	return out->err ? out->err : protect(&l, out, start);
}

/* Clear header of a command. 0 or -EINVAL. */
static int cmd_head(enum form form, struct scp80_sec *sec, struct rd *r, const uint8_t *in, size_t len)
{
	uint8_t chl;

	memset(sec, 0, sizeof(*sec));
	rd_init(r, in, len);
	if (take_head(r, form, CPI) < 0)
		return -EINVAL;
	chl = rd_u8(r);
	sec->spi1 = rd_u8(r);
	sec->spi2 = rd_u8(r);
	sec->kic_octet = rd_u8(r);
	sec->kid_octet = rd_u8(r);
	sec->tar = rd_u24(r);
	if (r->bad || SPI1_CHECK(sec->spi1) == CHECK_RESERVED || chl != 13 + check_len(SPI1_CHECK(sec->spi1)) ||
	    r->left < 6 + check_len(SPI1_CHECK(sec->spi1)))
		return -EINVAL;
	return 0;
}

static int cmd_peek(enum form form, struct scp80_sec *sec, const uint8_t *in, size_t len)
{
	struct rd r;

	if (cmd_head(form, sec, &r, in, len) < 0)
		return -EINVAL;
	if (!(sec->spi1 & SPI1_CIPHER))
		sec->cntr = rd_u40(&r);
	return 0;
}

/* Deciphered and verified copy of the packet, a secret under ctx. 0, -EINVAL, -EBADMSG, -ENOMEM. */
static int unprotect(struct bytes **copy, const struct layout *l, const uint8_t *in, size_t len)
{
	size_t cc = check_len(l->check), head = l->clear_len + l->fixed_len;
	uint8_t mac[16];
	struct bytes *b;
	int rc = 0;

	*copy = NULL;
	if (l->cipher && (len - l->clear_len) % sym_block(l->kic))
		return -EINVAL;
	b = bytes_new(NULL, SCP80_PACKET_MAX);
	if (!b)
		return -ENOMEM;
	bytes_secret(b);
	if (bytes_put(b, in, len) < 0)
		rc = -ENOMEM;
	else if (l->cipher)
		rc = sym_cbc_dec(l->kic, NULL, b->data + l->clear_len, len - l->clear_len, b->data + l->clear_len);
	if (!rc)
		rc = checksum(l, b->data, len, mac);
	if (!rc && cc && !secret_eq(mac, b->data + head, cc))
		rc = -EBADMSG;
	secret_wipe(mac, sizeof(mac));
	if (rc < 0)
		talloc_free(b);
	else
		*copy = b;
	return rc;
}

/* Data without padding; what the padding octets are is not looked at. An unciphered packet has none (PCNTR 0). */
static int take_data(struct bytes *out, const struct layout *l, struct rd *r, uint8_t pcntr)
{
	const uint8_t *data;
	size_t n;

	rd_take(r, check_len(l->check));
	if (r->bad || pcntr > r->left)
		return -EINVAL;
	n = r->left - pcntr;
	data = rd_take(r, n);
	return n ? bytes_put(out, data, n) : 0;
}

static int cmd_dec(enum form form, struct bytes *out, struct scp80_sec *sec, const struct key *kic,
		   const struct key *kid, const uint8_t *in, size_t len)
{
	struct bytes *clear;
	struct layout l;
	struct rd r;
	uint8_t pcntr;
	int rc;

	if (cmd_head(form, sec, &r, in, len) < 0 || layout_cmd(&l, sec, kic, kid) < 0)
		return -EINVAL;
	l.clear_len = len - r.left;
	rc = unprotect(&clear, &l, in, len);
	if (rc < 0)
		return rc;
	rd_init(&r, clear->data, clear->len);
	rd_take(&r, l.clear_len);
	sec->cntr = rd_u40(&r);
	pcntr = rd_u8(&r);
	rc = take_data(out, &l, &r, pcntr);
	talloc_free(clear);
	return rc;
}

bool scp80_sec_sgp02(const struct scp80_sec *sec)
{
	return SPI1_CHECK(sec->spi1) == CHECK_CC && (sec->spi1 & SPI1_CIPHER) && SPI1_CNTR(sec->spi1) >= 2 &&
	       (sec->kic_octet & 0x0F) == SCP80_ALG_AES && (sec->kid_octet & 0x0F) == SCP80_ALG_AES;
}

bool scp80_sec_notif(const struct scp80_sec *sec)
{
	uint8_t alg = sec->kid_octet & 0x0F;

	return (sec->spi1 & 0x1F) == SCP80_SPI1_NOTIF && (alg == SCP80_ALG_AES || alg == ALG_3DES2 || alg == ALG_3DES3);
}

uint8_t scp80_alg_of(const struct key *k)
{
	if (key_type(k) == KEY_TYPE_AES)
		return SCP80_ALG_AES;
	return key_len(k) == 24 ? ALG_3DES3 : ALG_3DES2;
}

enum scp80_status scp80_cntr_check(uint8_t spi1, uint64_t *stored, uint64_t received)
{
	unsigned mode = SPI1_CNTR(spi1);

	if (mode < 2)
		return SCP80_ST_OK;
	if (*stored >= SCP80_CNTR_MAX)
		return SCP80_ST_CNTR_BLOCKED;
	if (received <= *stored)
		return SCP80_ST_CNTR_LOW;
	if (mode == 3 && received != *stored + 1)
		return SCP80_ST_CNTR_HIGH;
	*stored = received;
	return SCP80_ST_OK;
}

bool scp80_rsp_wanted(const struct scp80_sec *cmd, uint8_t status)
{
	switch (SPI2_POR(cmd->spi2)) {
	case 1:
		return true;
	case 2:
		return status != SCP80_ST_OK;
	default:
		return false;
	}
}

static int rsp_enc(enum form form, struct bytes *out, const struct scp80_sec *cmd, const struct key *kic,
		   const struct key *kid, uint8_t status, const uint8_t *data, size_t len)
{
	size_t n, start = out->len, pad, cc;
	struct layout l;

	if (layout_rsp(&l, cmd, kic, kid, form) < 0 || len > SCP80_PACKET_MAX)
		return -EINVAL;
	pad = pad_len(&l, len);
	cc = check_len(l.check);
	n = RSP_AFTER_RPL + l.fixed_len + cc + len + pad;
	l.clear_len = head_len(form, n) + RSP_AFTER_RPL;
	if (head_len(form, n) + n > SCP80_PACKET_MAX)
		return -EMSGSIZE;
	put_head(out, form, RPI, n);
	bytes_put_u8(out, 10 + cc);
	bytes_put_u24(out, cmd->tar);
	bytes_put_u40(out, cmd->cntr);
	bytes_put_u8(out, pad);
	bytes_put_u8(out, status);
	bytes_fill(out, 0, cc);
	if (len)
		bytes_put(out, data, len);
	bytes_fill(out, 0, pad);
	return out->err ? out->err : protect(&l, out, start);
}

static int rsp_dec(enum form form, struct bytes *out, struct scp80_rsp *rsp, const struct scp80_sec *cmd,
		   const struct key *kic, const struct key *kid, const uint8_t *in, size_t len)
{
	struct bytes *clear;
	struct layout l;
	struct rd r;
	uint8_t pcntr;
	int rc;

	memset(rsp, 0, sizeof(*rsp));
	rd_init(&r, in, len);
	if (layout_rsp(&l, cmd, kic, kid, form) < 0 || take_head(&r, form, RPI) < 0 ||
	    rd_u8(&r) != 10 + check_len(l.check) || r.left < 3 + l.fixed_len + check_len(l.check))
		return -EINVAL;
	l.clear_len = len - r.left + 3;
	rc = unprotect(&clear, &l, in, len);
	if (rc < 0)
		return rc;
	rd_init(&r, clear->data, clear->len);
	rd_take(&r, l.clear_len - 3);
	rsp->tar = rd_u24(&r);
	rsp->cntr = rd_u40(&r);
	pcntr = rd_u8(&r);
	rsp->status = rd_u8(&r);
	rc = take_data(out, &l, &r, pcntr);
	talloc_free(clear);
	return rc;
}

int scp80_cmd_enc(struct bytes *out, const struct scp80_sec *sec, const struct key *kic, const struct key *kid,
		  const uint8_t *payload, size_t len)
{
	return cmd_enc(FORM_SMS, out, sec, kic, kid, payload, len);
}

int scp80_cmd_peek(struct scp80_sec *sec, const uint8_t *in, size_t len)
{
	return cmd_peek(FORM_SMS, sec, in, len);
}

int scp80_cmd_dec(struct bytes *out, struct scp80_sec *sec, const struct key *kic, const struct key *kid,
		  const uint8_t *in, size_t len)
{
	return cmd_dec(FORM_SMS, out, sec, kic, kid, in, len);
}

int scp80_rsp_enc(struct bytes *out, const struct scp80_sec *cmd, const struct key *kic, const struct key *kid,
		  uint8_t status, const uint8_t *data, size_t len)
{
	return rsp_enc(FORM_SMS, out, cmd, kic, kid, status, data, len);
}

int scp80_rsp_dec(struct bytes *out, struct scp80_rsp *rsp, const struct scp80_sec *cmd, const struct key *kic,
		  const struct key *kid, const uint8_t *in, size_t len)
{
	return rsp_dec(FORM_SMS, out, rsp, cmd, kic, kid, in, len);
}

int scp80_cattp_cmd_enc(struct bytes *out, const struct scp80_sec *sec, const struct key *kic, const struct key *kid,
			const uint8_t *payload, size_t len)
{
	return cmd_enc(FORM_CATTP, out, sec, kic, kid, payload, len);
}

int scp80_cattp_cmd_peek(struct scp80_sec *sec, const uint8_t *in, size_t len)
{
	return cmd_peek(FORM_CATTP, sec, in, len);
}

int scp80_cattp_cmd_dec(struct bytes *out, struct scp80_sec *sec, const struct key *kic, const struct key *kid,
			const uint8_t *in, size_t len)
{
	return cmd_dec(FORM_CATTP, out, sec, kic, kid, in, len);
}

int scp80_cattp_rsp_enc(struct bytes *out, const struct scp80_sec *cmd, const struct key *kic, const struct key *kid,
			uint8_t status, const uint8_t *data, size_t len)
{
	return rsp_enc(FORM_CATTP, out, cmd, kic, kid, status, data, len);
}

int scp80_cattp_rsp_dec(struct bytes *out, struct scp80_rsp *rsp, const struct scp80_sec *cmd, const struct key *kic,
			const struct key *kid, const uint8_t *in, size_t len)
{
	return rsp_dec(FORM_CATTP, out, rsp, cmd, kic, kid, in, len);
}

size_t scp80_payload_max(size_t packet_len)
{
	size_t n = packet_len < CMD_CLEAR ? 0 : (packet_len - CMD_CLEAR) / 16 * 16;

	return n < 6 + CHECK_MAX ? 0 : n - 6 - CHECK_MAX;
}

const char *scp80_status_text(uint8_t status)
{
	static const char *const text[] = {
		[SCP80_ST_OK] = "PoR OK",
		[SCP80_ST_CC_FAILED] = "checksum failed",
		[SCP80_ST_CNTR_LOW] = "counter low",
		[SCP80_ST_CNTR_HIGH] = "counter high",
		[SCP80_ST_CNTR_BLOCKED] = "counter blocked",
		[SCP80_ST_CIPHER] = "ciphering error",
		[SCP80_ST_SECURITY] = "unidentified security error",
		[SCP80_ST_MEMORY] = "insufficient memory",
		[SCP80_ST_MORE_TIME] = "more time needed",
		[SCP80_ST_TAR_UNKNOWN] = "TAR unknown",
		[SCP80_ST_LEVEL] = "insufficient security level",
		[SCP80_ST_BY_SUBMIT] = "actual response will be sent using SMS-SUBMIT",
		[SCP80_ST_BY_USSD] = "actual response will be sent using USSD",
	};

	return status < sizeof(text) / sizeof(text[0]) ? text[status] : "unknown status";
}
