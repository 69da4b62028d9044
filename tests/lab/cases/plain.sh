echo "no word of who runs it: $1"
