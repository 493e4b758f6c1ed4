/* What the parts of the package interpreter share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/profile/upp_file.h>

#include "install.h"

#define INSTALL_STATUS_MAX 32
#define INSTALL_PE_MAX (3U << 20)	/* one element: an application may be nearly all of a package of 2 MB */
#define INSTALL_FILES_MAX 2000
#define INSTALL_FILE_COST 32	/* octets of memory a file takes beside its body */

struct install {
	size_t limit;
	struct bytes *in;		/* the element not yet complete */
	struct usim_fs *fs;
	unsigned n_pe, n_files;
	bool done, failed;
	struct {
		uint16_t status;
		int id;
	} status[INSTALL_STATUS_MAX];
	unsigned n_status;
	struct usim_file *df;		/* what pinCodes and akaParameter apply to (digest 1.3 rule 5) */
	struct usim_file *usim, *isim, *csim;	/* the last of each: where optional elements go */
};

enum install_status install_account(struct install *inst, size_t octets);

/* install_file.c */
enum install_status install_template(struct install *inst, const struct upp_pe *pe);
enum install_status install_gfm(struct install *inst, const struct upp_pe *pe);

/* install_code.c */
enum install_status install_pins(struct install *inst, const struct upp_pe *pe);
enum install_status install_puks(struct install *inst, const struct upp_pe *pe);
enum install_status install_pins_complete(const struct usim_fs *fs);
enum install_status install_aka(struct install *inst, const struct upp_pe *pe);

/* install_sd.c */
enum install_status install_sd(struct install *inst, const struct upp_pe *pe);
enum install_status install_rfm(struct install *inst, const struct upp_pe *pe);
