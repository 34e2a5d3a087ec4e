/* Prints every IPv4 address that getaddrinfo gives for a name, one a line; linked against musl by the tests. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  struct addrinfo hints, *found, *one;
  char text[INET_ADDRSTRLEN];
  int failed;
  if (argc != 2) return 2;
  memset(&hints, 0, sizeof hints);
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  failed = getaddrinfo(argv[1], NULL, &hints, &found);
  if (failed) {
    fprintf(stderr, "%s\n", gai_strerror(failed));
    return 1;
  }
  for (one = found; one != NULL; one = one->ai_next)
    if (one->ai_family == AF_INET)
      puts(inet_ntop(AF_INET, &((struct sockaddr_in *)one->ai_addr)->sin_addr, text, sizeof text));
  return 0;
}
