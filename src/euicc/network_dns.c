/* The simulated network's name server: answers A and AAAA for the names it is told, nobody else's (RFC 1035 4.1, RFC
 * 3596).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/logging.h>

#include "network_priv.h"

#define DNS_NAMES_MAX 256
#define DNS_MESSAGE_MAX 512
#define DNS_ANSWERS_MAX 8
#define DNS_TTL 30		/* seconds */
#define DNS_A 1
#define DNS_AAAA 28
#define DNS_NXDOMAIN 3

struct network_dns_name {
	struct llist_head entry;
	char name[128];
	uint8_t ip[16];
	size_t ip_len;
};

struct network_dns {
	struct osmo_fd ofd;
	char ip[16];			/* as told */
	uint16_t port;
	struct llist_head names;
	unsigned n_names;
	unsigned long queries, unknown, bad;
};

/* The one question: its name dotted, the octets it took. No compression in a question. */
static int dns_question(struct rd *r, char *name, size_t size, uint16_t *type)
{
	size_t n = 0;
	uint8_t l;

	while ((l = rd_u8(r)) && !r->bad) {
		const uint8_t *p = rd_take(r, l);

		if (l > 63 || !p || n + l + 2 > size)
			return -EINVAL;
		if (n)
			name[n++] = '.';
		memcpy(name + n, p, l);
		n += l;
	}
	name[n] = '\0';
	*type = rd_u16(r);
	return rd_u16(r) == 1 && !r->bad ? 0 : -EINVAL;	/* class IN */
}

static void dns_record(struct bytes *out, uint16_t type, const struct network_dns_name *n)
{
	bytes_put_u16(out, 0xC00C);	/* the question's name */
	bytes_put_u16(out, type);
	bytes_put_u16(out, 1);
	bytes_put_u32(out, DNS_TTL);
	bytes_put_u16(out, n->ip_len);
	bytes_put(out, n->ip, n->ip_len);
}

/* 0 and the answer, or -EINVAL: no question that can be answered. */
static int dns_answer(struct network_dns *d, struct bytes *out, const uint8_t *in, size_t len)
{
	const struct network_dns_name *n;
	struct bytes *records = bytes_new(out, DNS_MESSAGE_MAX);
	unsigned known = 0, answers = 0;
	uint16_t id, flags, type;
	char name[256];
	struct rd r;

	rd_init(&r, in, len);
	id = rd_u16(&r);
	flags = rd_u16(&r);
	if (flags & 0x8000 || rd_u16(&r) != 1)
		return -EINVAL;
	rd_take(&r, 6);
	if (dns_question(&r, name, sizeof(name), &type) < 0)
		return -EINVAL;
	llist_for_each_entry(n, &d->names, entry) {
		if (strcasecmp(n->name, name))
			continue;
		known++;
		if (n->ip_len == (type == DNS_A ? 4 : type == DNS_AAAA ? 16 : 0) && answers < DNS_ANSWERS_MAX) {
			dns_record(records, type, n);
			answers++;
		}
	}
	d->unknown += !known;
	bytes_put_u16(out, id);
	bytes_put_u16(out, 0x8480 | (flags & 0x0100) | (known ? 0 : DNS_NXDOMAIN));
	bytes_put_u16(out, 1);
	bytes_put_u16(out, answers);
	bytes_put_u32(out, 0);
	bytes_put(out, in + 12, len - 12 - r.left);
	bytes_put_bytes(out, records);
	return out->err;
}

static int dns_read(struct osmo_fd *ofd, unsigned int what)
{
	struct network_dns *d = ofd->data;
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	uint8_t buf[DNS_MESSAGE_MAX];
	ssize_t n = recvfrom(ofd->fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);
	struct bytes *out;

	if (n <= 0)
		return 0;
	d->queries++;
	out = bytes_new(d, 2 * DNS_MESSAGE_MAX);
	if (dns_answer(d, out, buf, n) == 0)
		sendto(ofd->fd, out->data, out->len, 0, (struct sockaddr *)&from, from_len);
	else
		d->bad++;
	talloc_free(out);
	return 0;
}

static int dns_destroy(struct network_dns *d)
{
	if (d->ofd.fd >= 0) {
		osmo_fd_unregister(&d->ofd);
		close(d->ofd.fd);
	}
	return 0;
}

static struct network_dns *dns_get(struct network *net)
{
	struct network_dns *d = net->dns;

	if (d)
		return d;
	d = net->dns = talloc_zero(net, struct network_dns);
	d->ofd.fd = -1;
	INIT_LLIST_HEAD(&d->names);
	talloc_set_destructor(d, dns_destroy);
	return d;
}

int network_dns_listen(struct network *net, const char *ip, uint16_t port)
{
	struct network_dns *d = dns_get(net);
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	socklen_t len = sizeof(sin);
	int fd;

	if (inet_pton(AF_INET, ip, &sin.sin_addr) != 1)
		return -EINVAL;
	if (d->ofd.fd >= 0)
		return -EALREADY;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	osmo_fd_setup(&d->ofd, fd, OSMO_FD_READ, dns_read, d, 0);
	if (bind(fd, (struct sockaddr *)&sin, len) == 0 && getsockname(fd, (struct sockaddr *)&sin, &len) == 0 &&
	    osmo_fd_register(&d->ofd) == 0) {
		osmo_strlcpy(d->ip, ip, sizeof(d->ip));
		d->port = port;
		return ntohs(sin.sin_port);
	}
	close(fd);
	d->ofd.fd = -1;
	return -EADDRINUSE;
}

int network_dns_name(struct network *net, const char *name, const char *ip)
{
	struct network_dns *d = dns_get(net);
	struct network_dns_name *n;

	if (d->n_names >= DNS_NAMES_MAX)
		return -ENOSPC;
	if (!*name || strlen(name) >= sizeof(n->name))
		return -EINVAL;
	n = talloc_zero(d, struct network_dns_name);
	osmo_strlcpy(n->name, name, sizeof(n->name));
	n->ip_len = inet_pton(AF_INET, ip, n->ip) == 1 ? 4 : inet_pton(AF_INET6, ip, n->ip) == 1 ? 16 : 0;
	if (!n->ip_len) {
		talloc_free(n);
		return -EINVAL;
	}
	llist_add_tail(&n->entry, &d->names);
	d->n_names++;
	return 0;
}

int network_dns_forget(struct network *net, const char *name)
{
	struct network_dns *d = dns_get(net);
	struct network_dns_name *n, *n2;
	int rc = -ENOENT;

	llist_for_each_entry_safe(n, n2, &d->names, entry) {
		if (strcasecmp(n->name, name))
			continue;
		llist_del(&n->entry);
		talloc_free(n);
		d->n_names--;
		rc = 0;
	}
	return rc;
}

char *network_dns_config(const struct network *net, void *ctx)
{
	const struct network_dns *d = net->dns;
	char *text = talloc_strdup(ctx, ""), ip[46];
	const struct network_dns_name *n;

	if (d && d->ofd.fd >= 0)
		text = talloc_asprintf_append(text, "dns listen %s %u\n", d->ip, d->port);
	if (d)
		llist_for_each_entry(n, &d->names, entry)
			text = talloc_asprintf_append(text, "dns name %s %s\n", n->name,
						      inet_ntop(n->ip_len == 4 ? AF_INET : AF_INET6, n->ip, ip,
								sizeof(ip)));
	return text;
}

char *network_dns_describe(const struct network *net, char *text)
{
	const struct network_dns *d = net->dns;

	if (!d)
		return text;
	return talloc_asprintf_append(text, "DNS: %u names, %lu queries, %lu of unknown names, %lu not understood\n",
				      d->n_names, d->queries, d->unknown, d->bad);
}
