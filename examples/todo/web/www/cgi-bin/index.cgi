#!/bin/sh
# GET /?add=WORD -> queues a job for the workers. GET / -> what is done, and how often this page was asked for.
ask() { printf '%s\r\nQUIT\r\n' "$2" | nc -w 2 "$1" 6379 | tr -d '\r'; }
word=$(echo "$QUERY_STRING" | sed -n 's/.*add=\([a-z]*\).*/\1/p')
[ -z "$word" ] || ask db "LPUSH jobs $word" >/dev/null
printf 'Content-Type: text/plain\r\n\r\n'
echo "$TITLE"
echo "visits: $(ask cache 'INCR visits' | sed -n 's/^:\([0-9]*\)$/\1/p')"
ask db 'SMEMBERS done' | grep '^[a-z]' | sort | sed 's/^/done: /'
