# Sends Ethernet frames as they are given, as a process with NET_RAW can: perl send-frames.pl LINK HEX… Needs root (a packet socket).
use strict;
use warnings;
use Socket;
my ($link, @frames) = @ARGV;
socket(my $socket, 17, SOCK_RAW, unpack('S', pack('n', 3))) or die "packet socket: $!\n";
my $request = pack('a16 x24', $link);
ioctl($socket, 0x8933, $request) or die "no link $link: $!\n";    # SIOCGIFINDEX
my $index = unpack('x16 i', $request);
bind($socket, pack('S n i S C C a8', 17, 3, $index, 0, 0, 0, '')) or die "bind: $!\n";
for my $hex (@frames) { send($socket, pack('H*', $hex), 0) or die "send: $!\n" }
