# Takes one job after the other from the queue in the database, and enters it among those that are done.
ask() { printf '%s\r\nQUIT\r\n' "$1" | nc -w 2 db 6379 | tr -d '\r'; }
while :; do
  word=$(ask 'RPOP jobs' | grep '^[a-z]' | head -n 1)
  if [ -n "$word" ]; then
    ask "SADD done $word-by-$(hostname)" >/dev/null
    echo "did $word"
  else
    sleep 0.2
  fi
done
