#!/bin/sh
# GET / -> the schema that the store has.
printf 'Content-Type: text/plain\r\n\r\n'
echo "schema: $(printf 'GET schema\r\nQUIT\r\n' | nc -w 2 vault 6379 | tr -d '\r' | sed -n 2p)"
