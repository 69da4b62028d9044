#!/bin/sh
# What `script` brings to a host: says what it is given, and ends as told.
echo "$# words: $*"
echo "who: ${WHO:-nobody}"
case $1 in
where) pwd ;;
touch) touch "$2" ;;
fail) exit "$2" ;;
esac
