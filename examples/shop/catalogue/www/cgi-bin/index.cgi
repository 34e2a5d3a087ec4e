#!/bin/sh
# GET / -> the products, each with its price from the pricing service; counts its visitors in redis.
printf 'Content-Type: text/html\r\n\r\n'
visits=$(printf 'INCR catalogue\r\nQUIT\r\n' | nc -w 2 redis 6379 | sed -n 's/^:\([0-9]*\).*/\1/p')
echo "<ul data-visits=\"$visits\" data-by=\"$(hostname)\">"
for item in tea coffee cake; do
  echo "<li>$item $(wget -qO- "http://pricing/?item=$item")</li>"
done
echo "</ul>"
