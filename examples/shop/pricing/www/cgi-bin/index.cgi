#!/bin/sh
# GET /?item=NAME -> its price. Stateless: any copy may answer, and says which one did.
item=$(echo "$QUERY_STRING" | sed -n 's/.*item=\([a-z]*\).*/\1/p')
printf 'Content-Type: text/plain\r\n\r\n'
echo "price=$((${#item} * 100 + 99)) by=$(hostname)"
