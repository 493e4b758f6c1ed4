/* The settings of a party (es_party_set) and the link's commands, the same in each daemon's VTY.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_link.h>

struct vty;

struct es_party_vty {
	int node;					/* the daemon's node party; vty->index is its party */
	struct es_party_set *(*set)(void *index);	/* strings become children of index */
	void (*apply)(void *index);
	struct es_link *(*link)(void);			/* NULL: not started */
	int link_node;					/* the daemon's own node, for the limits of the link */
	struct es_link_limits *(*limits)(void);		/* heeded at the next start */
	int (*reload)(void);				/* of other listeners with the same certificates; may be NULL */
};
void es_party_vty_init(const struct es_party_vty *v);	/* once; v stays the caller's and must outlive the VTY */
void es_link_vty_write(struct vty *vty, const struct es_link_limits *l);
void es_party_vty_write(struct vty *vty, const struct es_party_set *set);	/* what is not default */
