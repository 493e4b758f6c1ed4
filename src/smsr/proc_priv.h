/* What proc.c and proc_card.c share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "proc.h"

const struct proc_ops *proc_ops(const struct proc *p);
void proc_send_again(struct proc *p);
