/* Template files of SAIP annex A: tag, name, FID, kind, size, SFI, default contents. Sizes of the later template
 * versions where those differ only by a longer default (EF.UST: the first). CSIM and the rarer templates come by the
 * FID of the Fcp.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include <osmocom/rsp/profile/upp.h>

#define M UPP_F_MANDATORY
#define R UPP_F_REPEAT
#define H UPP_F_HU
#define G UPP_F_GIVEN
#define N UPP_F_RANGE
#define DF UPP_FD_DF
#define TR UPP_FD_TR
#define LF UPP_FD_LF
#define CY UPP_FD_CY
#define BT UPP_FD_BT

static const struct upp_file_def upp_files_mf[] = {
	{ 0xA2, "mf", 0x3F00, DF, 0, 0, 0x00, M },
	{ 0xA3, "ef-pl", 0x2F05, TR, 2, 0, 0x05, 0 },
	{ 0xA4, "ef-iccid", 0x2FE2, TR, 10, 0, 0x02, M | G },
	{ 0xA5, "ef-dir", 0x2F00, LF, 0, 0, 0x1E, M | G },
	{ 0xA6, "ef-arr", 0x2F06, LF, 0, 0, 0x06, M | G },
	{ 0xA7, "ef-umpc", 0x2F08, TR, 5, 0, 0x08, 0 },
};

static const struct upp_file_def upp_files_telecom[] = {
	{ 0xA2, "df-telecom", 0x7F10, DF, 0, 0, 0x00, M },
	{ 0xA3, "ef-arr", 0x6F06, LF, 0, 0, 0x00, G },
	{ 0xA4, "ef-rma", 0x6F53, LF, 0, 0, 0x00, G },
	{ 0xA5, "ef-sume", 0x6F54, TR, 22, 0, 0x00, G },
	{ 0xA6, "ef-ice-dn", 0x6FE0, LF, 50, 24, 0x00, 0 },
	{ 0xA7, "ef-ice-ff", 0x6FE1, LF, 0, 0, 0x00, 0 },
	{ 0xA8, "ef-psismsc", 0x6FE5, LF, 0, 0, 0x00, G },
	{ 0xA9, "df-graphics", 0x5F50, DF, 0, 0, 0x00, 0 },
	{ 0xAA, "ef-img", 0x4F20, LF, 0, 0, 0x00, 0, "00FF...FF" },
	{ 0xAB, "ef-iidf", 0x4F40, TR, 0, 0, 0x00, N },
	{ 0xAC, "ef-ice-graphics", 0x4F21, BT, 0, 0, 0x00, 0 },
	{ 0xAD, "ef-launch-scws", 0x4F01, TR, 0, 0, 0x00, G },
	{ 0xAE, "ef-icon", 0x4F80, TR, 0, 0, 0x00, N | G },
	{ 0xAF, "df-phonebook", 0x5F3A, DF, 0, 0, 0x00, G },
	{ 0xB0, "ef-pbr", 0x4F30, LF, 0, 0, 0x00, G },
	{ 0xB1, "ef-ext1", 0x4F38, LF, 0, 13, 0x00, N, "00FF...FF" },
	{ 0xB2, "ef-aas", 0x4F40, LF, 0, 0, 0x00, N },
	{ 0xB3, "ef-gas", 0x4F48, LF, 0, 0, 0x00, N },
	{ 0xB4, "ef-psc", 0x4F22, TR, 4, 0, 0x00, 0, "00000000" },
	{ 0xB5, "ef-cc", 0x4F23, TR, 2, 0, 0x00, H, "0000" },
	{ 0xB6, "ef-puid", 0x4F24, TR, 2, 0, 0x00, H, "0000" },
	{ 0xB7, "ef-iap", 0x4F50, LF, 0, 0, 0x00, N },
	{ 0xB8, "ef-adn", 0x4F58, LF, 0, 0, 0x00, N },
	{ 0xB9, "ef-pbc", 0x4F60, LF, 0, 2, 0x00, N, "00...00" },
	{ 0xBA, "ef-anr", 0x4F68, LF, 0, 0, 0x00, N },
	{ 0xBB, "ef-puri", 0x4F70, LF, 0, 0, 0x00, N | G },
	{ 0xBC, "ef-email", 0x4F78, LF, 0, 0, 0x00, N },
	{ 0xBD, "ef-sne", 0x4F80, LF, 0, 0, 0x00, N },
	{ 0xBE, "ef-uid", 0x4F88, LF, 0, 2, 0x00, N, "0000" },
	{ 0xBF1F, "ef-grp", 0x4F90, LF, 0, 0, 0x00, N, "00...00" },
	{ 0xBF20, "ef-ccp1", 0x4F98, LF, 0, 0, 0x00, N },
	{ 0xBF21, "df-multimedia", 0x5F3B, DF, 0, 0, 0x00, 0 },
	{ 0xBF22, "ef-mml", 0x4F47, BT, 0, 0, 0x00, 0 },
	{ 0xBF23, "ef-mmdf", 0x4F48, BT, 0, 0, 0x00, 0 },
	{ 0xBF24, "df-mmss", 0x5F3C, DF, 0, 0, 0x00, 0 },
	{ 0xBF25, "ef-mlpl", 0x4F20, TR, 0, 0, 0x01, G },
	{ 0xBF26, "ef-mspl", 0x4F21, TR, 0, 0, 0x02, G },
	{ 0xBF27, "ef-mmssmode", 0x4F22, TR, 1, 0, 0x03, G },
	{ 0xBF28, "df-mcs", 0x5F3D, DF, 0, 0, 0x00, 0 },
	{ 0xBF29, "ef-mst", 0x4F01, TR, 0, 0, 0x01, G },
	{ 0xBF2A, "ef-mcs-config", 0x4F02, BT, 0, 0, 0x02, 0 },
	{ 0xBF2B, "df-v2x", 0x5F3E, DF, 0, 0, 0x00, 0 },
	{ 0xBF2C, "ef-vst", 0x4F01, TR, 0, 0, 0x01, G },
	{ 0xBF2D, "ef-v2x-config", 0x4F02, BT, 0, 0, 0x02, G },
	{ 0xBF2E, "ef-v2xp-pc5", 0x4F03, TR, 0, 0, 0x00, G },
	{ 0xBF2F, "ef-v2xp-Uu", 0x4F04, TR, 0, 0, 0x00, 0 },
};

static const struct upp_file_def upp_files_usim[] = {
	{ 0xA2, "adf-usim", 0x7FD0, DF, 0, 0, 0x00, M },
	{ 0xA3, "ef-imsi", 0x6F07, TR, 9, 0, 0x07, M | G },
	{ 0xA4, "ef-arr", 0x6F06, LF, 0, 0, 0x17, M | G },
	{ 0xA5, "ef-keys", 0x6F08, TR, 33, 0, 0x08, H, "07FF...FF" },
	{ 0xA6, "ef-keysPS", 0x6F09, TR, 33, 0, 0x09, H, "07FF...FF" },
	{ 0xA7, "ef-hpplmn", 0x6F31, TR, 1, 0, 0x12, 0, "0A" },
	{ 0xA8, "ef-ust", 0x6F38, TR, 14, 0, 0x04, M | G },
	{ 0xA9, "ef-fdn", 0x6F3B, LF, 20, 26, 0x00, 0 },
	{ 0xAA, "ef-sms", 0x6F3C, LF, 10, 176, 0x00, 0, "00FF...FF" },
	{ 0xAB, "ef-smsp", 0x6F42, LF, 1, 38, 0x00, 0 },
	{ 0xAC, "ef-smss", 0x6F43, TR, 2, 0, 0x00, 0, "FFFF" },
	{ 0xAD, "ef-spn", 0x6F46, TR, 17, 0, 0x00, M | G },
	{ 0xAE, "ef-est", 0x6F56, TR, 1, 0, 0x05, M | G },
	{ 0xAF, "ef-start-hfn", 0x6F5B, TR, 6, 0, 0x0F, H, "F00000F00000" },
	{ 0xB0, "ef-threshold", 0x6F5C, TR, 3, 0, 0x10, 0, "FFFFFF" },
	{ 0xB1, "ef-psloci", 0x6F73, TR, 14, 0, 0x0C, H, "FFFFFFFFFFFFFFFFFFFF0000FF01" },
	{ 0xB2, "ef-acc", 0x6F78, TR, 2, 0, 0x06, M | G },
	{ 0xB3, "ef-fplmn", 0x6F7B, TR, 12, 0, 0x0D, 0 },
	{ 0xB4, "ef-loci", 0x6F7E, TR, 11, 0, 0x0B, H, "FFFFFFFFFFFFFF0000FF01" },
	{ 0xB5, "ef-ad", 0x6FAD, TR, 4, 0, 0x03, 0, "00000002" },
	{ 0xB6, "ef-ecc", 0x6FB7, LF, 1, 4, 0x01, M | G },
	{ 0xB7, "ef-netpar", 0x6FC4, TR, 128, 0, 0x00, H },
	{ 0xB8, "ef-epsloci", 0x6FE3, TR, 18, 0, 0x1E, H, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFF000001" },
	{ 0xB9, "ef-epsnsc", 0x6FE4, LF, 1, 80, 0x18, H },
};

static const struct upp_file_def upp_files_opt_usim[] = {
	{ 0xA2, "ef-li", 0x6F05, TR, 6, 0, 0x02, 0 },
	{ 0xA3, "ef-acmax", 0x6F37, TR, 3, 0, 0x00, 0, "000000" },
	{ 0xA4, "ef-acm", 0x6F39, CY, 1, 3, 0x00, H, "000000" },
	{ 0xA5, "ef-gid1", 0x6F3E, TR, 8, 0, 0x00, G },
	{ 0xA6, "ef-gid2", 0x6F3F, TR, 8, 0, 0x00, G },
	{ 0xA7, "ef-msisdn", 0x6F40, LF, 1, 24, 0x00, 0 },
	{ 0xA8, "ef-puct", 0x6F41, TR, 5, 0, 0x00, 0, "FFFFFF0000" },
	{ 0xA9, "ef-cbmi", 0x6F45, TR, 10, 0, 0x00, 0 },
	{ 0xAA, "ef-cbmid", 0x6F48, TR, 10, 0, 0x0E, 0 },
	{ 0xAB, "ef-sdn", 0x6F49, LF, 10, 24, 0x00, 0 },
	{ 0xAC, "ef-ext2", 0x6F4B, LF, 10, 13, 0x00, 0, "00FF...FF" },
	{ 0xAD, "ef-ext3", 0x6F4C, LF, 10, 13, 0x00, 0, "00FF...FF" },
	{ 0xAE, "ef-cbmir", 0x6F50, TR, 20, 0, 0x00, 0 },
	{ 0xAF, "ef-plmnwact", 0x6F60, TR, 40, 0, 0x0A, R, "FFFFFF0000" },
	{ 0xB0, "ef-oplmnwact", 0x6F61, TR, 40, 0, 0x11, R, "FFFFFF0000" },
	{ 0xB1, "ef-hplmnwact", 0x6F62, TR, 5, 0, 0x13, R, "FFFFFF0000" },
	{ 0xB2, "ef-dck", 0x6F2C, TR, 16, 0, 0x00, 0 },
	{ 0xB3, "ef-cnl", 0x6F32, TR, 30, 0, 0x00, 0 },
	{ 0xB4, "ef-smsr", 0x6F47, LF, 10, 30, 0x00, 0, "00FF...FF" },
	{ 0xB5, "ef-bdn", 0x6F4D, LF, 10, 25, 0x00, 0 },
	{ 0xB6, "ef-ext5", 0x6F4E, LF, 10, 13, 0x00, 0, "00FF...FF" },
	{ 0xB7, "ef-ccp2", 0x6F4F, LF, 5, 15, 0x16, 0 },
	{ 0xB8, "ef-ext4", 0x6F55, LF, 10, 13, 0x00, 0, "00FF...FF" },
	{ 0xB9, "ef-acl", 0x6F57, TR, 101, 0, 0x00, 0, "00FF...FF" },
	{ 0xBA, "ef-cmi", 0x6F58, LF, 10, 11, 0x00, 0 },
	{ 0xBB, "ef-ici", 0x6F80, CY, 20, 38, 0x14, H, "FF...FF0000000001FFFF" },
	{ 0xBC, "ef-oci", 0x6F81, CY, 20, 37, 0x15, H, "FF...FF00000001FFFF" },
	{ 0xBD, "ef-ict", 0x6F82, CY, 1, 3, 0x00, H, "000000" },
	{ 0xBE, "ef-oct", 0x6F83, CY, 1, 3, 0x00, H, "000000" },
	{ 0xBF1F, "ef-vgcs", 0x6FB1, TR, 20, 0, 0x00, G },
	{ 0xBF20, "ef-vgcss", 0x6FB2, TR, 7, 0, 0x00, G },
	{ 0xBF21, "ef-vbs", 0x6FB3, TR, 20, 0, 0x00, G },
	{ 0xBF22, "ef-vbss", 0x6FB4, TR, 7, 0, 0x00, G },
	{ 0xBF23, "ef-emlpp", 0x6FB5, TR, 2, 0, 0x00, G },
	{ 0xBF24, "ef-aaem", 0x6FB6, TR, 1, 0, 0x00, 0, "00" },
	{ 0xBF25, "ef-hiddenkey", 0x6FC3, TR, 4, 0, 0x00, 0 },
	{ 0xBF26, "ef-pnn", 0x6FC5, LF, 10, 16, 0x19, G },
	{ 0xBF27, "ef-opl", 0x6FC6, LF, 5, 8, 0x1A, G },
	{ 0xBF28, "ef-mbdn", 0x6FC7, LF, 3, 24, 0x00, G },
	{ 0xBF29, "ef-ext6", 0x6FC8, LF, 10, 13, 0x00, 0, "00FF...FF" },
	{ 0xBF2A, "ef-mbi", 0x6FC9, LF, 10, 5, 0x00, G },
	{ 0xBF2B, "ef-mwis", 0x6FCA, LF, 10, 6, 0x00, H, "00...00" },
	{ 0xBF2C, "ef-cfis", 0x6FCB, LF, 10, 16, 0x00, 0, "0100FF...FF" },
	{ 0xBF2D, "ef-ext7", 0x6FCC, LF, 10, 13, 0x00, 0, "00FF...FF" },
	{ 0xBF2E, "ef-spdi", 0x6FCD, TR, 17, 0, 0x1B, G },
	{ 0xBF2F, "ef-mmsn", 0x6FCE, LF, 10, 6, 0x00, 0, "000000FF...FF" },
	{ 0xBF30, "ef-ext8", 0x6FCF, LF, 10, 13, 0x00, 0, "00FF...FF" },
	{ 0xBF31, "ef-mmsicp", 0x6FD0, TR, 100, 0, 0x00, 0 },
	{ 0xBF32, "ef-mmsup", 0x6FD1, LF, 0, 0, 0x00, 0 },
	{ 0xBF33, "ef-mmsucp", 0x6FD2, TR, 100, 0, 0x00, 0 },
	{ 0xBF34, "ef-nia", 0x6FD3, LF, 5, 11, 0x00, 0 },
	{ 0xBF35, "ef-vgcsca", 0x6FD4, TR, 0, 0, 0x00, 0, "00...00" },
	{ 0xBF36, "ef-vbsca", 0x6FD5, TR, 0, 0, 0x00, 0, "00...00" },
	{ 0xBF37, "ef-gbabp", 0x6FD6, TR, 0, 0, 0x00, 0 },
	{ 0xBF38, "ef-msk", 0x6FD7, LF, 0, 0, 0x00, H },
	{ 0xBF39, "ef-muk", 0x6FD8, LF, 0, 0, 0x00, 0 },
	{ 0xBF3A, "ef-ehplmn", 0x6FD9, TR, 15, 0, 0x1D, 0 },
	{ 0xBF3B, "ef-gbanl", 0x6FDA, LF, 0, 0, 0x00, 0 },
	{ 0xBF3C, "ef-ehplmnpi", 0x6FDB, TR, 1, 0, 0x00, 0, "00" },
	{ 0xBF3D, "ef-lrplmnsi", 0x6FDC, TR, 1, 0, 0x00, 0, "00" },
	{ 0xBF3E, "ef-nafkca", 0x6FDD, LF, 0, 0, 0x00, 0 },
	{ 0xBF3F, "ef-spni", 0x6FDE, TR, 0, 0, 0x00, 0, "00FF...FF" },
	{ 0xBF40, "ef-pnni", 0x6FDF, LF, 0, 0, 0x00, 0, "00FF...FF" },
	{ 0xBF41, "ef-ncp-ip", 0x6FE2, LF, 0, 0, 0x00, G },
	{ 0xBF42, "ef-ufc", 0x6FE6, TR, 30, 0, 0x00, G },
	{ 0xBF43, "ef-nasconfig", 0x6FE8, TR, 18, 0, 0x00, G },
	{ 0xBF44, "ef-uicciari", 0x6FE7, LF, 0, 0, 0x00, G },
	{ 0xBF45, "ef-pws", 0x6FEC, TR, 0, 0, 0x00, G },
	{ 0xBF46, "ef-fdnuri", 0x6FED, LF, 0, 0, 0x00, 0 },
	{ 0xBF47, "ef-bdnuri", 0x6FEE, LF, 0, 0, 0x00, 0 },
	{ 0xBF48, "ef-sdnuri", 0x6FEF, LF, 0, 0, 0x00, 0 },
	{ 0xBF49, "ef-ial", 0x6FF0, LF, 0, 0, 0x00, 0 },
	{ 0xBF4A, "ef-ips", 0x6FF1, CY, 0, 4, 0x00, H },
	{ 0xBF4B, "ef-ipd", 0x6FF2, LF, 0, 0, 0x00, H },
	{ 0xBF4C, "ef-epdgid", 0x6FF3, TR, 0, 0, 0x00, G },
	{ 0xBF4D, "ef-epdgselection", 0x6FF4, TR, 0, 0, 0x00, G },
	{ 0xBF4E, "ef-epdgidem", 0x6FF5, TR, 0, 0, 0x00, G },
	{ 0xBF4F, "ef-epdgselectionem", 0x6FF6, TR, 0, 0, 0x00, 0 },
	{ 0xBF50, "ef-frompreferred", 0x6FF7, TR, 1, 0, 0x00, 0, "00" },
	{ 0xBF51, "ef-imsconfigdata", 0x6FF8, BT, 0, 0, 0x00, G },
	{ 0xBF52, "ef-3gpppsdataoff", 0x6FF9, TR, 4, 0, 0x00, G },
	{ 0xBF53, "ef-3gpppsdataoffservicelist", 0x6FFA, LF, 0, 0, 0x00, 0 },
	{ 0xBF54, "ef-xcapconfigdata", 0x6FFC, BT, 0, 0, 0x00, G },
	{ 0xBF55, "ef-earfcnlist", 0x6FFD, TR, 0, 0, 0x00, G },
	{ 0xBF56, "ef-mudmidconfigdata", 0x6FFE, BT, 0, 0, 0x00, 0 },
	{ 0xBF57, "ef-eaka", 0x6F01, TR, 1, 0, 0x00, G },
};

static const struct upp_file_def upp_files_gsm_access[] = {
	{ 0xA2, "df-gsm-access", 0x5F3B, DF, 0, 0, 0x00, M },
	{ 0xA3, "ef-kc", 0x4F20, TR, 9, 0, 0x01, H, "FF...FF07" },
	{ 0xA4, "ef-kcgprs", 0x4F52, TR, 9, 0, 0x02, H, "FF...FF07" },
	{ 0xA5, "ef-cpbcch", 0x4F63, TR, 10, 0, 0x00, H },
	{ 0xA6, "ef-invscan", 0x4F64, TR, 1, 0, 0x00, 0, "00" },
};

static const struct upp_file_def upp_files_df_5gs[] = {
	{ 0xA2, "df-df-5gs", 0x5FC0, DF, 0, 0, 0x00, M },
	{ 0xA3, "ef-5gs3gpploci", 0x4F01, TR, 20, 0, 0x01, H, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000001" },
	{ 0xA4, "ef-5gsn3gpploci", 0x4F02, TR, 20, 0, 0x02, H, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000001" },
	{ 0xA5, "ef-5gs3gppnsc", 0x4F03, LF, 2, 62, 0x03, H },
	{ 0xA6, "ef-5gsn3gppnsc", 0x4F04, LF, 2, 62, 0x04, H },
	{ 0xA7, "ef-5gauthkeys", 0x4F05, TR, 110, 0, 0x05, H | G },
	{ 0xA8, "ef-uac-aic", 0x4F06, TR, 4, 0, 0x06, G },
	{ 0xA9, "ef-suci-calc-info", 0x4F07, TR, 0, 0, 0x07, 0 },
	{ 0xAA, "ef-opl5g", 0x4F08, LF, 0, 10, 0x08, 0 },
	{ 0xAB, "ef-supinai", 0x4F09, TR, 0, 0, 0x09, G },
	{ 0xAC, "ef-routing-indicator", 0x4F0A, TR, 4, 0, 0x0A, 0, "F0FF0000" },
	{ 0xAD, "ef-ursp", 0x4F0B, BT, 0, 0, 0x00, 0 },
	{ 0xAE, "ef-tn3gppsnn", 0x4F0C, TR, 1, 0, 0x0C, 0, "00" },
	{ 0xAF, "ef-cag", 0x4F0D, TR, 2, 0, 0x0D, G },
	{ 0xB0, "ef-sor-cmci", 0x4F0E, TR, 0, 0, 0x0E, G },
	{ 0xB1, "ef-dri", 0x4F0F, TR, 7, 0, 0x0F, G },
	{ 0xB2, "ef-5gsedrx", 0x4F10, TR, 2, 0, 0x10, G },
	{ 0xB3, "ef-5gnswo-conf", 0x4F11, TR, 1, 0, 0x11, G },
	{ 0xB4, "ef-mchpplmn", 0x4F15, TR, 1, 0, 0x15, G },
	{ 0xB5, "ef-kausf-derivation", 0x4F16, TR, 1, 0, 0x16, G },
};

static const struct upp_file_def upp_files_df_saip[] = {
	{ 0xA2, "df-df-saip", 0x5FD0, DF, 0, 0, 0x00, M },
	{ 0xA3, "ef-suci-calc-info-usim", 0x4F01, TR, 0, 0, 0x00, 0 },
};

static const struct upp_file_def upp_files_isim[] = {
	{ 0xA2, "adf-isim", 0x7FB0, DF, 0, 0, 0x00, M },
	{ 0xA3, "ef-impi", 0x6F02, TR, 0, 0, 0x02, M | G },
	{ 0xA4, "ef-impu", 0x6F04, LF, 1, 0, 0x04, M | G },
	{ 0xA5, "ef-domain", 0x6F03, TR, 0, 0, 0x05, M | G },
	{ 0xA6, "ef-ist", 0x6F07, TR, 14, 0, 0x07, M | G },
	{ 0xA7, "ef-ad", 0x6FAD, TR, 3, 0, 0x03, 0, "000000" },
	{ 0xA8, "ef-arr", 0x6F06, LF, 0, 0, 0x06, M | G },
};

static const struct upp_file_def upp_files_opt_isim[] = {
	{ 0xA2, "ef-pcscf", 0x6F09, LF, 1, 0, 0x00, G },
	{ 0xA3, "ef-sms", 0x6F3C, LF, 10, 176, 0x00, 0, "00FF...FF" },
	{ 0xA4, "ef-smsp", 0x6F42, LF, 1, 38, 0x00, 0 },
	{ 0xA5, "ef-smss", 0x6F43, TR, 2, 0, 0x00, 0, "FFFF" },
	{ 0xA6, "ef-smsr", 0x6F47, LF, 10, 30, 0x00, 0, "00FF...FF" },
	{ 0xA7, "ef-gbabp", 0x6FD5, TR, 0, 0, 0x00, 0 },
	{ 0xA8, "ef-gbanl", 0x6FD7, LF, 0, 0, 0x00, 0 },
	{ 0xA9, "ef-nafkca", 0x6FDD, LF, 0, 0, 0x00, 0 },
	{ 0xAA, "ef-uicciari", 0x6FE7, LF, 0, 0, 0x00, G },
	{ 0xAB, "ef-frompreferred", 0x6FF7, TR, 1, 0, 0x00, 0, "00" },
	{ 0xAC, "ef-imsconfigdata", 0x6FF8, BT, 0, 0, 0x00, G },
	{ 0xAD, "ef-xcapconfigdata", 0x6FFC, BT, 0, 0, 0x00, G },
	{ 0xAE, "ef-webrtcuri", 0x6FFA, LF, 0, 0, 0x00, G },
	{ 0xAF, "ef-mudmidconfigdata", 0x6FFE, BT, 0, 0, 0x00, 0 },
};

static const struct upp_template upp_templates[] = {
	{ UPP_PE_MF, 1, true, 0x3F00, upp_files_mf, sizeof(upp_files_mf) / sizeof(upp_files_mf[0]) },
	{ UPP_PE_TELECOM, 3, false, 0x3F00, upp_files_telecom,
	  sizeof(upp_files_telecom) / sizeof(upp_files_telecom[0]) },
	{ UPP_PE_USIM, 4, true, 0x3F00, upp_files_usim, sizeof(upp_files_usim) / sizeof(upp_files_usim[0]) },
	{ UPP_PE_OPT_USIM, 5, false, 0, upp_files_opt_usim,
	  sizeof(upp_files_opt_usim) / sizeof(upp_files_opt_usim[0]) },
	{ UPP_PE_GSM_ACCESS, 7, false, 0, upp_files_gsm_access,
	  sizeof(upp_files_gsm_access) / sizeof(upp_files_gsm_access[0]) },
	{ UPP_PE_DF_5GS, 13, false, 0, upp_files_df_5gs, sizeof(upp_files_df_5gs) / sizeof(upp_files_df_5gs[0]) },
	{ UPP_PE_DF_SAIP, 14, false, 0, upp_files_df_saip, sizeof(upp_files_df_saip) / sizeof(upp_files_df_saip[0]) },
	{ UPP_PE_ISIM, 8, true, 0x3F00, upp_files_isim, sizeof(upp_files_isim) / sizeof(upp_files_isim[0]) },
	{ UPP_PE_OPT_ISIM, 9, false, 0, upp_files_opt_isim,
	  sizeof(upp_files_opt_isim) / sizeof(upp_files_opt_isim[0]) },
	{ UPP_PE_CD, 2, false, 0x3F00, NULL, 0 },
	{ UPP_PE_PHONEBOOK, 6, false, 0, NULL, 0 },
	{ UPP_PE_CSIM, 10, false, 0x3F00, NULL, 0 },
	{ UPP_PE_OPT_CSIM, 11, false, 0, NULL, 0 },
	{ UPP_PE_EAP, 12, false, 0, NULL, 0 },
	{ UPP_PE_DF_SNPN, 15, false, 0, NULL, 0 },
	{ UPP_PE_DF_5GPROSE, 16, false, 0, NULL, 0 },
};

const struct upp_template *upp_template(uint32_t pe_tag)
{
	size_t i;

	for (i = 0; i < sizeof(upp_templates) / sizeof(upp_templates[0]); i++) {
		if (upp_templates[i].pe == pe_tag)
			return &upp_templates[i];
	}
	return NULL;
}

const struct upp_file_def *upp_template_file(const struct upp_template *t, uint32_t tag)
{
	unsigned i;

	for (i = 0; i < t->n; i++) {
		if (t->files[i].tag == tag)
			return &t->files[i];
	}
	return NULL;
}

/* CSIM: names from the value notation of TS.48 v7, whose tags its DER gives; the files themselves come by their Fcp. */
struct upp_name {
	uint32_t tag;
	const char *name;
};

static const struct upp_name upp_names_csim[] = {
	{ 0xA2, "adf-csim" }, { 0xA3, "ef-arr" }, { 0xA4, "ef-call-count" }, { 0xA5, "ef-imsi-m" },
	{ 0xA6, "ef-imsi-t" }, { 0xA7, "ef-tmsi" }, { 0xA8, "ef-ah" }, { 0xA9, "ef-aop" }, { 0xAA, "ef-aloc" },
	{ 0xAB, "ef-cdmahome" }, { 0xAC, "ef-znregi" }, { 0xAD, "ef-snregi" }, { 0xAE, "ef-distregi" },
	{ 0xAF, "ef-accolc" }, { 0xB0, "ef-term" }, { 0xB1, "ef-acp" }, { 0xB2, "ef-prl" }, { 0xB3, "ef-ruimid" },
	{ 0xB4, "ef-csim-st" }, { 0xB5, "ef-spc" }, { 0xB6, "ef-otapaspc" }, { 0xB7, "ef-namlock" },
	{ 0xB8, "ef-ota" }, { 0xB9, "ef-sp" }, { 0xBA, "ef-esn-meid-me" }, { 0xBB, "ef-li" }, { 0xBC, "ef-usgind" },
	{ 0xBD, "ef-ad" }, { 0xBE, "ef-max-prl" }, { 0xBF1F, "ef-spcs" }, { 0xBF20, "ef-mecrp" },
	{ 0xBF21, "ef-home-tag" }, { 0xBF22, "ef-group-tag" }, { 0xBF23, "ef-specific-tag" },
	{ 0xBF24, "ef-call-prompt" },
};

static const struct upp_name upp_names_opt_csim[] = {
	{ 0xA2, "ef-ssci" }, { 0xA3, "ef-fdn" }, { 0xA4, "ef-sms" }, { 0xA5, "ef-smsp" }, { 0xA6, "ef-smss" },
	{ 0xA7, "ef-ssfc" }, { 0xA8, "ef-spn" }, { 0xA9, "ef-mdn" }, { 0xAA, "ef-ecc" }, { 0xAB, "ef-me3gpdopc" },
	{ 0xAC, "ef-3gpdopm" }, { 0xAD, "ef-sipcap" }, { 0xAE, "ef-mipcap" }, { 0xAF, "ef-sipupp" },
	{ 0xB0, "ef-mipupp" }, { 0xB1, "ef-sipsp" }, { 0xB2, "ef-mipsp" }, { 0xB3, "ef-sippapss" },
	{ 0xB6, "ef-hrpdcap" }, { 0xB7, "ef-hrpdupp" }, { 0xB8, "ef-csspr" }, { 0xB9, "ef-atc" },
	{ 0xBA, "ef-eprl" }, { 0xBE, "ef-bcsmsp" }, { 0xBF21, "ef-mmsn" }, { 0xBF22, "ef-ext8" },
	{ 0xBF23, "ef-mmsicp" }, { 0xBF24, "ef-mmsup" }, { 0xBF25, "ef-mmsucp" }, { 0xBF27, "ef-3gcik" },
	{ 0xBF29, "ef-gid1" }, { 0xBF2A, "ef-gid2" }, { 0xBF2C, "ef-sf-euimid" }, { 0xBF2D, "ef-est" },
	{ 0xBF2E, "ef-hidden-key" }, { 0xBF31, "ef-sdn" }, { 0xBF32, "ef-ext2" }, { 0xBF33, "ef-ext3" },
	{ 0xBF34, "ef-ici" }, { 0xBF35, "ef-oci" }, { 0xBF36, "ef-ext5" }, { 0xBF37, "ef-ccp2" },
	{ 0xBF39, "ef-model" },
};

static const struct upp_name *upp_names(uint32_t pe_tag, unsigned *n)
{
	*n = pe_tag == UPP_PE_CSIM ? sizeof(upp_names_csim) / sizeof(upp_names_csim[0]) :
	     pe_tag == UPP_PE_OPT_CSIM ? sizeof(upp_names_opt_csim) / sizeof(upp_names_opt_csim[0]) : 0;
	return pe_tag == UPP_PE_CSIM ? upp_names_csim : upp_names_opt_csim;
}

const char *upp_file_name(uint32_t pe_tag, uint32_t tag)
{
	const struct upp_template *t = upp_template(pe_tag);
	const struct upp_file_def *def = t ? upp_template_file(t, tag) : NULL;
	const struct upp_name *names;
	unsigned n, i;

	if (def)
		return def->name;
	names = upp_names(pe_tag, &n);
	for (i = 0; i < n; i++) {
		if (names[i].tag == tag)
			return names[i].name;
	}
	return NULL;
}

uint32_t upp_file_tag(uint32_t pe_tag, const char *name)
{
	const struct upp_template *t = upp_template(pe_tag);
	const struct upp_name *names;
	unsigned n, i;

	for (i = 0; t && i < t->n; i++) {
		if (!strcmp(t->files[i].name, name))
			return t->files[i].tag;
	}
	names = upp_names(pe_tag, &n);
	for (i = 0; i < n; i++) {
		if (!strcmp(names[i].name, name))
			return names[i].tag;
	}
	return 0;
}
