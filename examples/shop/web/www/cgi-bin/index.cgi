#!/bin/sh
# GET / -> the page, put together over HTTP from the services that it finds by their short names.
printf 'Content-Type: text/html\r\n\r\n'
echo "<html><body><h1>shop</h1>"
echo "<p>$(wget -qO- 'http://auth/?user=ada')</p>"
wget -qO- http://catalogue/
echo "<p>web by=$(hostname)</p></body></html>"
