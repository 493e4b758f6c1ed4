/* The VTY of osmo-smsr.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/vty/command.h>

#define SMSR_VTY_MASKED "********"	/* a password, on a screen */

enum { SMSR_NODE = _LAST_OSMOVTY_NODE + 1, PARTY_NODE, SMSC_NODE };

struct smsr;
extern struct smsr *g_smsr;

void smsr_vty_init(void);
void smsr_vty_lines(struct vty *vty, const char *indent, char *text);	/* cuts text up; NULL: nothing */
void smsr_vty_euicc_init(void);
void smsr_vty_grant_init(void);
void smsr_vty_audit_init(void);
void smsr_vty_audit_write(struct vty *vty);	/* in node smsr */
void smsr_vty_json_init(void);
int smsr_vty_json_reload(void);
void smsr_vty_json_write(struct vty *vty);	/* in node smsr */
void smsr_vty_json_write_party(struct vty *vty, const char *id);
void smsr_vty_scp81_init(void);
void smsr_vty_scp81_write(struct vty *vty);	/* in node smsr */
void smsr_vty_bearer_init(void);
void smsr_vty_bearer_write(struct vty *vty);
struct smsr_party;
void smsr_vty_bearer_write_party(struct vty *vty, const struct smsr_party *p);
struct euicc;
void smsr_vty_bearer_show(struct vty *vty, const struct euicc *e);
struct euicc *smsr_vty_euicc_find(struct vty *vty, const char *eid);	/* NULL: said why */
void smsr_vty_smsc_init(void);
void smsr_vty_smsc_ctrl(void);			/* once the CTRL interface is there */
void smsr_vty_smsc_write_limits(struct vty *vty);
