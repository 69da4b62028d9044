"""Writes lookups.jsonl: what real Ansible's lookups give, run in data/. Usage: python lookups.py > lookups.jsonl"""
import json, os, sys
os.environ["ANSIBLE_DEPRECATION_WARNINGS"] = "0"
os.environ["SHEVEK_TEST_VARIABLE"] = "from the environment"
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
os.chdir(here)
from ansible.template import Templar, trust_as_template
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader()

VARIABLES = dict(greeting="hi", lst=[1, 2, 3], nested=[["a", "b"], [1, 2]], d={"a": 1, "b": {"c": 2}}, ansible_search_path=[here],
    users=[{"name": "alice", "keys": ["x", "y"], "m": {"h": ["p"]}}, {"name": "bob", "keys": ["z"]}, {"name": "eve", "skipped": True}],
    groups={"all": ["h1", "h2", "h3"], "web": ["h1", "h2"], "db": ["h2", "h3"]}, qz_1="hello", qz_2="world", qa_1="I", lazy=trust_as_template("{{ greeting }}!"))

CASES = r"""
lookup('env','SHEVEK_TEST_VARIABLE')
lookup('env','SHEVEK_NOT_SET')
lookup('env','SHEVEK_NOT_SET',default='x')
lookup('env','SHEVEK_NOT_SET',default=undef())
lookup('env','SHEVEK_NOT_SET',default=undef('say more'))
lookup('env','SHEVEK_NOT_SET',default=undef()) is undefined
lookup('env','PATH',default=undef()) is string
lookup('env','PATH',default=nope) is string
lookup('env','SHEVEK_TEST_VARIABLE','SHEVEK_NOT_SET',wantlist=true)
lookup('file','hello.txt')
lookup('file','hello.txt',rstrip=false)
lookup('file','files/hello.txt')
lookup('file','other.txt')
lookup('file','nope.txt')
lookup('file','nope.txt',errors='ignore')
lookup('file','hello.txt','other.txt')
query('file','hello.txt','other.txt')
lookup('template','hello.j2')
lookup('template','hello.j2',template_vars={'extra':'e','greeting':'yo'})
lookup('template','brackets.j2',variable_start_string='[[',variable_end_string=']]')
lookup('template','nope.j2')
lookup('pipe','echo one; echo two')
lookup('pipe','exit 3')
lookup('lines','echo one; echo two')
query('lines','echo one; echo two')
lookup('vars','greeting')
lookup('vars','lazy')
lookup('vars','nope')
lookup('vars','nope',default='d')
lookup('vars','greeting','qa_1')
lookup('vars','d')
query('varnames','^qz_.+')
query('varnames','hosts$','^qa')
lookup('varnames','^qz_.+')
query('varnames','(')
lookup('first_found',['nope','files/hello.txt'])|basename
lookup('first_found','nope')
lookup('first_found','nope',skip=true)
lookup('first_found',{'files':['nope','Debian.yml'],'paths':['x','vars']})|basename
lookup('first_found',files=['Debian.yml'],paths=['vars'])|basename
lookup('first_found',[{'files':'nope,hello.txt','paths':'vars:files'}])|basename
query('first_found',[{'files':['nope'],'skip':true}])
query('fileglob','*.conf')|map('basename')|sort
query('fileglob','files/*.txt')|map('basename')|list
query('fileglob','*.nope')
query('items',[1,2],[3],4)
query('items',[[1,[2]],[3]])
query('list',[1,2],[3])
query('dict',{'a':1,'b':2})
lookup('dict',{'a':1})
query('dict',[1])
query('indexed_items',['a','b'])
query('nested',[1,2],['a','b'])
query('nested',[[1,2],[3]],['a'])
query('nested')
query('together',[1,2],['a'])
query('together',[1,2],['a','b'],['x','y'])
query('together')
query('subelements',users,'keys')
query('subelements',users,'m.h')
query('subelements',users,'m.h',{'skip_missing':true})
query('subelements',users,'m.h',{'skip_missing':'yes'})
query('subelements',users)
query('subelements',users,'name')
query('sequence','5')
query('sequence','5-8')
query('sequence','2-10/2')
query('sequence','4:host%02d')
query('sequence','start=5 end=11 stride=2 format=0x%02x')
query('sequence','count=5')
query('sequence','start=0x0f00 count=4 format=%04x')
query('sequence','start=0 count=5 stride=2')
query('sequence','start=10 end=0 stride=-5')
query('sequence','count=0')
query('sequence',start=1,end=3)
query('sequence','start=5 end=1')
query('sequence','end=3 count=4')
query('sequence','start=1')
query('sequence','end=3 format=x')
query('sequence','end=3 foo=1')
query('random_choice',['a'])
query('random_choice')
query('inventory_hostnames','web')
query('inventory_hostnames','all:!db')
query('inventory_hostnames','web:&db')
query('inventory_hostnames','h*')
query('inventory_hostnames','nope')
lookup('csvfile','Li file=elements.csv')
lookup('csvfile','Li file=elements.csv col=2')
lookup('csvfile','Xx file=elements.csv')
lookup('csvfile','Xx file=elements.csv default=none')
lookup('csvfile','c',file='stock.csv',delimiter=',')
lookup('csvfile','"a, b"',file='stock.csv',delimiter=',')
lookup('csvfile','Li file=elements.csv nope=1')
lookup('csvfile','file=elements.csv')
lookup('ini','user',section='integration',file='users.ini')
lookup('ini','user section=production file=users.ini')
lookup('ini','user section=integration file=users.ini','user section=production file=users.ini')
lookup('ini','key',file='users.ini')
lookup('ini','nope',section='integration',file='users.ini')
lookup('ini','nope',section='integration',file='users.ini',default='d')
lookup('ini','pass',section='integration',file='users.ini')
lookup('ini','pass',section='integration',file='users.ini',interpolation=false)
lookup('ini','long',section='integration',file='users.ini')
lookup('ini','user2',section='production',file='users.ini')
lookup('ini','User2',section='production',file='users.ini',case_sensitive=true)
lookup('ini','user3',section='production',file='users.ini')
lookup('ini','u.*',section='production',file='users.ini',re=true)
lookup('ini','user',section='nope',file='users.ini')
lookup('ini','user.name',type='properties',file='user.properties')
lookup('ini','user',section='x',file='nope.ini')
lookup('password','/dev/null length=5 chars=digits')|length
lookup('password','/dev/null',length=12)|length
lookup('password','/dev/null seed=foo')
lookup('password','/dev/null',seed='foo',chars=['ascii_lowercase'],length=30)
lookup('password','/dev/null',seed='bar',chars='digits,abc,,')
lookup('password','/dev/null',chars=['x'],length=3)
lookup('password','/dev/null foo=1')
lookup('unvault','hello.txt')
lookup('nope','x')
lookup('ansible.utils.to_paths',{'a':[1,{'b c':2}],'e':{}})
query('ansible.utils.to_paths',{'a':[1]})
lookup('ansible.utils.to_paths',{'a':[1]},'top')
lookup('ansible.utils.to_paths',{'a':[1]},prepend='top')
lookup('ansible.utils.to_paths',{'a':[1]},wantlist=true)
lookup('ansible.utils.get_path',{'a':[1,{'b c':2}]},"a[1]['b c']")
lookup('ansible.utils.get_path',{'a':[1,2]},'a')
query('ansible.utils.get_path',{'a':[1,2]},'a')
lookup('ansible.utils.get_path',{'a':{'b':1}},'a')
lookup('ansible.utils.get_path',{'a':1},'b')
lookup('ansible.utils.index_of',[1,2,2],'eq',2)
query('ansible.utils.index_of',[1,2,3],'eq',3)
lookup('ansible.utils.index_of',[1,2,3],'eq',9)
lookup('ansible.utils.index_of',[{'n':'a'},{'n':'b'}],'==','b','n')
lookup('ansible.utils.index_of',[{'n':'a'},{'n':'b'}],'==',value='b',key='n',wantlist=true)
lookup('ansible.utils.index_of',[{'n':'a'},{}],'==','b','n',fail_on_missing=true)
lookup('ansible.utils.validate',{'a':1},{'type':'object','properties':{'a':{'type':'integer'}}})
lookup('ansible.utils.validate',{'a':1},{'type':'object','properties':{'a':{'type':'string'}}})
query('ansible.utils.validate',{'a':1},{'type':'object','properties':{'a':{'type':'string'}}},engine='ansible.utils.jsonschema')
lookup('ansible.utils.validate',{'a':1},{'type':'object'},engine='nope')
lookup('ansible.utils.validate',{'a':1})
"""

def plain(value):
    if isinstance(value, dict): return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)): return [plain(v) for v in value]
    return str(value) if isinstance(value, str) else value

templar = Templar(DataLoader(), variables=VARIABLES)
for line in CASES.strip().splitlines():
    try:
        expected = ["ok", repr([plain(templar.evaluate_expression(trust_as_template(line)))])]
    except Exception as e:
        expected = ["err", f"{type(e).__name__}: {e}"[:300].replace(here, "HERE")]
    print(json.dumps({"source": line, "expected": expected}))
