/* Reads and prints internet addresses. */
#include "os/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool port_of(const char *text, unsigned *out)
{
	size_t n = strspn(text, "0123456789");
	if (!n || n > 5 || text[n])
		return false;
	*out = (unsigned)strtoul(text, NULL, 10);
	return *out <= 65535;
}

/* The text in front of the port as an address of a family; false when it is none. */
static bool address_of(const char *text, size_t size, struct sockaddr_storage *out, unsigned port, socklen_t *length)
{
	char host[INET6_ADDRSTRLEN];
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	bool six = size > 2 && text[0] == '[' && text[size - 1] == ']';
	size_t skip = six ? 1 : 0;
	if (size - 2 * skip >= sizeof host)
		return false;
	memcpy(host, text + skip, size - 2 * skip);
	host[size - 2 * skip] = '\0';
	out->ss_family = six ? AF_INET6 : AF_INET;
	*length = six ? sizeof *in6 : sizeof *in;
	if (six)
		in6->sin6_port = htons((uint16_t)port);
	else
		in->sin_port = htons((uint16_t)port);
	return inet_pton(out->ss_family, host, six ? (void *)&in6->sin6_addr : (void *)&in->sin_addr) == 1;
}

bool address_parse(const char *text, struct sockaddr_storage *out, socklen_t *size, struct err *e)
{
	static const char localhost[] = "localhost", four[] = "127.0.0.1";
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	unsigned port;
	memset(out, 0, sizeof *out);
	if (!colon || !port_of(colon + 1, &port))
		return err_set(e, CODE_CONFIG_INVALID, "listen = %.60s: it must end with a port, 0 to 65535", text);
	bool local = n == sizeof localhost - 1 && !memcmp(text, localhost, n);
	if (address_of(local ? four : text, local ? sizeof four - 1 : n, out, port, size))
		return true;
	return err_set(e, CODE_CONFIG_INVALID,
	    "listen = %.60s: it must be an IPv4 address, [IPv6 address] or localhost, and a port", text);
}

bool address_is_loopback(const struct sockaddr_storage *a)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;
	return (a->ss_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_LOOPBACK)) ||
	       (a->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
}

bool address_is_local(const char *text)
{
	struct sockaddr_storage a;
	socklen_t size;
	return address_parse(text, &a, &size, NULL) && address_is_loopback(&a);
}

void address_text(const struct sockaddr *a, char *out, size_t size)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;
	const void *bytes = a->sa_family == AF_INET ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr;
	if ((a->sa_family != AF_INET && a->sa_family != AF_INET6) ||
	    !inet_ntop(a->sa_family, bytes, out, (socklen_t)size))
		out[0] = '\0';
}
