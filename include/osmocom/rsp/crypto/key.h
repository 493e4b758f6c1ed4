/* Keys and what is done with them. Key bytes never leave crypto/ but sealed, wrapped for the wire, or as PSK for the TLS
 * library. All functions return 0 or negative errno unless stated.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <osmocom/rsp/util/bytes.h>

/* GlobalPlatform key types (GP CS 2.3 table 11-16). */
enum key_type { KEY_TYPE_DES = 0x80, KEY_TYPE_PSK = 0x85, KEY_TYPE_AES = 0x88 };

struct key;	/* talloc object; bytes wiped when freed; carries its own re-usable cipher and MAC contexts */

struct key *key_new(void *ctx, enum key_type type, const uint8_t *b, size_t len);	/* 16/24/32 (PSK 16..64) */
struct key *key_dup(void *ctx, const struct key *k);
struct key *key_random(void *ctx, enum key_type type, size_t len);
enum key_type key_type(const struct key *k);
size_t key_len(const struct key *k);
void key_kcv(uint8_t out[3], const struct key *k);	/* AES: ECB of 16 x 01; DES: 8 x 00; PSK: SHA-256 prefix */
bool key_eq(const struct key *a, const struct key *b);
/* The raw bytes for the TLS library's PSK, and for a personalisation record written to its owner (osmo-rsp-ca). */
size_t key_export(const struct key *k, uint8_t *out, size_t out_size);

/* sym.c. AES: block 16; DES (2 or 3 keys): block 8. len must be a whole number of blocks; iv NULL = zeros; in == out ok. */
int sym_cbc_enc(const struct key *k, const uint8_t *iv, const uint8_t *in, size_t len, uint8_t *out);
int sym_cbc_dec(const struct key *k, const uint8_t *iv, const uint8_t *in, size_t len, uint8_t *out);
int sym_ecb_enc(const struct key *k, const uint8_t *in, size_t len, uint8_t *out);
size_t sym_block(const struct key *k);
/* Scattered input for MACs, so that nothing is copied. */
struct iov { const void *p; size_t len; };
int sym_cmac(const struct key *k, const struct iov *iov, size_t n, uint8_t out[16]);		/* AES-CMAC, RFC 4493 */
int sym_des_mac(const struct key *k, const struct iov *iov, size_t n, uint8_t out[8]);	/* CBC-MAC, zero padded */
void rand_bytes(uint8_t *out, size_t len);	/* aborts when the system has no randomness */
int sha256(const struct iov *iov, size_t n, uint8_t out[32]);
int sha1(const struct iov *iov, size_t n, uint8_t out[20]);	/* WS-Security's password digest; not for signatures */
int hmac_sha256(const struct key *k, const struct iov *iov, size_t n, uint8_t out[32]);

/* kdf.c */
/* X9.63 / TR-03111 with SHA-256 over secret z (32 octets) and shared info. */
int kdf_x963(const uint8_t *z, size_t z_len, const uint8_t *si, size_t si_len, uint8_t *out, size_t out_len);
/* GP Amd D 4.1.5 (NIST 800-108 counter mode, CMAC): bits = 64 or 128. */
int kdf_scp03(const struct key *k, uint8_t constant, const uint8_t *context, size_t context_len, unsigned bits, uint8_t *out);
int kdf_scp03_key(struct key **out, void *ctx, const struct key *k, uint8_t constant, const uint8_t *context, size_t len);

/* tuak.c: TS 35.231 with K of 16 or 32 octets; MAC 8, 16, 32, RES 4, 8, 16, 32, CK and IK 16 or 32 octets. */
struct tuak {
	const struct key *k;
	uint8_t topc[32];
	unsigned iterations;	/* of the permutation, 1 to 255 */
};
int tuak_topc(uint8_t out[32], const struct key *k, const uint8_t top[32], unsigned iterations);
int tuak_f1(const struct tuak *t, bool star, const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2],
	    uint8_t *mac, size_t len);
int tuak_f2345(const struct tuak *t, const uint8_t rand[16], uint8_t *res, size_t res_len, uint8_t *ck, size_t ck_len,
	       uint8_t *ik, size_t ik_len, uint8_t ak[6]);
int tuak_f5star(const struct tuak *t, const uint8_t rand[16], uint8_t ak[6]);

/* ec.c: P-256 only. Points are 65 octets 04|X|Y, signatures 64 octets r|s, private keys hidden in the handle. */
#define EC_POINT_LEN 65
#define EC_SIG_LEN 64
struct ec_key;	/* talloc object */
struct ec_key *ec_generate(void *ctx);
struct ec_key *ec_from_private(void *ctx, const uint8_t d[32]);
struct ec_key *ec_from_pem_file(void *ctx, const char *path);
int ec_export_private(const struct ec_key *k, uint8_t d[32]);	/* for a personalisation record only */
int ec_public(const struct ec_key *k, uint8_t q[EC_POINT_LEN]);
int ec_sign(const struct ec_key *k, const struct iov *iov, size_t n, uint8_t sig[EC_SIG_LEN]);	/* ECDSA-SHA256 */
/* 0 good, -EBADMSG bad signature, -EINVAL point not on the curve. */
int ec_verify(const uint8_t q[EC_POINT_LEN], const struct iov *iov, size_t n, const uint8_t sig[EC_SIG_LEN]);
/* ECKA-EG: x coordinate of d*Q. -EINVAL when Q is not a valid point. */
int ec_ecka(const struct ec_key *k, const uint8_t q[EC_POINT_LEN], uint8_t z[32]);

/* keystore.c: sealing under the key-encryption key, AES-256-GCM: 12 nonce | ciphertext | 16 tag, aad binds the place. */
struct keystore;
struct keystore *keystore_open(void *ctx, const char *kek_path);	/* mode must be 0400 or 0600, 32 octets; NULL + log */
struct keystore *keystore_ephemeral(void *ctx);			/* random KEK, for tests and the simulator's default */
int keystore_create_file(const char *kek_path);			/* new random KEK, mode 0400; -EEXIST */
struct bytes *keystore_seal(struct keystore *ks, void *ctx, const char *aad, const uint8_t *in, size_t len);
struct bytes *keystore_unseal(struct keystore *ks, void *ctx, const char *aad, const uint8_t *in, size_t len);	/* secret */
struct bytes *keystore_seal_key(struct keystore *ks, void *ctx, const char *aad, const struct key *k);
struct key *keystore_unseal_key(struct keystore *ks, void *ctx, const char *aad, enum key_type t, const uint8_t *in, size_t len);
/* AES-KW, RFC 3394, and ECB of the older agreement, for keysets in an EIS (SGP.02 2.8). */
int key_wrap(const struct key *kek, const struct key *k, struct bytes *out);
struct key *key_unwrap(void *ctx, const struct key *kek, enum key_type type, const uint8_t *in, size_t len);
struct key *key_unwrap_ecb(void *ctx, const struct key *kek, enum key_type type, const uint8_t *in, size_t len);
/* CBC with zero IV under a static Key-DEK: PUT KEY under SCP03 (GP Amd D 6.2.7). */
int key_wrap_cbc(const struct key *kek, const struct key *k, struct bytes *out);
struct key *key_unwrap_cbc(void *ctx, const struct key *kek, enum key_type type, const uint8_t *in, size_t len);
