#!/bin/sh
# Prepares what `conformance` needs in DIR: the unpacked source package (DIR/ansible), a disposable Debian 12 root
# (DIR/root, 1.4 GB, some minutes) and real ansible-core (DIR/ansible-dist). Run as root, by `conformance setup`.
# The mirror is the one that this machine's own apt uses; what is complete already is left alone.
set -eu
version=2.19.14
mkdir -p "${1:?directory}"
data=$(cd "$1" && pwd)
root=$data/root
export DEBIAN_FRONTEND=noninteractive

install() { apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1; }
need() { command -v "$1" >/dev/null || install "$2" || { apt-get -qq update >/dev/null && install "$2"; }; }
need debootstrap debootstrap
need ssh-keygen openssh-client
python3 -m pip --version >/dev/null 2>&1 || need pip3 python3-pip

if [ ! -d "$data/ansible/test" ]; then
  python3 -m pip download -q --no-deps --no-binary :all: -d "$data/sdist" "ansible-core==$version"
  rm -rf "$data/ansible.part"
  mkdir -p "$data/ansible.part"
  tar xzf "$data/sdist/ansible_core-$version.tar.gz" -C "$data/ansible.part" --strip-components=1
  mv "$data/ansible.part" "$data/ansible"
fi
[ ! -f "$root/.complete" ] || exit 0

# What ansible-test's own Debian container has, as far as the open targets ask for it.
packages=python3,python3-venv,python3-pip,python3-apt,python3-dev,python3-debian,virtualenv,
packages=$packages,openssh-server,openssh-client,sshpass,sudo,git,subversion,curl,ca-certificates,locales,procps,psmisc,
packages=$packages,iproute2,iptables,net-tools,iputils-ping,netcat-openbsd,rsync,unzip,zip,bzip2,xz-utils,zstd,acl,attr,cron,gnupg,
packages=$packages,make,gcc,libc6-dev,golang-go,tzdata,e2fsprogs,file,less,lsb-release,jq,openssl,kmod,man-db,apt-utils,
packages=$packages,apache2,apache2-utils,libapache2-mod-svn,libfaketime,libuser,debconf-utils,expect
packages=$(printf %s "$packages" | sed 's/,,*/,/g')
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
  sed -n -E '/^(deb |URIs:)/ s#.*(https?://[^ ]+/debian)/?( .*)?$#\1#p' | head -n 1)
[ -n "$mirror" ] || { echo "no Debian mirror in this machine's apt sources" >&2; exit 1; }
rm -rf "$root"
debootstrap --variant=minbase --include="$packages" bookworm "$root" "$mirror" >"$data/debootstrap.log" 2>&1 ||
  { tail -n 5 "$data/debootstrap.log" >&2; exit 1; }

cp /etc/resolv.conf "$root/etc/resolv.conf"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.1.1 conf-target\n' >"$root/etc/hosts"
echo conf-target >"$root/etc/hostname"
printf 'deb %s bookworm main\ndeb %s bookworm-updates main\ndeb %s-security bookworm-security main\n' \
  "$mirror" "$mirror" "$mirror" >"$root/etc/apt/sources.list"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
printf '[global]\ncert=/etc/ssl/certs/ca-certificates.crt\ndefault-timeout=180\ndisable-pip-version-check=1\n' >"$root/etc/pip.conf"
rm -f "$root/usr/lib/python3.11/EXTERNALLY-MANAGED"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
sed -i 's/^# *en_US.UTF-8/en_US.UTF-8/' "$root/etc/locale.gen"
mkdir -p -m 700 "$root/root/.ssh" "$root/opt/wheels"
ssh-keygen -q -m PEM -t rsa -b 2048 -N '' -C throwaway -f "$root/root/.ssh/id_rsa"
cp "$root/root/.ssh/id_rsa.pub" "$root/root/.ssh/authorized_keys"

# Inside: what the targets import, and the wheels from which pip works where no network is.
cat >"$root/root/inside.sh" <<'END'
set -e
export LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive
locale-gen >/dev/null
apt-get update -qq
pip() { python3 -m pip "$@"; }
pip install -q --root-user-action=ignore jinja2==3.1.6 PyYAML cryptography packaging 'resolvelib<2' passlib==1.7.4 'bcrypt<4.1' pexpect==4.9.0 \
  paramiko virtualenv mock pytest setuptools wheel jmespath netaddr toml tomli tomli-w coverage docutils argcomplete build
cd /opt/wheels
pip download -q --no-deps pexpect==4.8.0
pip download -q --no-deps pexpect==4.9.0 passlib==1.7.4
pip download -q --no-deps Jinja2==3.1.6 tomli toml tomli-w docutils argcomplete build wheel virtualenv mock
pip download -q --no-deps --only-binary=:all: trustme cryptography setuptools ptyprocess MarkupSafe pyproject_hooks packaging
pip download -q trustme
apt-get clean
END
export root
unshare --mount --pid --fork --kill-child=KILL sh -c \
  'mount -t proc proc "$root/proc"; mount --bind /dev "$root/dev"; exec chroot "$root" sh /root/inside.sh'
rm "$root/root/inside.sh"

# Real ansible-core, for `conformance run --ansible`: what a target should do.
python3 -m pip install -q --root-user-action=ignore --no-deps --target "$data/ansible-dist" --upgrade "ansible-core==$version"
touch "$root/.complete"
