/* Preloaded into Debian's user-mode Linux (6.1), whose buffer for a process's extended state is as large as AVX-512 needs.
 * Where the CPU has more (AMX), PTRACE_SETREGSET wants all of it and fails with EFAULT. Here the rest is added as it is.
 *	cc -shared -fPIC -o xstate.so xstate.c && LD_PRELOAD=./xstate.so linux.uml ...
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#define _GNU_SOURCE
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef NT_X86_XSTATE
#define NT_X86_XSTATE 0x202
#endif

static long set_xstate(pid_t pid, const struct iovec *part)
{
	static char all[65536] __attribute__((aligned(64)));	/* user-mode Linux is one thread */
	struct iovec iov = { all, sizeof(all) };

	if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov) < 0 || iov.iov_len <= part->iov_len)
		return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, part);
	memcpy(all, part->iov_base, part->iov_len);
	return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov);
}

long ptrace(enum __ptrace_request request, ...)
{
	long addr, data, peeked = 0, rc;
	pid_t pid;
	va_list ap;

	va_start(ap, request);
	pid = va_arg(ap, pid_t);
	addr = va_arg(ap, long);
	data = va_arg(ap, long);
	va_end(ap);
	if (request == PTRACE_SETREGSET && addr == NT_X86_XSTATE)
		return set_xstate(pid, (const struct iovec *)data);
	/* glibc's: a peeked word comes back as the result */
	if (request >= PTRACE_PEEKTEXT && request <= PTRACE_PEEKUSER)
		data = (long)&peeked;
	rc = syscall(SYS_ptrace, request, pid, addr, data);
	return rc >= 0 && request >= PTRACE_PEEKTEXT && request <= PTRACE_PEEKUSER ? peeked : rc;
}
