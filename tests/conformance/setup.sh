#!/bin/sh
# Prepares what `conformance` needs in DIR: the unpacked source package (DIR/ansible) and a disposable Debian 12 root (DIR/root, 1.5 GB, about 5 minutes).
# Run as root, by `conformance setup`. The mirror is the one that this machine's own apt uses; what is complete already is left alone.
set -eu
D=${1:?directory}; mkdir -p "$D"; D=$(cd "$D" && pwd); R=$D/root; V=2.19.14
export DEBIAN_FRONTEND=noninteractive
need() { command -v "$1" >/dev/null || apt-get install -y -qq --no-install-recommends "$2" >/dev/null 2>&1 || { apt-get -qq update; apt-get install -y -qq --no-install-recommends "$2" >/dev/null; }; }
python3 -m pip --version >/dev/null 2>&1 || need pip3 python3-pip
if [ ! -d "$D/ansible/test" ]; then
  python3 -m pip download -q --no-deps --no-binary :all: -d "$D/sdist" "ansible-core==$V"
  mkdir -p "$D/ansible.tmp"; tar xzf "$D/sdist/ansible_core-$V.tar.gz" -C "$D/ansible.tmp" --strip-components=1; mv "$D/ansible.tmp" "$D/ansible"
fi
[ -f "$R/.complete" ] && exit 0
rm -rf "$R"
need debootstrap debootstrap; need ssh-keygen openssh-client; need unshare util-linux
MIRROR=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } | grep -E '^(deb |URIs:)' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1 | tr -d ' ')
debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,python3-apt,openssh-server,openssh-client,sudo,git,curl,ca-certificates,locales,procps,psmisc,iproute2,rsync,unzip,zip,bzip2,xz-utils,zstd,acl,cron,gnupg,make,gcc,libc6-dev,python3-dev,subversion,attr,tzdata,e2fsprogs,file,less,lsb-release,jq,openssl,iptables,kmod,net-tools,iputils-ping,python3-debian,sshpass,man-db,apt-utils,apache2,apache2-utils,libapache2-mod-svn,libfaketime,libuser,debconf-utils,netcat-openbsd,virtualenv,expect,golang-go bookworm "$R" "$MIRROR" >"$D/debootstrap.log" 2>&1
cp /etc/resolv.conf "$R/etc/resolv.conf"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.1.1 conf-target\n' > "$R/etc/hosts"; echo conf-target > "$R/etc/hostname"
printf 'deb %s bookworm main\ndeb %s bookworm-updates main\ndeb %s-security bookworm-security main\n' "${MIRROR%/}" "${MIRROR%/}" "${MIRROR%/}" > "$R/etc/apt/sources.list"
cp /etc/ssl/certs/ca-certificates.crt "$R/etc/ssl/certs/ca-certificates.crt"
printf '[global]\ncert=/etc/ssl/certs/ca-certificates.crt\ndefault-timeout=180\ndisable-pip-version-check=1\n' > "$R/etc/pip.conf"
rm -f "$R/usr/lib/python3.11/EXTERNALLY-MANAGED"
printf '#!/bin/sh\nexit 101\n' > "$R/usr/sbin/policy-rc.d"; chmod 755 "$R/usr/sbin/policy-rc.d"
sed -i 's/^# *en_US.UTF-8/en_US.UTF-8/' "$R/etc/locale.gen"
mkdir -p -m 700 "$R/root/.ssh" "$R/opt/wheels"
[ -f "$R/root/.ssh/id_rsa" ] || ssh-keygen -q -m PEM -t rsa -b 2048 -N '' -C throwaway -f "$R/root/.ssh/id_rsa"
cp "$R/root/.ssh/id_rsa.pub" "$R/root/.ssh/authorized_keys"
export R
unshare --mount --pid --fork --kill-child=KILL sh -c 'mount -t proc proc "$R/proc"; mount --bind /dev "$R/dev"; exec chroot "$R" sh -c "
 set -e; export LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive; locale-gen >/dev/null; apt-get update -qq
 python3 -m pip install -q --root-user-action=ignore jinja2==3.1.6 PyYAML cryptography packaging \"resolvelib<2\" passlib==1.7.4 \"bcrypt<4.1\" pexpect==4.9.0 paramiko virtualenv mock pytest setuptools wheel jmespath netaddr toml tomli tomli-w coverage docutils argcomplete build
 cd /opt/wheels; for s in pexpect==4.8.0 \"pexpect==4.9.0 passlib==1.7.4\" \"Jinja2==3.1.6 tomli toml tomli-w docutils argcomplete build wheel virtualenv mock\" \"--only-binary=:all: trustme cryptography setuptools ptyprocess MarkupSafe pyproject_hooks packaging\"; do python3 -m pip download -q --no-deps \$s; done
 python3 -m pip download -q trustme; apt-get clean"'
# Real ansible-core, for `conformance run --ansible`: what a target should do.
python3 -m pip install -q --root-user-action=ignore --no-deps --target "$D/ansible-dist" --upgrade "ansible-core==$V"
touch "$R/.complete"
