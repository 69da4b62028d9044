"""Writes filters.jsonl: what real Ansible makes of expressions with its filters and tests.

Usage: python make_filters.py > filters.jsonl   (with ansible-core, passlib, jmespath, netaddr, and the collections
ansible.utils and community.general on ANSIBLE_COLLECTIONS_PATH)
"""
import json, sys, os
os.environ["ANSIBLE_DEPRECATION_WARNINGS"] = "0"
os.environ["TZ"] = "UTC"
from ansible.template import Templar, trust_as_template
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader(os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(":"))

VARIABLES = dict(
    pem=json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pki.json"))),
    d={'a': 1, 'b': 'two'}, lst=[1, 2, 3], nested={'a': [{'b': 7}]}, none_v=None, set_v={1}, bytes_v=b'ab\xff',
    tree=[{'n': 'x', 'c': [{'n': 'y', 'c': []}]}],
    items=[{'k': 'a', 'v': 1, 'n': {'m': 1}}, {'k': 'b', 'v': 2, 'n': {'m': 2}}, {'k': 'a', 'v': 3, 'n': {'m': 3}}],
)

CASES = r"""
# numbers
-5|abs
(-5.5)|abs
true|abs
'a'|abs
(-99999999999999999999)|abs
'42'|int
' -1_000 '|int
'0x1F'|int(base=16)
'0b11'|int(base=0)
'12.9'|int
'1e3'|int
'x'|int
'x'|int(default=7)
none|int
3.99|int
-3.99|int
true|int
[]|int(5)
'99999999999999999999999'|int
'z'|int(base=36)
'1.5'|float
'x'|float
'x'|float(2.5)
'inf'|float
'1_0.5'|float
none|float
7|float
2.5|round
3.5|round
-2.5|round
2.675|round(2)
1234.5678|round(-2)
1234|round(-2)
1250|round(-2)
1350|round(-2)
2.1|round(method='ceil')
2.9|round(0,'floor')
42.55|round(1,'floor')
42.55|round(1,'ceil')
'1'|round
2.5|round(method='nearest')
8|log(2)
100|log(10)
100|log
0|log
'a'|log
2|pow(10)
2|pow(0.5)
16|root
27|root(3)
-1|root
[1,2,3]|sum
[1.5,2]|sum
items|sum(attribute='v')
items|sum('n.m', start=10)
[[1],[2,3]]|sum(start=[])
['a']|sum
[]|sum
[1,'a']|sum
[3,1,2]|min
[3,1,2]|max
['b','A','c']|min
['b','A','c']|max(case_sensitive=true)
items|max(attribute='v')
[]|min
[]|max|default('none')
[1,'a']|min
# sizes
1|filesizeformat
999|filesizeformat
13000|filesizeformat
13000|filesizeformat(true)
4100000000|filesizeformat
1e30|filesizeformat
'x'|filesizeformat
0|human_readable
1024|human_readable
1500000|human_readable
1500000|human_readable(isbits=true)
10000000000|human_readable(unit='G')
10000000000|human_readable(unit='K', isbits=true)
'a'|human_readable
'0'|human_to_bytes
'1M'|human_to_bytes
'1.5 MB'|human_to_bytes
'10'|human_to_bytes(default_unit='G')
'1 Mb'|human_to_bytes(isbits=true)
'1 Mb'|human_to_bytes
'10 Q'|human_to_bytes
'1 kilobyte'|human_to_bytes
'abc'|human_to_bytes
1024|human_to_bytes
# text
'hELLO wORLD'|capitalize
'hello-wOrld (foo) [bar]'|title
'ÄÖ'|lower
'straße'|upper
5|upper
'a'|center(5)
'ab'|center(5)
'ab'|center(7)
'abc'|center(2)
'  x '|trim
'xxaxx'|trim('x')
'a b  c'|wordcount
'foo bar baz qux'|truncate(9)
'foo bar baz qux'|truncate(9,true)
'foo bar baz qux'|truncate(11)
'foo bar baz qux'|truncate(11,false,'...',0)
'foo bar baz qux'|truncate(8,end='>',leeway=0)
'foobarbazqux'|truncate(5,leeway=0)
'x'|truncate(2)
'a\nb\n\nc'|indent
'a\nb\n\nc'|indent(2,true)
'a\nb\n\nc'|indent(2,blank=true)
'a\nb'|indent('> ', first=true)
''|indent
'aaa'|replace('a','b')
'aaa'|replace('a','b',2)
'abc'|replace('','-')
123|replace(2,'x')
'abc'|reverse
[1,2,3]|reverse
(1,2)|reverse
5|reverse
'%s is %d'|format('x',5)
'%(a)s'|format(a='b')
'%s'|format(1,2)
'%5.2f|%-5s|%05d|%x'|format(3.14159,'a',42,255)
'The quick brown fox jumps over the lazy dog'|wordwrap(10)
'averyveryverylongwordindeed and more'|wordwrap(10)
'averyveryverylongwordindeed'|wordwrap(10,false)
'well-known self-explanatory text-based thing'|wordwrap(12)
'well-known self-explanatory'|wordwrap(12,break_on_hyphens=false)
'a b\nc d e'|wordwrap(3,wrapstring='|')
'one  two   three'|wordwrap(5)
'x--y and so--called'|wordwrap(6)
''|wordwrap(5)
'a b c'|split
' a  b '|split
'a,b,c'|split(',')
'a,b,c'|split(',',1)
' a b c '|split(none,1)
'abc'|split('')
5|split
[1,2]|join
[1,2]|join('-')
['a',none,1.5]|join(',')
items|join(',',attribute='k')
items|join(',',attribute='zz')
'abc'|join('.')
5|join
5|string
[1,'a']|string
none|string
'x'|string
1.0|string
true|string
'a b'|quote
"it's"|quote
''|quote
none|quote
'safe-text_1.2/x:y@z%+=,'|quote
5|quote
'ünïcode'|quote
'plain'|comment
'a\nb'|comment('c')
'a\n\nb'|comment
'x'|comment('cblock')
'x'|comment('xml')
'x'|comment('erlang')
'x'|comment(decoration='; ')
'x'|comment('plain', prefix='#######\n#', postfix='#\n#######\n   ###\n    #')
'x'|comment('plain', prefix_count=2, postfix_count=0)
'x'|comment('cblock', beginning='/**', decoration=' ** ', end=' **/')
'x'|comment('nope')
'x'|comment(prefix='', postfix='')
5|comment
# regex
'foobar'|regex_replace('^f.*o(.*)$','\\1')
'localhost:80'|regex_replace('^(?P<host>.+):(?P<port>\\d+)$','\\g<host>, \\g<port>')
'foo'|regex_replace('O','x',ignorecase=true)
'a\nb'|regex_replace('^','> ',multiline=true)
'aaa'|regex_replace('a','b',count=1)
'aaa'|regex_replace('a','b',mandatory_count=3)
'aaa'|regex_replace('a','b',mandatory_count=2)
'x'|regex_replace('(','')
'x'|regex_replace('x','\\2')
5|regex_replace('5','6')
'abc'|regex_replace('','-')
'abc'|regex_replace
'server1/database42'|regex_search('server\\d+')
'server1/database42'|regex_search('server([0-9]+)/database([0-9]+)','\\1','\\2')
'server1/database42'|regex_search('(?P<s>server)(?P<n>\\d)','\\g<n>','\\g<s>')
'foo'|regex_search('BAR')
'foo'|regex_search('O+',ignorecase=true)
'foo\nBAR'|regex_search('^bar',multiline=true,ignorecase=true)
'foo'|regex_search('o','x')
'foo'|regex_search('(o)','\\5')
'foo'|regex_search('(o)|x','\\1')
'a'|regex_search('(b)?a','\\1')
'CAR\ntar\nfoo\nbar\n'|regex_findall('^.ar$',multiline=true,ignorecase=true)
'a1b2'|regex_findall('[a-z]([0-9])')
'a1b2'|regex_findall('([a-z])([0-9])')
'abc'|regex_findall('x*')
'^f.*o(.*)$'|regex_escape
'^f.*o(.*)$'|regex_escape('posix_basic')
'a b-c#d~'|regex_escape
'x'|regex_escape('posix_extended')
'x'|regex_escape('foo')
# lists
[1,2,3]|first
'abc'|first
d|first
[]|first
[]|first|default('e')
[1,2,3]|last
'abc'|last
[]|last|default('e')
{'a':1,'b':2}|last
d|list
'abc'|list
5|list
lst|length
'äöü'|length
d|count
5|length
none|length
[1,2,3,4,5]|batch(2)|list
[1,2,3,4,5]|batch(2,'x')|list
[1,2,3,4,5]|slice(3)|list
[1,2,3,4,5]|slice(3,'x')|list
[]|batch(2)|list
[1,2]|slice(4,0)|list
[3,1,2]|sort
['b','A','c']|sort
['b','A','c']|sort(case_sensitive=true)
[3,1,2]|sort(reverse=true)
items|sort(attribute='v',reverse=true)|map(attribute='v')
items|sort(attribute='k,v',reverse=true)|map(attribute='v')
items|sort(attribute='n.m')|map(attribute='v')
items|sort(attribute='zz')
[none,none]|sort
[1,none]|sort
[[2,1],[1,2]]|sort
[true,0]|sort
['a',1]|sort
'cab'|sort
d|sort
[1,1.0,true,'1']|unique
['a','A','b']|unique
['a','A','b']|unique(case_sensitive=true)
items|unique(attribute='k')|map(attribute='v')
[[1],[1],[2]]|unique
[{'a':1},{'a':1}]|unique
[1,2]|union([2,3])|sort
[1,2]|intersect([2,3])
[1,2]|difference([2,3])
[1,2]|symmetric_difference([2,3])|sort
[[1],[2]]|union([[2],[3]])
[{'a':1}]|difference([{'a':1},{'b':2}])
[{'a':1},{'c':1}]|intersect([{'a':1}])
[[1],[2]]|symmetric_difference([[2],[3]])
d|dictsort
{'b':1,'A':2}|dictsort
{'b':1,'A':2}|dictsort(true)
{'b':1,'A':2}|dictsort(by='value')
{'b':1,'A':2}|dictsort(reverse=true)
{'b':1,'A':2}|dictsort(by='x')
[1]|dictsort
items|groupby('k')
items|groupby('k')|map('first')
items|groupby('k')|map(attribute='list')|map('length')
items|groupby('k')|map(attribute='grouper')
items|groupby('n.m')|map('last')|map('length')
['B','a','b']|groupby('zz',default='x')|length
items|map(attribute='k')
items|map(attribute='n.m')
items|map(attribute='zz',default=0)
items|map(attribute='zz')|map('default','-')
lst|map('string')
lst|map('pow',2)
['a','b']|map('upper')|join
['a b','c']|map('regex_replace','\\s','_')
lst|map('nope')
lst|map
lst|map(foo=1)
none|map('upper')
[[1,2],[3]]|map('first')
lst|select('odd')
lst|select
[0,1,'',none,'a']|select
lst|reject('odd')
lst|select('>',1)
lst|select('in',[1,2])
['abc','xyz']|select('match','a')
['abc','xyz']|reject('search','z')
items|selectattr('k','equalto','a')|map(attribute='v')
items|selectattr('v','gt',1)|map(attribute='v')
items|selectattr('n.m','==',2)|map(attribute='v')
items|selectattr('zz','defined')
items|selectattr('zz','undefined')|length
items|selectattr('zz')
items|rejectattr('k','equalto','a')|map(attribute='v')
items|rejectattr('zz','defined')|length
items|selectattr('k','in',['b'])|map(attribute='v')
items|selectattr('k','contains','a')|length
items|selectattr('k','match','^b')|length
items|selectattr
lst|select('nope')
[1,[2,[3,[4]]]]|flatten
[1,[2,[3,[4]]]]|flatten(1)
[1,[2,[3,[4]]]]|flatten(levels=2)
[1,none,'None','null',[none]]|flatten
[1,none,[none]]|flatten(skip_nulls=false)
'ab'|flatten
[(1,2),[3]]|flatten
[{'a':[1]}]|flatten
[1,2]|zip([3,4])
[1,2]|zip([3,4],[5,6])
[1,2]|zip([3])
[1,2]|zip_longest([3])
[1,2]|zip_longest([3],fillvalue='x')
'ab'|zip(lst)
[1,2]|product([3,4])
[1,2]|product(repeat=2)
'ab'|product('cd')|map('join')
[1,2,3]|permutations(2)
'abc'|permutations|length
'abc'|combinations(2)
lst|combinations(5)
'b'|extract(d)
0|extract(['x','y'])
'a'|extract(nested,[0,'b'])
'a'|extract(nested,0)
'zz'|extract(d)|default('no')
['a','b']|map('extract',d)
[0,2]|map('extract',['x','y','z'])
['a']|map('extract',{'a':{'b':5}},'b')
d|dict2items
d|dict2items(key_name='k',value_name='v')
[1]|dict2items
'a'|dict2items
[{'key':'a','value':1}]|items2dict
[{'k':'a','v':1}]|items2dict(key_name='k',value_name='v')
[{'k':'a'}]|items2dict
[['a',1],['b',2]]|items2dict(key_name=0,value_name=1)
['ab']|map('list')|items2dict(0,-1)
[1]|items2dict
d|items2dict
d|items
[1]|items
{'a':{'b':1}}|combine({'a':{'c':2}})
{'a':{'b':1}}|combine({'a':{'c':2}},recursive=true)
{'a':{'b':1,'x':{'y':1}}}|combine({'a':{'x':{'z':2}}},{'q':1},recursive=true)
{'a':[1,2]}|combine({'a':[2,3]},list_merge='append')
{'a':[1,2]}|combine({'a':[2,3]},list_merge='prepend')
{'a':[1,2]}|combine({'a':[2,3]},list_merge='append_rp')
{'a':[1,2]}|combine({'a':[2,3]},list_merge='prepend_rp')
{'a':[1,2]}|combine({'a':[2,3]},list_merge='keep')
{'a':[1,2],'b':{'c':[1]}}|combine({'b':{'c':[2]}},recursive=true,list_merge='append')
{'a':1}|combine([{'b':2},{'a':3}])
[{'a':1},{'b':2}]|combine
{}|combine({'a':1})
{'a':1}|combine({})
{'a':1}|combine({'b':1},{'a':2})|list
{'a':1}|combine('x')
{'a':1}|combine({'b':2},foo=1)
{'a':1}|combine({'b':2},list_merge='x')
{'a':1}|combine(none)
[{'n':'a','g':['x','y']}]|subelements('g')
[{'n':'a','g':{'h':['x']}}]|subelements('g.h')
[{'n':'a'},{'n':'b','g':[1]}]|subelements('g',skip_missing=true)
[{'n':'a'}]|subelements('g')
[{'n':'a','g':1}]|subelements('g')
{'k':{'g':[1]}}|subelements('g')
5|subelements('g')
[{'p':'eigrp','s':'on'},{'p':'ospf','s':'off'}]|rekey_on_member('p')
{'e':{'p':'x'},'o':{'p':'y'}}|rekey_on_member('p')
[{'p':1},{'p':1}]|rekey_on_member('p')
[{'p':1,'a':1},{'p':1,'a':2}]|rekey_on_member('p',duplicates='overwrite')
[{'p':1}]|rekey_on_member('q')
[1]|rekey_on_member('q')
5|rekey_on_member('q')
[1]|rekey_on_member('q',duplicates='x')
# defaults
nope|default('x')
nope.a.b|default('x')
''|default('x')
''|default('x',true)
none|default('x',true)
none|default('x')
nope|d
''|default('x','yes')
0|default(1,boolean=true)
nope|mandatory
nope|mandatory('give it')
5|mandatory
true|ternary('a','b')
false|ternary('a','b')
none|ternary('a','b','c')
none|ternary('a','b')
''|ternary(1,2)
nope|ternary(1,2)
true|ternary(1,nope)
'yes'|bool
'On'|bool
'1'|bool
1|bool
0|bool
'no'|bool
'foo'|bool
none|bool
2|bool
1.0|bool
true|bool
[]|bool
5|type_debug
'a'|type_debug
none|type_debug
d|type_debug
lst|type_debug
1.5|type_debug
true|type_debug
(1,2)|type_debug
(2**80)|type_debug
# json, yaml
{'b':[1,2.5,none,true],'a':'ä"\\\n\x01'}|to_json
{'b':1,'a':2}|to_json(sort_keys=true)
[1,[2]]|to_json(indent=2)
{'ä':'😀'}|to_json(ensure_ascii=false)
{'ä':'😀'}|to_json
{1:2,none:3,true:4,1.5:5}|to_json
[1,{'a':1}]|to_json(separators=(',',':'))
{}|to_json(indent=2)
[[],{}]|to_nice_json
{'b':[1,{'c':none}],'a':{}}|to_nice_json
{'b':1,'a':2}|to_nice_json(indent=2,sort_keys=false)
{'b':1,'a':2}|to_nice_json(2)
[1e100,1e-7,1e16,0.1]|to_json
set_v|to_json
bytes_v|to_json
('<a>&\'"'|tojson)
{'b':1,'a':[1]}|tojson
[1,2]|tojson(indent=2)
{1:2,'a':1}|to_json(sort_keys=true)
{10:1,9:2}|to_json(sort_keys=true)
{10:1,9:2}|tojson
{(1,2):3}|to_json
{'b':1,'a':2}|pprint
'{"a":[1,2.5,null,true,"\\u00e9"]}'|from_json
'[1e3, NaN, -Infinity]'|from_json
'{"a":1'|from_json
'x'|from_json
''|from_json
'12345678901234567890123'|from_json
'[1,]'|from_json
5|from_json
'a: 1\nb: [x, yes, 0o17, 017, 1:30, ~]'|from_yaml
'- a\n- {b: c}'|from_yaml
''|from_yaml
none|from_yaml
'a: b: c'|from_yaml
'---\na: 1\n---\nb: 2\n'|from_yaml_all
{'b':[1,2],'a':{'c':none,'d':'x: y'}}|to_yaml
{'b':[1,2],'a':{'c':none,'d':'x: y'}}|to_nice_yaml
{'b':[1,2],'a':{'c':[{'x':1},{'y':2}]}}|to_nice_yaml(indent=2)
{'b':1,'a':2}|to_nice_yaml(sort_keys=false)
['yes','no','1','1.5','null','~','',' x','x ','a:b','a: b','#c','- d','[e','{f','!g','&h','*i','%j','@k','`l',"it's",'"q"','multi\nline','tab\t','0o7','1e3','2020-01-01','=','<<','ä','😀']|to_nice_yaml
[1.0,1e20,1.5e-7,true,none,12345678901234567890]|to_yaml
'x'|to_yaml
5|to_yaml
[]|to_yaml
{}|to_nice_yaml
{'a':[],'b':{}}|to_nice_yaml
[[1,[2,3]],[]]|to_nice_yaml
{'a':'line one\nline two\n'}|to_nice_yaml
{'a':'x'*100,'b':'word '*30}|to_nice_yaml
{'a':'word '*30}|to_nice_yaml(width=40)
{'a':1}|to_yaml(default_flow_style=true)
{'a':{'b':[1]}}|to_yaml(default_flow_style=true)
{'a':1}|to_nice_yaml(explicit_start=true)
{'k':'v'}|to_yaml(default_style='"')
# encodings and hashes
'hello'|b64encode
'héllo'|b64encode
'héllo'|b64encode(encoding='utf-16-le')
'aGVsbG8='|b64decode
'aMOpbGxv'|b64decode
'aABpAA=='|b64decode(encoding='utf-16-le')
'aGVsbG8'|b64decode
'a'|b64decode
'??>>'|b64encode(urlsafe=true)
'Pz8-Pg=='|b64decode(urlsafe=true)
5|b64encode
'test1'|hash('md5')
'test1'|hash('sha1')
'test1'|hash('sha256')
'test1'|hash('sha512')
'test1'|hash('sha3_256')
'test1'|hash('blake2b')
'test1'|hash('nope')
'test1'|hash
'test1'|md5
'test1'|sha1
'test1'|checksum
'ä'|sha1
5|hash
'secret'|password_hash('sha512','saltsalt',rounds=5000)
'secret'|password_hash('sha512','saltsalt',rounds=1000)
'secret'|password_hash('sha256','saltsalt',rounds=1001)
'secret'|password_hash('md5','saltsalt')
'secret'|password_hash('bcrypt','1234567890123456789012',rounds=4)
'secret'|password_hash('blowfish','1234567890123456789012',rounds=4,ident='2a')
'secret'|password_hash('sha512','bad salt',rounds=1000)
'secret'|password_hash('sha512','toolongsalttoolong',rounds=1000)
'secret'|password_hash('sha512','saltsalt',rounds=10)
'secret'|password_hash('nope','saltsalt')
('secret'|password_hash('sha256',rounds=1000))|length
'test'|to_uuid
'test'|to_uuid(namespace='11111111-2222-3333-4444-555555555555')
'test'|to_uuid(namespace='x')
5|to_uuid
# random with seeds
60|random(seed='web1.example.org')
1000000|random(seed=42)
60|random(start=10,step=5,seed='x')
['a','b','c','d']|random(seed='x')
100|random(1,10,seed='y')
['a','b','c','d','e']|shuffle(seed='x')
range(10)|list|shuffle(seed=42)
5|random(start=7,seed=1)
['a']|random(start=1,seed=1)
1.5|random(seed=1)
5|shuffle
# paths
'/etc/asdf/foo.txt'|basename
'/etc/asdf/'|basename
'/etc/asdf/foo.txt'|dirname
'foo'|dirname
'/'|dirname
'//a'|dirname
'~root/x'|expanduser
'~nosuchuser/x'|expanduser
'/a/./b/../c//d'|normpath
''|normpath
'nginx.conf'|splitext
'/a.b/c'|splitext
'.bashrc'|splitext
'a.tar.gz'|splitext
['/a','b','c']|path_join
['a','/b','c']|path_join
['a','']|path_join
'x'|path_join
5|path_join
[]|path_join
['/usr/lib','/usr/libexec']|commonpath
['a/b','a/c']|commonpath
['/a','b']|commonpath
[]|commonpath
'/a/b/c'|relpath('/a/d')
'/etc'|relpath('/etc')
'/proc/../etc/hostname'|realpath|basename
'C:\\Users\\foo.txt'|win_basename
'C:\\Users\\foo.txt'|win_dirname
'C:\\Users\\foo.txt'|win_splitdrive
'\\\\host\\share\\x'|win_splitdrive
'c:/a/b'|win_dirname
5|basename
'/etc/host*'|fileglob|select('match','/etc/hostname')
# urls
'a b/c?d=é&e'|urlencode
{'a':1,'b':'x y'}|urlencode
[['a',1],['b','é']]|urlencode
5|urlencode
'a+b%20c%C3%A9'|urldecode
'http://user:pass@www.acme.com:9000/dir/index.html?query=term#frag'|urlsplit
'http://user:pass@www.acme.com:9000/dir'|urlsplit('hostname')
'http://[::1]:80/x'|urlsplit('port')
'http://WWW.Acme.com/'|urlsplit('hostname')
'http://a/b'|urlsplit('nope')
'mailto:x@y'|urlsplit
'http://a:x/'|urlsplit
'see http://example.com/x. Or www.foo.org, me@x.org (https://a.b/c_(d))'|urlize
'http://example.com/verylongpath'|urlize(10,true,target='_blank',rel='x')
'tel:123 and ftp://x.y'|urlize(extra_schemes=['tel:','ftp://'])
'<a href="x">&\'</a>'|escape
'<a>'|e
'<a>'|forceescape
'<a>'|safe
5|escape
'<p>a <b>b</b>\n c &amp; d</p><!-- x -->'|striptags
{'class':'my_list','missing':none,'id':'list-1','x':'"'}|xmlattr
{'a':1}|xmlattr(false)
{'a b':1}|xmlattr
{}|xmlattr
# dates
'%Y-%m-%d %H:%M:%S'|strftime(0,true)
'%a %A %b %B %d %j %U %w %y %p %I'|strftime(1700000000,true)
'%Y'|strftime('x')
'%F %T'|strftime('1700000000.9',true)
('2016-08-14 20:00:12'|to_datetime) - ('2015-12-25 16:00:00'|to_datetime) == 5
(('2016-08-14 20:00:12'|to_datetime) - ('2015-12-25'|to_datetime('%Y-%m-%d'))).total_seconds()
(('2016-08-14 20:00:12'|to_datetime) - ('2016-08-14 18:00:00'|to_datetime)).seconds
(('2016-08-14 20:00:12'|to_datetime) - ('2015-12-25'|to_datetime('%Y-%m-%d'))).days
'x'|to_datetime
'2016-08-14 20:00:12'|to_datetime|string
# vault
('x'|vault('pw')|unvault('pw'))
'plain'|unvault('pw')
'x'|vault(5)
5|vault('pw')
'secret text'|vault('pw','salt'*8,'id')
# pprint
d|pprint
'x'|pprint
range(30)|list|pprint
{'a':range(20)|list,'b':{'c':'d'*30,'e':'f'*30,'g':['h'*20,'i'*20,'j'*20]}}|pprint
'word '*30|pprint
{'k':'word '*30}|pprint
['line one\nline two\nline three '*4]|pprint
# attr
d|attr('a')
'abc'|attr('zz')|default('no')
# tests: types
none is none
5 is none
true is boolean
1 is boolean
true is true
1 is true
false is false
5 is integer
true is integer
5.0 is integer
5.0 is float
5 is number
true is number
'5' is number
'a' is string
5 is string
d is mapping
[] is mapping
'a' is sequence
d is sequence
5 is sequence
set_v is sequence
'a' is iterable
5 is iterable
none is iterable
range is callable
5 is callable
'abc' is lower
'aBc' is lower
'ABC' is upper
'123' is upper
3 is odd
4 is even
3.0 is odd
'a' is odd
9 is divisibleby 3
9 is divisibleby(2)
9 is divisibleby 0
'upper' is filter
'nope' is filter
'ansible.builtin.bool' is filter
'odd' is test
'nope' is test
nope is defined
d is defined
d.zz is defined
nope.a.b is undefined
none is defined
1 is eq 1
1 is ne 1
1 is lt 2
1 is greaterthan 2
'a' is lessthan 'b'
1 is le 1
1 is ge 2
1 is lt 'a'
1 is sameas 1
true is sameas true
1 is sameas true
none is sameas none
1 is in [1]
'a' is in 'abc'
'a' is in d
1 is in 'abc'
1 is in 5
[1] is contains 1
'abc' is contains 'b'
d is contains 'a'
# tests: ansible
{'failed':true} is failed
{'rc':0} is failed
{'rc':0} is succeeded
{'failed':true} is success
5 is failed
{'changed':true} is changed
{'results':[{'changed':false},{'changed':true}]} is changed
{} is changed
{'skipped':true} is skipped
{} is skip
{'unreachable':true} is unreachable
{} is reachable
{'timedout':{'period':5}} is timedout
{'timedout':false} is timedout
{'finished':1} is finished
{'finished':0} is finished
{} is finished
{'started':1} is started
{} is started
'abc' is match('b')
'abc' is match('a')
'abc' is search('b')
'aBc' is search('b',ignorecase=true)
'a\nb' is match('.*^b',multiline=true)
'abc' is regex('^b')
'abc' is regex('B',ignorecase=true,match_type='search')
'abc' is regex('abc',match_type='fullmatch')
5 is match('5')
'abc' is match('(')
'1.10' is version('1.9','>')
'1.10' is version('1.10')
'1.0.0' is version('1.0','gt')
'1.2.3' is version('1.2.3a','<')
'1.0.0-rc1' is version('1.0.0','<',version_type='semver')
'1.0.0+build1' is version('1.0.0+build2','==',version_type='semver')
'1.0' is version('1.0.0','eq',version_type='semver')
'1.0a1' is version('1.0','<',strict=true)
'1' is version('1.0','<',strict=true)
'1.0.dev1' is version('1.0a1','<',version_type='pep440')
'1.0.post1' is version('1.0','>',version_type='pep440')
'1.0+local' is version('1.0','>',version_type='pep440')
'1!1.0' is version('2.0','>',version_type='pep440')
'1.a' is version('1.1','<')
'' is version('1','<')
'1' is version('','<')
'1' is version('2','~')
'1' is version('2','<',version_type='x')
'1' is version('2','<',strict=true,version_type='loose')
20.04 is version('20.04','>=')
'5.10.0-8-amd64' is version('5.4','>=')
'2.9.6' is version_compare('2.9','ge')
'1.2.x' is version('1.2.y','!=')
'a' is truthy
'' is truthy
'false' is truthy
'false' is truthy(convert_bool=true)
'yes' is falsy(convert_bool=true)
0 is falsy
[true,1] is all
[true,0] is all
[0,''] is any
[0,1] is any
5 is any
[1,2] is subset([1,2,3])
[1,4] is subset([1,2,3])
[1,2,3] is superset([1])
[1,2,3] is issuperset([4])
5 is subset([1])
(0.0/1) is nan
('nan'|float) is nan
'x' is nan
'/etc' is directory
'/etc' is file
'/etc/passwd' is file
'/etc/passwd' is exists
'/nonexistent' is exists
'/nonexistent' is link
'/proc' is mount
'/etc' is mount
'/etc' is abs
'etc' is abs
'/etc' is same_file('/etc/.')
'/etc' is same_file('/nonexistent')
'http://a.b/c' is uri
'http://a.b/c' is url
'nope' is uri
'nope' is url
'urn:isbn:1' is urn
'http://a' is urn
'http://a' is uri(['https'])
'https://a' is url(['https'])
'file:///x' is url
5 is url
'$ANSIBLE_VAULT;1.1;AES256\n3333' is vault_encrypted
'x' is vault_encrypted
'/etc/passwd' is vaulted_file

# ansible.utils
['1.2.3.4','x','10.0.0.0/8','::1']|ansible.utils.ipaddr
['1.2.3.4','x','10.0.0.0/8','::1']|ansible.utils.ipv4
['1.2.3.4','x','10.0.0.0/8','fe80::1/64']|ansible.utils.ipv6('address')
['192.168.32.0/24','10.1.1.1','fe80::100/10']|ansible.utils.ipaddr('192.168.0.0/16')
'192.168.32.5/24'|ansible.utils.ipaddr('nope')
'192.168.32.5'|ansible.utils.ipaddr('first_usable')
'fe80::1'|ansible.utils.ipwrap
['1.2.3.4','fe80::1/64','x']|ansible.utils.ipwrap
'x'|ansible.utils.ipwrap
'192.168.1.0/24'|ansible.utils.ipsubnet
'192.168.144.5'|ansible.utils.ipsubnet
'192.168.0.0/16'|ansible.utils.ipsubnet(20)
'192.168.0.0/16'|ansible.utils.ipsubnet(20,0)
'192.168.0.0/16'|ansible.utils.ipsubnet(20,-1)
'192.168.0.0/16'|ansible.utils.ipsubnet(20,99)
'192.168.0.0/16'|ansible.utils.ipsubnet(8)
'192.168.144.5'|ansible.utils.ipsubnet(20)
'192.168.144.5'|ansible.utils.ipsubnet(18,0)
'192.168.144.5'|ansible.utils.ipsubnet(18,-1)
'192.168.144.5'|ansible.utils.ipsubnet(18,-5)
'192.168.144.16/30'|ansible.utils.ipsubnet('192.168.144.0/24')
'192.168.144.16/30'|ansible.utils.ipsubnet('10.0.0.0/8')
'2001:db8::/32'|ansible.utils.ipsubnet(64,5)
'10.0.0.0/8'|ansible.utils.nthhost(305)
'10.0.0.0/8'|ansible.utils.nthhost(-1)
'10.0.0.0/30'|ansible.utils.nthhost(9)
'10.1.1.1'|ansible.utils.nthhost(0)
'10.0.0.0/8'|ansible.utils.nthhost('x')
'10.0.0.5/24'|ansible.utils.nthhost(1)
'192.168.1.5'|ansible.utils.ipmath(5)
'192.168.1.5/24'|ansible.utils.ipmath(-10)
'2001::1'|ansible.utils.ipmath(9)
'x'|ansible.utils.ipmath(5)
'192.168.1.5'|ansible.utils.ip4_hex
'192.168.1.5'|ansible.utils.ip4_hex(':')
'192.168.122.1/24'|ansible.utils.next_nth_usable(2)
'192.168.122.254/24'|ansible.utils.next_nth_usable(2)
'192.168.122.10/24'|ansible.utils.previous_nth_usable(2)
'192.168.0.0/24'|ansible.utils.network_in_network('192.168.0.1')
'192.168.0.0/24'|ansible.utils.network_in_network('192.168.1.1')
'192.168.0.0/24'|ansible.utils.network_in_usable('192.168.0.255')
['192.168.0.34','10.3.0.3','192.168.2.34']|ansible.utils.reduce_on_network('192.168.0.0/24')
'192.168.0.0/30'|ansible.utils.usable_range
# community.general
[['a',1],['b',2]]|community.general.dict
[1,2]|community.general.dict_kv('k')
[{'n':'a','v':1}]|community.general.lists_mergeby([{'n':'a','w':2},{'n':'b'}],'n')
[[{'n':'b','l':[1]}],[{'n':'b','l':[2]},{'n':'a'}]]|community.general.lists_mergeby('n',recursive=true,list_merge='append')
['1.10','1.9','1.2']|community.general.version_sort
['1.10','1.9','1.2']|community.general.version_sort(reverse=true)
['a','b','a',1,1.0]|community.general.counter
'abca'|community.general.counter
[{'n':'a','v':1},{'n':'b'}]|community.general.groupby_as_dict('n')
[{'n':'a'},{'n':'a'}]|community.general.groupby_as_dict('n')
[{'a1':1,'a2':2,'b1':3}]|community.general.keep_keys(target=['a1'])
[{'a1':1,'a2':2,'b1':3}]|community.general.keep_keys(target='a',matching_parameter='starts_with')
[{'a1':1,'a2':2,'b1':3}]|community.general.remove_keys(target=['1'],matching_parameter='ends_with')
[{'a1':1,'a2':2,'b1':3}]|community.general.remove_keys(target='^a.*$',matching_parameter='regex')
[{'a1':1,'a2':2}]|community.general.replace_keys(target=[{'before':'a1','after':'x'}])
[{'a1':1,'b2':2}]|community.general.replace_keys(target=[{'before':'a','after':'x'}],matching_parameter='starts_with')
[{'a':1}]|community.general.keep_keys(target=[])
'52:54:00'|community.general.random_mac(seed='x')
'52:54:00:aa:bb'|community.general.random_mac(seed='y')
'5g'|community.general.random_mac
'a,b\n1,2\n3,"x,y"\n'|community.general.from_csv
'a;b\n1;2\n'|community.general.from_csv(delimiter=';')
'1,2\n'|community.general.from_csv(fieldnames=['x','y'])
'1d 2h 30m'|community.general.to_seconds
'30 minutes'|community.general.to_hours
'90m'|community.general.to_hours
'1y'|community.general.to_days
'1y'|community.general.to_days(year=360)
'3w 2d'|community.general.to_time_unit('day')
'x'|community.general.to_seconds
'1s'|community.general.to_time_unit('nope')
'abc'|community.general.crc32
[1,2,3]|community.general.accumulate
[1,2]|community.general.lists_union([2,3],[4])
[1,2,2]|community.general.lists_intersect([2,3])
[1,2,2]|community.general.lists_difference([2])
[1,2]|community.general.lists_symmetric_difference([2,3])
[[1,2],[2,3]]|community.general.lists_union(flatten=true)
'10.0.0.1' is ansible.utils.ipv4
'10.0.0.0/8' is ansible.utils.ipv4
'10.0.0.1/8' is ansible.utils.ipv4
'10.0.0.0/8' is ansible.utils.ipv4_address
'10.0.0.1' is ansible.utils.ipv4_address
'::1' is ansible.utils.ipv6
'::1' is ansible.utils.ipv4
'::1' is ansible.utils.ip
'x' is ansible.utils.ip
'::1' is ansible.utils.ip_address
# json_query
items|community.general.json_query('[].k')
items|community.general.json_query('[*].n.m')
items|community.general.json_query("[?k=='a'].v")
items|community.general.json_query('[?v>`1`].{key: k, val: v}')
items|community.general.json_query('[0]')
items|community.general.json_query('[-1].k')
items|community.general.json_query('[1:].k')
items|community.general.json_query('[::-1].v')
items|community.general.json_query('length(@)')
items|community.general.json_query('max_by(@,&v).v')
items|community.general.json_query('sort_by(@,&k)[].v')
items|community.general.json_query('[].[k,v]')
items|community.general.json_query('sum([].v)')
items|community.general.json_query('avg([].v)')
items|community.general.json_query("join(',',[].k)")
items|community.general.json_query('[].k | [0]')
items|community.general.json_query("[?contains(k,'a')].v")
items|community.general.json_query("[?starts_with(k,'b')].v | [0]")
{'b':1,'a':2}|community.general.json_query('*')
{'b':1,'a':2}|community.general.json_query('keys(@)')
{'b':{'x':1},'a':{'x':2}}|community.general.json_query('*.x')
{'a':none,'b':5}|community.general.json_query('not_null(a,b)')
{'a':[[1,2],[3]]}|community.general.json_query('a[]')
{'a':[3,1,2]}|community.general.json_query('sort(a)')
{'a':[3,1,2]}|community.general.json_query('reverse(a)')
{'a':'5'}|community.general.json_query('to_number(a)')
{'a':5}|community.general.json_query('to_string(@)')
{'a':5}|community.general.json_query('type(a)')
{'a':1,'b':2}|community.general.json_query('merge(@,{c:`3`})')
{'a':[1,2]}|community.general.json_query('map(&to_string(@),a)')
{'a':1.5}|community.general.json_query('[ceil(a),floor(a),abs(a)]')
{'a':'x'}|community.general.json_query("a == 'x' && b || a")
{'a':'x'}|community.general.json_query('!b')
{'a b':1}|community.general.json_query('"a b"')
{'a':1}|community.general.json_query('zz')
{'a':1}|community.general.json_query('a[')
{'a':1}|community.general.json_query('nofunc(a)')
{'a':1}|community.general.json_query('length(a)')
# ansible.utils, the rest
'00:1b:77:49:54:fd'|ansible.utils.hwaddr
'00:1b:77:49:54:fd'|ansible.utils.hwaddr('bare')
'00:1b:77:49:54:fd'|ansible.utils.hwaddr('bool')
'00:1b:77:49:54:fd'|ansible.utils.hwaddr('int')
'00:1b:77:49:54:fd'|ansible.utils.hwaddr('cisco')
'00:1b:77:49:54:fd'|ansible.utils.hwaddr('eui48')
'00:1B:77:49:54:FD'|ansible.utils.hwaddr('linux')
'001b774954fd'|ansible.utils.hwaddr('pgsql')
'001b.7749.54fd'|ansible.utils.hwaddr('unix')
'00-1b-77-49-54-fd'|ansible.utils.macaddr('win')
'0:1:2:3:4:5'|ansible.utils.macaddr('linux')
'001b77:4954fd'|ansible.utils.macaddr('linux')
'x'|ansible.utils.macaddr
'x'|ansible.utils.macaddr('bool')
'x'|ansible.utils.macaddr('linux')
'00:1b:77:49:54:fd'|ansible.utils.macaddr('nope')
'fdcf:1894:23b5:d38c:0000:0000:0000:0000'|ansible.utils.slaac('c2:31:b3:83:bf:2b')
'2001:db8::/64'|ansible.utils.slaac('c2:31:b3:83:bf:2b')
'2001:db8:1::5/48'|ansible.utils.slaac('c2:31:b3:83:bf:2b')
'10.0.0.0/8'|ansible.utils.slaac('c2:31:b3:83:bf:2b')
'2001:db8::/64'|ansible.utils.slaac('nope')
'2001:db8::/64'|ansible.utils.slaac
['192.168.0.0/17','192.168.128.0/17','192.168.128.1']|ansible.utils.cidr_merge
['192.168.0.0/24','192.168.1.0/24','192.168.3.0/24']|ansible.utils.cidr_merge
['192.168.1.1','192.168.1.2','192.168.1.3']|ansible.utils.cidr_merge
['10.0.0.5/24','2001:db8::/33','2001:db8:8000::/33']|ansible.utils.cidr_merge
['10.0.0.0/8','10.1.0.0/16','10.2.3.4']|ansible.utils.cidr_merge
['192.168.1.1','192.168.1.2','192.168.1.3']|ansible.utils.cidr_merge('span')
['192.168.0.0/24','192.168.200.0/24']|ansible.utils.cidr_merge('span')
['10.0.0.5/24']|ansible.utils.cidr_merge('span')
[]|ansible.utils.cidr_merge('span')
[]|ansible.utils.cidr_merge
['10.0.0.0/24','2001:db8::/32']|ansible.utils.cidr_merge('span')
['x']|ansible.utils.cidr_merge
['10.0.0.0/24']|ansible.utils.cidr_merge('nope')
'1234:4321:abcd:dcba::17'|ansible.utils.ipv6form('expand')
'1234:4321:abcd:dcba::17'|ansible.utils.ipv6form('compress')
'1234:4321:abcd:dcba::17'|ansible.utils.ipv6form('x509')
'::ffff:1.2.3.4'|ansible.utils.ipv6form('compress')
'::ffff:1.2.3.4'|ansible.utils.ipv6form('expand')
'1.2.3.4'|ansible.utils.ipv6form('expand')
'1.2.3.4'|ansible.utils.ipv6form('x509')
'x'|ansible.utils.ipv6form('expand')
'::1'|ansible.utils.ipv6form('nope')
'1234:4321:abcd:dcba::17'|ansible.utils.ipcut(-64)
'1234:4321:abcd:dcba::17'|ansible.utils.ipcut(80)
'1234:4321:abcd:dcba::17'|ansible.utils.ipcut(20)
'10.2.3.4'|ansible.utils.ipcut(16)
'10.2.3.4'|ansible.utils.ipcut(-12)
'10.2.3.4'|ansible.utils.ipcut(0)
'x'|ansible.utils.ipcut(4)
{'a':{'b':{'c':{'d':[0,1],'e':[true,false]}}}}|ansible.utils.to_paths
{'a':{'b c':1,'d-e':[{'f':2}]}}|ansible.utils.to_paths
{'a':{},'b':[],'c':none}|ansible.utils.to_paths
{'a':1}|ansible.utils.to_paths(prepend='x')
{'a':1}|ansible.utils.to_paths(wantlist=true)
[1,{'a':2}]|ansible.utils.to_paths
{}|ansible.utils.to_paths
{'a':{'b':[0,{'c d':5}]}}|ansible.utils.get_path("a.b[1]['c d']")
{'a':{'b':[0,1]}}|ansible.utils.get_path('a.b')
{'a':{'b':[0,1]}}|ansible.utils.get_path('a.b[1]')
{'a':{'b':[0,1]}}|ansible.utils.get_path('a.b.1')
{'a':{'b':[0,1]}}|ansible.utils.get_path('a.b[0]',wantlist=true)
{'a':1}|ansible.utils.get_path('b')
[1]|ansible.utils.get_path('[0]')
[1,2,3]|ansible.utils.index_of('eq',2)
[1,2,3]|ansible.utils.index_of('gt',1)
[1,2,3]|ansible.utils.index_of('eq',2,wantlist=true)
[1,2,3]|ansible.utils.index_of('eq',9)
[1,2,3]|ansible.utils.index_of('odd')
[1,2,3]|ansible.utils.index_of('not even')
[1,2,3]|ansible.utils.index_of('!=',2)
[1,2,3]|ansible.utils.index_of('!in',[1,2])
[1,2,3]|ansible.utils.index_of('in',2)
items|ansible.utils.index_of('eq','a',key='k')
items|ansible.utils.index_of('eq','a','k')
items|ansible.utils.index_of('eq','a','zz')
items|ansible.utils.index_of('eq','a','zz',fail_on_missing=true)
items|ansible.utils.index_of('nope','a')
[1,2]|ansible.utils.index_of('eq','a','k')
'abc'|ansible.utils.index_of('eq','b')
[{'data':items,'match_key':'v','name':'one'},{'data':[{'v':2,'x':1},{'v':9}],'match_key':'v','name':'two'}]|ansible.utils.consolidate(fail_missing_match_value=false)
[{'data':items,'match_key':'k','name':'one'},{'data':[{'v':2,'x':1},{'v':9}],'match_key':'v','name':'two'}]|ansible.utils.consolidate
[{'data':items,'match_key':'k','name':'one'}]|ansible.utils.consolidate
[{'data':items,'match_key':'k','name':'one'}]|ansible.utils.consolidate(fail_duplicate=true)
[{'data':items,'match_key':'zz','name':'one'}]|ansible.utils.consolidate(fail_missing_match_key=true)
[{'data':items,'match_key':'zz','name':'one'}]|ansible.utils.consolidate(fail_missing_match_key=false)
[{'data':items,'match_key':'k','name':'one'}]|ansible.utils.consolidate(fail_duplicate=false)
[{'data':items,'match_key':'v','name':'one'},{'data':[{'v':2}],'match_key':'v','name':'two'}]|ansible.utils.consolidate(fail_missing_match_value=false)
[{'data':items,'match_key':'v','name':'one'},{'data':[{'v':2}],'match_key':'v','name':'two'}]|ansible.utils.consolidate(fail_missing_match_value=true)
[{'data':items,'name':'one'}]|ansible.utils.consolidate
{'p1':1,'p2':2,'q':{'p1':3,'r':4},'l':[{'p1':5},{'z':1}]}|ansible.utils.keep_keys(target=['p1'])
{'p1':1,'p2':2,'q':{'p1':3,'r':4},'l':[{'p1':5},{'z':1}]}|ansible.utils.keep_keys(target=['p'],matching_parameter='starts_with')
{'p1':1,'p2':2,'q':{'p1':3,'r':4}}|ansible.utils.keep_keys(target=['1'],matching_parameter='ends_with')
{'p1':1,'p2':2,'q':{'p1':3,'r':4}}|ansible.utils.keep_keys(target=['^p.$'],matching_parameter='regex')
{'p1':1,'q':{'p1':3,'r':4}}|ansible.utils.keep_keys(target=['q'])
{'p1':1,'q':{'p1':3,'r':4}}|ansible.utils.keep_keys(target=['q','r'])
{'p1':1,'q':{'p1':3,'r':4}}|ansible.utils.keep_keys(target=['r','q'])
[{'a':1,'b':2},{'c':3}]|ansible.utils.keep_keys(target=['a'])
'x'|ansible.utils.keep_keys(target=['a'])
{'p1':1,'p2':2,'q':{'p1':3,'r':4},'l':[{'p1':5},{'z':1}]}|ansible.utils.remove_keys(target=['p1'])
{'p1':1,'p2':2,'q':{'p1':3},'l':[{'p1':5},{'z':1},0,{'y':{'p1':1}}]}|ansible.utils.remove_keys(target=['p'],matching_parameter='starts_with')
[{'a':1,'b':2},{'a':3}]|ansible.utils.remove_keys(target=['a'])
{'a':1,'b':2}|ansible.utils.remove_keys(target=['.*'],matching_parameter='regex')
5|ansible.utils.remove_keys(target=['a'])
{'p1':1,'p2':2,'q':{'p1':3,'r':4},'l':[{'p1':5}]}|ansible.utils.replace_keys(target=[{'before':'p1','after':'x'}])
{'p1':1,'q':{'p1':3}}|ansible.utils.replace_keys(target=[{'before':'p','after':'x'}],matching_parameter='starts_with')
{'p1':1,'q':{'p1':3}}|ansible.utils.replace_keys(target=[{'before':'1','after':'x'}],matching_parameter='ends_with')
{'p1':1,'p2':3}|ansible.utils.replace_keys(target=[{'before':'p.','after':'x'}],matching_parameter='regex')
['1','2','3','4','5']|ansible.utils.param_list_compare(['!all','2','4'])
['1','2','3','4','5']|ansible.utils.param_list_compare(target=['2','7','8'])
['b','a','c']|ansible.utils.param_list_compare(['all','!b'])
['b','a']|ansible.utils.param_list_compare(['all','a','!z'])
'10.0.0.1' is ansible.utils.in_network('10.0.0.0/8')
'10.0.0.0/9' is ansible.utils.in_network('10.0.0.0/8')
'10.0.0.1/9' is ansible.utils.in_network('10.0.0.0/8')
'11.0.0.1' is ansible.utils.in_network('10.0.0.0/8')
'::1' is ansible.utils.in_network('10.0.0.0/8')
'10.0.0.1' is ansible.utils.in_any_network(['10.0.0.0/8','10.0.0.0/16'])
'10.0.0.1' is ansible.utils.in_one_network(['10.0.0.0/8','10.0.0.0/16'])
'10.1.0.1' is ansible.utils.in_one_network(['10.0.0.0/8','10.0.0.0/16'])
'10.1.0.0/16' is ansible.utils.subnet_of('10.0.0.0/8')
'10.1.0.1/16' is ansible.utils.subnet_of('10.0.0.0/8')
'10.0.0.0/8' is ansible.utils.supernet_of('10.1.0.0/16')
'10.1.0.0/16' is ansible.utils.supernet_of('10.0.0.0/8')
'255.255.255.0' is ansible.utils.ipv4_netmask
'0.0.0.255' is ansible.utils.ipv4_netmask
'255.255.0.255' is ansible.utils.ipv4_netmask
'24' is ansible.utils.ipv4_netmask
'0.0.0.255' is ansible.utils.ipv4_hostmask
'255.255.255.0' is ansible.utils.ipv4_hostmask
'02:16:3e:e4:16:f3' is ansible.utils.mac
'02-16-3e-e4-16-f3' is ansible.utils.mac
'0216.3ee4.16f3' is ansible.utils.mac
'02163ee416f3' is ansible.utils.mac
'02:16:3e:e4:16' is ansible.utils.mac
'x' is ansible.utils.mac
'localhost' is ansible.utils.resolvable
'127.0.0.1' is ansible.utils.resolvable
'no.such.name.invalid' is ansible.utils.resolvable
'10.1.1.1' is ansible.utils.loopback
'10.1.1.1' is ansible.utils.multicast
'10.1.1.1' is ansible.utils.private
'10.1.1.1' is ansible.utils.public
'10.1.1.1' is ansible.utils.reserved
'10.1.1.1' is ansible.utils.unspecified
'10.1.1.1' is ansible.utils.ipv6_ipv4_mapped
'10.1.1.1' is ansible.utils.ipv6_sixtofour
'10.1.1.1' is ansible.utils.ipv6_teredo
'127.0.0.1' is ansible.utils.loopback
'127.0.0.1' is ansible.utils.multicast
'127.0.0.1' is ansible.utils.private
'127.0.0.1' is ansible.utils.public
'127.0.0.1' is ansible.utils.reserved
'127.0.0.1' is ansible.utils.unspecified
'127.0.0.1' is ansible.utils.ipv6_ipv4_mapped
'127.0.0.1' is ansible.utils.ipv6_sixtofour
'127.0.0.1' is ansible.utils.ipv6_teredo
'8.8.8.8' is ansible.utils.loopback
'8.8.8.8' is ansible.utils.multicast
'8.8.8.8' is ansible.utils.private
'8.8.8.8' is ansible.utils.public
'8.8.8.8' is ansible.utils.reserved
'8.8.8.8' is ansible.utils.unspecified
'8.8.8.8' is ansible.utils.ipv6_ipv4_mapped
'8.8.8.8' is ansible.utils.ipv6_sixtofour
'8.8.8.8' is ansible.utils.ipv6_teredo
'100.64.0.1' is ansible.utils.loopback
'100.64.0.1' is ansible.utils.multicast
'100.64.0.1' is ansible.utils.private
'100.64.0.1' is ansible.utils.public
'100.64.0.1' is ansible.utils.reserved
'100.64.0.1' is ansible.utils.unspecified
'100.64.0.1' is ansible.utils.ipv6_ipv4_mapped
'100.64.0.1' is ansible.utils.ipv6_sixtofour
'100.64.0.1' is ansible.utils.ipv6_teredo
'224.0.0.1' is ansible.utils.loopback
'224.0.0.1' is ansible.utils.multicast
'224.0.0.1' is ansible.utils.private
'224.0.0.1' is ansible.utils.public
'224.0.0.1' is ansible.utils.reserved
'224.0.0.1' is ansible.utils.unspecified
'224.0.0.1' is ansible.utils.ipv6_ipv4_mapped
'224.0.0.1' is ansible.utils.ipv6_sixtofour
'224.0.0.1' is ansible.utils.ipv6_teredo
'240.0.0.1' is ansible.utils.loopback
'240.0.0.1' is ansible.utils.multicast
'240.0.0.1' is ansible.utils.private
'240.0.0.1' is ansible.utils.public
'240.0.0.1' is ansible.utils.reserved
'240.0.0.1' is ansible.utils.unspecified
'240.0.0.1' is ansible.utils.ipv6_ipv4_mapped
'240.0.0.1' is ansible.utils.ipv6_sixtofour
'240.0.0.1' is ansible.utils.ipv6_teredo
'0.0.0.0' is ansible.utils.loopback
'0.0.0.0' is ansible.utils.multicast
'0.0.0.0' is ansible.utils.private
'0.0.0.0' is ansible.utils.public
'0.0.0.0' is ansible.utils.reserved
'0.0.0.0' is ansible.utils.unspecified
'0.0.0.0' is ansible.utils.ipv6_ipv4_mapped
'0.0.0.0' is ansible.utils.ipv6_sixtofour
'0.0.0.0' is ansible.utils.ipv6_teredo
'255.255.255.255' is ansible.utils.loopback
'255.255.255.255' is ansible.utils.multicast
'255.255.255.255' is ansible.utils.private
'255.255.255.255' is ansible.utils.public
'255.255.255.255' is ansible.utils.reserved
'255.255.255.255' is ansible.utils.unspecified
'255.255.255.255' is ansible.utils.ipv6_ipv4_mapped
'255.255.255.255' is ansible.utils.ipv6_sixtofour
'255.255.255.255' is ansible.utils.ipv6_teredo
'192.0.0.9' is ansible.utils.loopback
'192.0.0.9' is ansible.utils.multicast
'192.0.0.9' is ansible.utils.private
'192.0.0.9' is ansible.utils.public
'192.0.0.9' is ansible.utils.reserved
'192.0.0.9' is ansible.utils.unspecified
'192.0.0.9' is ansible.utils.ipv6_ipv4_mapped
'192.0.0.9' is ansible.utils.ipv6_sixtofour
'192.0.0.9' is ansible.utils.ipv6_teredo
'169.254.1.1' is ansible.utils.loopback
'169.254.1.1' is ansible.utils.multicast
'169.254.1.1' is ansible.utils.private
'169.254.1.1' is ansible.utils.public
'169.254.1.1' is ansible.utils.reserved
'169.254.1.1' is ansible.utils.unspecified
'169.254.1.1' is ansible.utils.ipv6_ipv4_mapped
'169.254.1.1' is ansible.utils.ipv6_sixtofour
'169.254.1.1' is ansible.utils.ipv6_teredo
'::1' is ansible.utils.loopback
'::1' is ansible.utils.multicast
'::1' is ansible.utils.private
'::1' is ansible.utils.public
'::1' is ansible.utils.reserved
'::1' is ansible.utils.unspecified
'::1' is ansible.utils.ipv6_ipv4_mapped
'::1' is ansible.utils.ipv6_sixtofour
'::1' is ansible.utils.ipv6_teredo
'::' is ansible.utils.loopback
'::' is ansible.utils.multicast
'::' is ansible.utils.private
'::' is ansible.utils.public
'::' is ansible.utils.reserved
'::' is ansible.utils.unspecified
'::' is ansible.utils.ipv6_ipv4_mapped
'::' is ansible.utils.ipv6_sixtofour
'::' is ansible.utils.ipv6_teredo
'fe80::1' is ansible.utils.loopback
'fe80::1' is ansible.utils.multicast
'fe80::1' is ansible.utils.private
'fe80::1' is ansible.utils.public
'fe80::1' is ansible.utils.reserved
'fe80::1' is ansible.utils.unspecified
'fe80::1' is ansible.utils.ipv6_ipv4_mapped
'fe80::1' is ansible.utils.ipv6_sixtofour
'fe80::1' is ansible.utils.ipv6_teredo
'fc00::1' is ansible.utils.loopback
'fc00::1' is ansible.utils.multicast
'fc00::1' is ansible.utils.private
'fc00::1' is ansible.utils.public
'fc00::1' is ansible.utils.reserved
'fc00::1' is ansible.utils.unspecified
'fc00::1' is ansible.utils.ipv6_ipv4_mapped
'fc00::1' is ansible.utils.ipv6_sixtofour
'fc00::1' is ansible.utils.ipv6_teredo
'2001:db8::1' is ansible.utils.loopback
'2001:db8::1' is ansible.utils.multicast
'2001:db8::1' is ansible.utils.private
'2001:db8::1' is ansible.utils.public
'2001:db8::1' is ansible.utils.reserved
'2001:db8::1' is ansible.utils.unspecified
'2001:db8::1' is ansible.utils.ipv6_ipv4_mapped
'2001:db8::1' is ansible.utils.ipv6_sixtofour
'2001:db8::1' is ansible.utils.ipv6_teredo
'2001:4860:4860::8888' is ansible.utils.loopback
'2001:4860:4860::8888' is ansible.utils.multicast
'2001:4860:4860::8888' is ansible.utils.private
'2001:4860:4860::8888' is ansible.utils.public
'2001:4860:4860::8888' is ansible.utils.reserved
'2001:4860:4860::8888' is ansible.utils.unspecified
'2001:4860:4860::8888' is ansible.utils.ipv6_ipv4_mapped
'2001:4860:4860::8888' is ansible.utils.ipv6_sixtofour
'2001:4860:4860::8888' is ansible.utils.ipv6_teredo
'ff02::1' is ansible.utils.loopback
'ff02::1' is ansible.utils.multicast
'ff02::1' is ansible.utils.private
'ff02::1' is ansible.utils.public
'ff02::1' is ansible.utils.reserved
'ff02::1' is ansible.utils.unspecified
'ff02::1' is ansible.utils.ipv6_ipv4_mapped
'ff02::1' is ansible.utils.ipv6_sixtofour
'ff02::1' is ansible.utils.ipv6_teredo
'2002::1' is ansible.utils.loopback
'2002::1' is ansible.utils.multicast
'2002::1' is ansible.utils.private
'2002::1' is ansible.utils.public
'2002::1' is ansible.utils.reserved
'2002::1' is ansible.utils.unspecified
'2002::1' is ansible.utils.ipv6_ipv4_mapped
'2002::1' is ansible.utils.ipv6_sixtofour
'2002::1' is ansible.utils.ipv6_teredo
'2001::1' is ansible.utils.loopback
'2001::1' is ansible.utils.multicast
'2001::1' is ansible.utils.private
'2001::1' is ansible.utils.public
'2001::1' is ansible.utils.reserved
'2001::1' is ansible.utils.unspecified
'2001::1' is ansible.utils.ipv6_ipv4_mapped
'2001::1' is ansible.utils.ipv6_sixtofour
'2001::1' is ansible.utils.ipv6_teredo
'::ffff:10.0.0.1' is ansible.utils.loopback
'::ffff:10.0.0.1' is ansible.utils.multicast
'::ffff:10.0.0.1' is ansible.utils.private
'::ffff:10.0.0.1' is ansible.utils.public
'::ffff:10.0.0.1' is ansible.utils.reserved
'::ffff:10.0.0.1' is ansible.utils.unspecified
'::ffff:10.0.0.1' is ansible.utils.ipv6_ipv4_mapped
'::ffff:10.0.0.1' is ansible.utils.ipv6_sixtofour
'::ffff:10.0.0.1' is ansible.utils.ipv6_teredo
'::ffff:8.8.8.8' is ansible.utils.loopback
'::ffff:8.8.8.8' is ansible.utils.multicast
'::ffff:8.8.8.8' is ansible.utils.private
'::ffff:8.8.8.8' is ansible.utils.public
'::ffff:8.8.8.8' is ansible.utils.reserved
'::ffff:8.8.8.8' is ansible.utils.unspecified
'::ffff:8.8.8.8' is ansible.utils.ipv6_ipv4_mapped
'::ffff:8.8.8.8' is ansible.utils.ipv6_sixtofour
'::ffff:8.8.8.8' is ansible.utils.ipv6_teredo
'4000::1' is ansible.utils.loopback
'4000::1' is ansible.utils.multicast
'4000::1' is ansible.utils.private
'4000::1' is ansible.utils.public
'4000::1' is ansible.utils.reserved
'4000::1' is ansible.utils.unspecified
'4000::1' is ansible.utils.ipv6_ipv4_mapped
'4000::1' is ansible.utils.ipv6_sixtofour
'4000::1' is ansible.utils.ipv6_teredo
'64:ff9b::1' is ansible.utils.loopback
'64:ff9b::1' is ansible.utils.multicast
'64:ff9b::1' is ansible.utils.private
'64:ff9b::1' is ansible.utils.public
'64:ff9b::1' is ansible.utils.reserved
'64:ff9b::1' is ansible.utils.unspecified
'64:ff9b::1' is ansible.utils.ipv6_ipv4_mapped
'64:ff9b::1' is ansible.utils.ipv6_sixtofour
'64:ff9b::1' is ansible.utils.ipv6_teredo
'10.0.0.0/8' is ansible.utils.loopback
'10.0.0.0/8' is ansible.utils.multicast
'10.0.0.0/8' is ansible.utils.private
'10.0.0.0/8' is ansible.utils.public
'10.0.0.0/8' is ansible.utils.reserved
'10.0.0.0/8' is ansible.utils.unspecified
'10.0.0.0/8' is ansible.utils.ipv6_ipv4_mapped
'10.0.0.0/8' is ansible.utils.ipv6_sixtofour
'10.0.0.0/8' is ansible.utils.ipv6_teredo
'x' is ansible.utils.loopback
'x' is ansible.utils.multicast
'x' is ansible.utils.private
'x' is ansible.utils.public
'x' is ansible.utils.reserved
'x' is ansible.utils.unspecified
'x' is ansible.utils.ipv6_ipv4_mapped
'x' is ansible.utils.ipv6_sixtofour
'x' is ansible.utils.ipv6_teredo
# community.general, the rest
'[a]\nb = 1\nC=x y\n[d]\n'|community.general.from_ini
'[DEFAULT]\nx=1\n[a]\nb: 2\n'|community.general.from_ini
'[a]\nlong = one\n  two\n  three\n; comment\n# another\nk = v ; not a comment\n'|community.general.from_ini
'[a]\nb\n'|community.general.from_ini
'a=1'|community.general.from_ini
'[a]\nb=1\nb=2\n'|community.general.from_ini
'[a]\nb=1\n[a]\nc=2\n'|community.general.from_ini
'[a]\nb = %(x)s\nc=\n'|community.general.from_ini
''|community.general.from_ini
5|community.general.from_ini
{'a':{'b':1,'C':'x'},'d':{}}|community.general.to_ini
{'DEFAULT':{'x':1},'a':{'b':'one\ntwo'}}|community.general.to_ini
{'a':{'b':none,'c':true,'d':1.5}}|community.general.to_ini
{}|community.general.to_ini
{'a':1}|community.general.to_ini
[1]|community.general.to_ini
[1234,5,6]|community.general.hashids_encode
1234|community.general.hashids_encode
[1,2,3]|community.general.hashids_encode(salt='pepper')
[1,2,3]|community.general.hashids_encode(salt='this is a matter of fact',min_length=20)
[45,434,1313,99]|community.general.hashids_encode(salt='this is my salt',alphabet='abcdefghijklmnopqrstuvwxyz')
[0]|community.general.hashids_encode(salt='x',min_length=30,alphabet='0123456789abcdef')
'o2fXhV'|community.general.hashids_decode
'o2fXhV'|community.general.hashids_decode(salt='pepper')
'laHquq'|community.general.hashids_decode(salt='this is my salt')
'nope!'|community.general.hashids_decode
[-1]|community.general.hashids_encode
['x']|community.general.hashids_encode
[1]|community.general.hashids_encode(alphabet='abc')
[]|community.general.hashids_encode
{'a':1,'b':{'c':2}}|community.general.json_diff({'a':1,'b':{'c':3},'d':4})
[1,2,3]|community.general.json_diff([1,3])
{'a':1}|community.general.json_diff({'a':1})
{'a':1}|community.general.json_diff({})
{'a':1}|community.general.json_patch('add','/b',2)
{'a':1,'l':[1,2]}|community.general.json_patch('add','/l/1',9)
{'a':1,'l':[1,2]}|community.general.json_patch('add','/l/-',9)
{'a':1}|community.general.json_patch('remove','/a')
{'a':1}|community.general.json_patch('remove','/z')
{'a':1}|community.general.json_patch('replace','/a',{'x':1})
{'a':1}|community.general.json_patch('replace','/z',1)
{'a':1}|community.general.json_patch('copy','/b',from='/a')
{'a':{'b':1}}|community.general.json_patch('move','/c',from='/a/b')
{'a':1}|community.general.json_patch('test','/a',1)
{'a':1}|community.general.json_patch('test','/a',2)
{'a':1}|community.general.json_patch('test','/a',2,fail_test=true)
{'a':1}|community.general.json_patch('nope','/a',1)
{'a':1}|community.general.json_patch('add','b',1)
{'a/b':1,'m~n':2}|community.general.json_patch('replace','/a~1b',3)
{'a/b':1,'m~n':2}|community.general.json_patch('replace','/m~0n',3)
'{"a": 1}'|community.general.json_patch('add','/b',2)
'{"a'|community.general.json_patch('add','/b',2)
5|community.general.json_patch('add','/b',2)
{'a':1}|community.general.json_patch_recipe([{'op':'add','path':'/b','value':2},{'op':'remove','path':'/a'}])
{'a':1}|community.general.json_patch_recipe([{'op':'test','path':'/a','value':2},{'op':'remove','path':'/a'}])
{'a':1}|community.general.json_patch_recipe([{'op':'test','path':'/a','value':2}],fail_test=true)
{'a':1}|community.general.json_patch_recipe([{'op':'nope','path':'/a'}])
{'a':1}|community.general.json_patch_recipe([{'path':'/a'}])
{'a':1}|community.general.json_patch_recipe([])
'e\u0301'|community.general.unicode_normalize|length
'\u00e9'|community.general.unicode_normalize('NFD')|length
'\ufb01 \u2460'|community.general.unicode_normalize('NFKC')
'\ufb01 \u00e9'|community.general.unicode_normalize('NFKD')|length
'x'|community.general.unicode_normalize('NOPE')
5|community.general.unicode_normalize
[{'a':1,'b':'x'},{'a':22,'b':none}]|community.general.to_prettytable
[{'a':1,'b':'x'}]|community.general.to_prettytable('b','a')
[{'a':1,'b':'x'}]|community.general.to_prettytable(column_order=['b'])
[{'a':1,'b':'x'}]|community.general.to_prettytable(header_names=['First','Second'])
[{'name':'bob','n':1},{'name':'alice','n':1000}]|community.general.to_prettytable(column_alignments={'name':'left','n':'right'})
[{'name':'bob','n':1},{'n':1000}]|community.general.to_prettytable
[{'a':'two\nlines','b':true}]|community.general.to_prettytable
[{'a':1.5,'b':[1,2]}]|community.general.to_prettytable
[{'a':'日本','b':1}]|community.general.to_prettytable
[]|community.general.to_prettytable
[]|community.general.to_prettytable(column_order=['a'])
'x'|community.general.to_prettytable
[1]|community.general.to_prettytable
[{'a':1}]|community.general.to_prettytable(column_order=['a','b'])
[{'a':1}]|community.general.to_prettytable(column_alignments={'a':'middle'})
[{'a':1}]|community.general.to_prettytable(nope=1)
{'a':[1,'x'],'b':none}|community.general.to_yaml
{'a':[1,'x'],'b':none}|community.general.to_nice_yaml
{'a':[1,{'c':2}]}|community.general.to_nice_yaml(indent=4)
{'a':[1,{'c':2}]}|community.general.to_yaml(default_flow_style=false)
'abc'|community.general.reveal_ansible_type
123|community.general.reveal_ansible_type
['a','b']|community.general.reveal_ansible_type
{'a':'b','c':1}|community.general.reveal_ansible_type
{'a':'b','c':1}|community.general.reveal_ansible_type({'str':'STR'})
lst|community.general.reveal_ansible_type
d|community.general.reveal_ansible_type
[1,true,none,1.5]|community.general.reveal_ansible_type
[]|community.general.reveal_ansible_type
'abc' is community.general.ansible_type('str')
[1,2] is community.general.ansible_type(['list[int]'])
[1,2] is community.general.ansible_type('list[str]')
'srv.example.com' is community.general.fqdn_valid
'foo_bar.example.com' is community.general.fqdn_valid
'foo_bar.example.com' is community.general.fqdn_valid(allow_underscores=True)
'localhost' is community.general.fqdn_valid
'localhost' is community.general.fqdn_valid(min_labels=2)
'srv.example.com.' is community.general.fqdn_valid
'-a.example.com' is community.general.fqdn_valid
'a..com' is community.general.fqdn_valid
'1.2.3.4' is community.general.fqdn_valid
'example.1com' is community.general.fqdn_valid
'' is community.general.fqdn_valid
'aa bb.com' is community.general.fqdn_valid
# community.crypto
pem.rsa_crt|community.crypto.x509_certificate_info|combine({'public_key_fingerprints':0,'fingerprints':0})
pem.ec_crt|community.crypto.x509_certificate_info|combine({'public_key_fingerprints':0,'fingerprints':0})
pem.ed_crt|community.crypto.x509_certificate_info|combine({'public_key_fingerprints':0,'fingerprints':0})
pem.leaf_crt|community.crypto.x509_certificate_info|combine({'public_key_fingerprints':0,'fingerprints':0})
(pem.rsa_crt|community.crypto.x509_certificate_info).fingerprints|dictsort
(pem.ec_crt|community.crypto.x509_certificate_info).public_key_fingerprints|dictsort
('text before\n'~pem.ed_crt~'after')|community.crypto.x509_certificate_info|combine({'public_key_fingerprints':0,'fingerprints':0})
pem.rsa_csr|community.crypto.x509_certificate_info
'nope'|community.crypto.x509_certificate_info
5|community.crypto.x509_certificate_info
pem.ed_crt|community.crypto.x509_certificate_info(name_encoding='nope')
pem.rsa_csr|community.crypto.openssl_csr_info|combine({'public_key_fingerprints':0})
pem.ed_csr|community.crypto.openssl_csr_info|combine({'public_key_fingerprints':0})
pem.leaf_csr|community.crypto.openssl_csr_info|combine({'public_key_fingerprints':0})
(pem.leaf_csr|community.crypto.openssl_csr_info).public_key_fingerprints|dictsort
pem.rsa_crt|community.crypto.openssl_csr_info
'nope'|community.crypto.openssl_csr_info
pem.crl|community.crypto.x509_crl_info
pem.crl|community.crypto.x509_crl_info(list_revoked_certificates=false)
(pem.crl|regex_replace('-----.*-----\n',''))|community.crypto.x509_crl_info
'nope'|community.crypto.x509_crl_info
pem.rsa_pub|community.crypto.openssl_publickey_info|combine({'fingerprints':0})
pem.ec_pub|community.crypto.openssl_publickey_info|combine({'fingerprints':0})
pem.ed_pub|community.crypto.openssl_publickey_info|combine({'fingerprints':0})
pem.x_pub|community.crypto.openssl_publickey_info|combine({'fingerprints':0})
pem.ec384_pub|community.crypto.openssl_publickey_info|combine({'fingerprints':0})
(pem.ed_pub|community.crypto.openssl_publickey_info).fingerprints|dictsort
'nope'|community.crypto.openssl_publickey_info
pem.rsa_key|community.crypto.openssl_privatekey_info|combine({'public_key_fingerprints':0})
pem.rsa_key|community.crypto.openssl_privatekey_info(return_private_key_data=true)|combine({'public_key_fingerprints':0})
pem.rsa1_key|community.crypto.openssl_privatekey_info(return_private_key_data=true)|combine({'public_key_fingerprints':0})
pem.ec_key|community.crypto.openssl_privatekey_info(return_private_key_data=true)|combine({'public_key_fingerprints':0})
pem.ec8_key|community.crypto.openssl_privatekey_info|combine({'public_key_fingerprints':0})
pem.ed_key|community.crypto.openssl_privatekey_info(return_private_key_data=true)|combine({'public_key_fingerprints':0})
(pem.ec_key|community.crypto.openssl_privatekey_info).public_key_fingerprints|dictsort
pem.ecenc_key|community.crypto.openssl_privatekey_info
pem.ec_key|community.crypto.openssl_privatekey_info(passphrase='x')
'nope'|community.crypto.openssl_privatekey_info
(pem.ec_pub~pem.ed_pub)|community.crypto.split_pem
('a\n'~pem.ed_pub~'\nb\n'~pem.ec_pub)|community.crypto.split_pem|length
'nothing'|community.crypto.split_pem
5|community.crypto.split_pem
'11:22:33'|community.crypto.parse_serial
'1'|community.crypto.parse_serial
'ff:ff:ff:ff:ff:ff:ff:ff:ff'|community.crypto.parse_serial
'11:222'|community.crypto.parse_serial
'x'|community.crypto.parse_serial
''|community.crypto.parse_serial
5|community.crypto.parse_serial
1122867|community.crypto.to_serial
0|community.crypto.to_serial
99999999999999999999999|community.crypto.to_serial
-1|community.crypto.to_serial
'1'|community.crypto.to_serial
# ansible.utils.validate
{'a':1}|ansible.utils.validate({'type':'object','properties':{'a':{'type':'string'}}})
{'a':1}|ansible.utils.validate({'type':'object','properties':{'a':{'type':'integer'}}})
{'a':1}|ansible.utils.validate('{"type":"object","required":["b","c"]}')
{'a':1,'z':2,'y':3}|ansible.utils.validate({'properties':{'a':{}},'additionalProperties':false})
{'a':1,'z':'x'}|ansible.utils.validate({'properties':{'a':{}},'additionalProperties':{'type':'integer'}})
{'a':'x','l':[1,'y']}|ansible.utils.validate({'properties':{'a':{'enum':['p','q']},'l':{'type':'array','items':{'type':'integer'},'minItems':3}}})
{'n':5}|ansible.utils.validate({'properties':{'n':{'minimum':10,'multipleOf':2}}})
{'n':50}|ansible.utils.validate({'properties':{'n':{'maximum':10,'exclusiveMaximum':50}}})
{'s':'abc'}|ansible.utils.validate({'properties':{'s':{'pattern':'^x','maxLength':2}}})
{'s':''}|ansible.utils.validate({'properties':{'s':{'minLength':1}}})
{'s':'a'}|ansible.utils.validate({'properties':{'s':{'minLength':2}}})
{'l':[1,1]}|ansible.utils.validate({'properties':{'l':{'uniqueItems':true,'maxItems':1}}})
{'l':[]}|ansible.utils.validate({'properties':{'l':{'minItems':1}}})
{'v':1}|ansible.utils.validate({'properties':{'v':{'anyOf':[{'type':'string'},{'type':'null'}]}}})
{'v':1}|ansible.utils.validate({'properties':{'v':{'oneOf':[{'type':'integer'},{'minimum':0}]}}})
{'v':1}|ansible.utils.validate({'properties':{'v':{'oneOf':[{'type':'string'},{'minimum':9}]}}})
{'v':1}|ansible.utils.validate({'properties':{'v':{'allOf':[{'type':'string'},{'minimum':9}]}}})
{'v':1}|ansible.utils.validate({'properties':{'v':{'not':{'type':'integer'}}}})
{'v':1}|ansible.utils.validate({'properties':{'v':{'const':2}}})
{'v':1}|ansible.utils.validate({'properties':{'v':{'type':['string','null']}}})
{'v':true}|ansible.utils.validate({'properties':{'v':{'type':'integer'}}})
{'v':1.0}|ansible.utils.validate({'properties':{'v':{'type':'integer'}}})
{'v':{'x':1}}|ansible.utils.validate({'definitions':{'d':{'type':'string'}},'properties':{'v':{'properties':{'x':{'$ref':'#/definitions/d'}}}}})
{'k1':1,'q':2}|ansible.utils.validate({'patternProperties':{'^k':{'type':'string'}},'additionalProperties':false})
{'a':1,'b':2}|ansible.utils.validate({'maxProperties':1})
{}|ansible.utils.validate({'minProperties':1})
{'a':1}|ansible.utils.validate({'if':{'required':['a']},'then':{'required':['b']},'else':{'required':['c']}})
{'Ab':1}|ansible.utils.validate({'propertyNames':{'pattern':'^[a-z]+$'}})
{'a':1}|ansible.utils.validate([{'required':['b']},{'required':['c']}])
{'ip':'1.2.3'}|ansible.utils.validate({'properties':{'ip':{'format':'ipv4'}}})
{'ip':'1.2.3.4'}|ansible.utils.validate({'properties':{'ip':{'format':'ipv4'}}})
'{"a": 1}'|ansible.utils.validate({'properties':{'a':{'type':'string'}}})
{'a':1}|ansible.utils.validate({'type':'object'},engine='ansible.utils.jsonschema')
{'a':1}|ansible.utils.validate({'type':'object'},engine='nope.nope.nope')
{'a':1}|ansible.utils.validate('{')
{'a':1} is ansible.utils.validate(criteria={'type':'object'})
{'a':1} is ansible.utils.validate(criteria={'required':['z']})
"""

ADDRESSES = '192.168.32.5/24 192.168.32.0/24 8.8.8.8 10.0.0.1/31 10.0.0.2/30 2001:db8::1/64 2001:db8::/64 ::1 127.0.0.1 224.0.0.1 192.168.32.255/24 3232243717 x 2002:c0a8:2005::1/48 ::ffff:1.2.3.4'.split()
QUERIES = ' address address/prefix bool broadcast cidr first_usable gateway host hostmask int ip ip/prefix ip_netmask ipv4 ipv6 last_usable link-local loopback multicast net next_usable netmask network network_id network/prefix network_netmask network_wildcard prefix previous_usable private public range_usable revdns size size_usable subnet type unicast version wildcard wrap peer 6to4 1 -2 0 99999 192.168.32.0/24'.split(" ")

def main():
    templar = Templar(DataLoader(), variables=VARIABLES)
    extra = [line for path in sys.argv[1:] for line in open(path)]
    category = ""
    addresses = [f"'{v}'|ansible.utils.ipaddr('{q}')" for v in ADDRESSES for q in QUERIES]
    for line in CASES.splitlines() + addresses + extra:
        line = line.rstrip("\n")
        if not line:
            continue
        if line.startswith("# "):
            category = line[2:]
            continue
        try:
            value = templar.evaluate_expression(trust_as_template(line))
            expected = ["ok", repr([plain(value)])]
        except Exception as e:
            expected = ["err", f"{type(e).__name__}: {e}"[:300]]
        print(json.dumps({"category": category, "kind": "expression", "source": line, "expected": expected}))

def plain(value):
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(v) for v in value) if type(value) in (list, tuple) else [plain(v) for v in value]
    if isinstance(value, str):
        return str(value)
    return value

if __name__ == "__main__":
    main()
