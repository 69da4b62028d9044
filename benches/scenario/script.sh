# The scenario of play.yml as one shell script over one bare ssh: the floor. $root is set before; the release comes along in base64.
set -eu
mkdir -p "$root" && cd "$root"
mkdir -p etc/conf.d srv/data etc/private
chmod 755 etc etc/conf.d srv srv/data; chmod 700 etc/private
put() { cat >"$2.new"; if cmp -s "$2.new" "$2"; then rm "$2.new"; else chmod "$1" "$2.new"; mv "$2.new" "$2"; fi; }
put 644 etc/main.conf <<'END'
# main configuration of the service
workers = 4
root = /srv
upstream = 10.0.0.1
upstream = 10.0.0.2
upstream = 10.0.0.3
END
put 644 etc/conf.d/site.conf <<'END'
site {
    server 10.0.0.1:8001 weight=4;
    server 10.0.0.2:8002 weight=8;
    server 10.0.0.3:8003 weight=12;
}
END
echo token-for-the-service | put 600 etc/private/token
for word in alpha beta gamma delta epsilon; do echo "snippet $word" | put 644 etc/conf.d/$word.conf; done
base64 -d <<'END' | put 644 srv/release.bin
@RELEASE@
END
echo hello | put 644 srv/hello.txt
touch etc/limits; chmod 644 etc/limits
grep -qx 'nofile 4096' etc/limits || echo 'nofile 4096' >>etc/limits
grep -qx 'nproc 512' etc/limits || echo 'nproc 512' >>etc/limits
[ "$(readlink srv/current)" = release.bin ] || ln -sfn release.bin srv/current
rm -f srv/previous
[ -e srv/data/ready ] || { echo ready >srv/data/ready; chmod 644 srv/data/ready; }
cksum srv/release.bin | grep -q 262144
