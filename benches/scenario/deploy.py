"""The scenario of play.yml for pyinfra."""
import io

from pyinfra import host
from pyinfra.operations import files, server

root = host.data.root
values = dict(workers=4, upstreams=['10.0.0.1', '10.0.0.2', '10.0.0.3'], jinja_env_kwargs=dict(trim_blocks=True))

for folder in ('etc', 'etc/conf.d', 'srv', 'srv/data'):
    files.directory(name='Base folder ' + folder, path=f'{root}/{folder}', mode='755')
files.directory(name='Private folder', path=f'{root}/etc/private', mode='700')
files.template(name='Main configuration', src='templates/main.conf.j2', dest=f'{root}/etc/main.conf', mode='644', **values)
files.template(name='Site configuration', src='templates/site.conf.j2', dest=f'{root}/etc/conf.d/site.conf', mode='644', **values)
files.put(name='Secret', src=io.StringIO('token-for-the-service\n'), dest=f'{root}/etc/private/token', mode='600')
for word in ('alpha', 'beta', 'gamma', 'delta', 'epsilon'):
    files.put(name='Snippet ' + word, src=io.StringIO(f'snippet {word}\n'), dest=f'{root}/etc/conf.d/{word}.conf', mode='644')
files.put(name='Release', src='files/release.bin', dest=f'{root}/srv/release.bin', mode='644')
files.put(name='Greeting', src=io.StringIO('hello\n'), dest=f'{root}/srv/hello.txt', mode='644')
files.line(name='Limit', path=f'{root}/etc/limits', line='nofile 4096')
files.line(name='Another limit', path=f'{root}/etc/limits', line='nproc 512')
files.file(name='Mode of the limits', path=f'{root}/etc/limits', mode='644')
files.link(name='Current release', path=f'{root}/srv/current', target='release.bin')
files.file(name='Old release is gone', path=f'{root}/srv/previous', present=False)
server.shell(name='Initialise once', commands=[f'[ -e {root}/srv/data/ready ] || {{ echo ready > {root}/srv/data/ready; chmod 644 {root}/srv/data/ready; }}'])
server.shell(name='Look at the release', commands=[f'cksum {root}/srv/release.bin | grep -q 262144'])
