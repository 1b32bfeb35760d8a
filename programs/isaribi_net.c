/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/isaribi_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"

/* Networks between containers: nobody outside can reach them. */
static bool is_virtual(const char *name)
{
	static const char *const prefixes[] = { "docker", "br-", "veth", "virbr", "cni", "podman", "lxc" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

static bool is_global(const struct ifaddrs *interface, in_addr_t address)
{
	bool is_link_local = (ntohl(address) >> 16) == 0xa9fe; /* RFC 3927: 169.254/16 */

	return (interface->ifa_flags & IFF_UP) != 0 && (interface->ifa_flags & IFF_LOOPBACK) == 0 && !is_link_local;
}

static bool find_host(const struct ifaddrs *interfaces, bool may_be_virtual, char out[NET_HOST_SIZE])
{
	for (const struct ifaddrs *i = interfaces; i; i = i->ifa_next) {
		struct sockaddr_in address;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(&address, i->ifa_addr, sizeof(address));
		if (!is_global(i, address.sin_addr.s_addr) || (!may_be_virtual && is_virtual(i->ifa_name)))
			continue;
		return inet_ntop(AF_INET, &address.sin_addr, out, NET_HOST_SIZE) != NULL;
	}
	return false;
}

void net_lan_host(char out[NET_HOST_SIZE])
{
	struct ifaddrs *interfaces = NULL;

	if (getifaddrs(&interfaces) != 0)
		interfaces = NULL;
	if (!find_host(interfaces, false, out) && !find_host(interfaces, true, out))
		snprintf(out, NET_HOST_SIZE, "127.0.0.1");
	if (interfaces)
		freeifaddrs(interfaces);
}

int net_try_bind(const struct listen_address *address, bool is_udp)
{
	const int type = is_udp ? SOCK_DGRAM : SOCK_STREAM;
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = type };
	struct addrinfo *found = NULL;
	const int on = !is_udp;
	char port[8];
	int err = 0;
	int fd;

	snprintf(port, sizeof(port), "%u", address->port);
	if (getaddrinfo(address->host, port, &hints, &found) != 0)
		return -EINVAL;
	fd = socket(found->ai_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err = -errno;
	} else {
		/* What a TCP connection of before left behind is no reason; a listener is. Of UDP two could share. */
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || (!is_udp && listen(fd, 1) != 0))
			err = -errno;
		close(fd);
	}
	freeaddrinfo(found);
	return err;
}
