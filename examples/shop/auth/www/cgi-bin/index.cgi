#!/bin/sh
# GET /?user=NAME -> logs the user in: a session number from redis.
user=$(echo "$QUERY_STRING" | sed -n 's/.*user=\([a-z]*\).*/\1/p')
printf 'Content-Type: text/plain\r\n\r\n'
session=$(printf 'INCR sessions\r\nQUIT\r\n' | nc -w 2 redis 6379 | sed -n 's/^:\([0-9]*\).*/\1/p')
echo "user=${user:-guest} session=$session by=$(hostname)"
