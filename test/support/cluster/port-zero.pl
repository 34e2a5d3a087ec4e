# Sends one UDP packet with source port 0, which no socket of Node can: perl port-zero.pl DESTINATION PORT HEX. Needs root (a raw socket).
use strict;
use warnings;
use Socket;
my ($to, $port, $hex) = @ARGV;
my $data = pack('H*', $hex);
socket(my $socket, PF_INET, SOCK_RAW, getprotobyname('udp') // 17) or die "raw socket: $!\n";
my $packet = pack('n4', 0, $port, 8 + length $data, 0) . $data;    # checksum 0: none
send($socket, $packet, 0, sockaddr_in(0, inet_aton($to))) or die "send: $!\n";
