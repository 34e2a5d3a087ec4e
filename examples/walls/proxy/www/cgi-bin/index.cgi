#!/bin/sh
# GET / -> what the API says. The proxy knows nothing of what is behind it.
printf 'Content-Type: text/plain\r\n\r\n'
wget -qO- http://api:8080/
