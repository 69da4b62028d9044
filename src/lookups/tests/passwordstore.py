"""Writes passwordstore.jsonl: what real Ansible's lookup gives with the real `pass`, one expression after the other in
one store. Usage: python passwordstore.py > passwordstore.jsonl   (with ansible-core, community.general, pass and gnupg;
the variable SHEVEK_PASS may name a folder with another `pass`)"""
import json, os, subprocess, tempfile
os.environ["ANSIBLE_DEPRECATION_WARNINGS"] = "0"
here = os.path.dirname(os.path.abspath(__file__))
folder = tempfile.mkdtemp()
store = os.path.join(folder, "store")
os.environ.update(HOME=folder, USER="tester", TMPDIR=folder, GNUPGHOME=os.path.join(folder, "gnupg"), PASSWORD_STORE_DIR=store)
os.mkdir(os.environ["GNUPGHOME"], 0o700)
if os.environ.get("SHEVEK_PASS"):
    os.environ["PATH"] = os.environ["SHEVEK_PASS"] + ":" + os.environ["PATH"]
    os.mkdir(store)
else:
    subprocess.run(["gpg", "--batch", "--passphrase", "", "--quick-gen-key", "tester@example.com", "default", "default", "never"], check=True, capture_output=True)
    subprocess.run(["pass", "init", "tester@example.com"], check=True, capture_output=True)

CASES = r"""
lookup('community.general.passwordstore','a/first create=true userpass=one',timestamp=false)
lookup('community.general.passwordstore','a/second',create=true,userpass='two',timestamp=false)
lookup('community.general.passwordstore','a/second')
query('community.general.passwordstore','a/second','a/first')
lookup('community.general.passwordstore','a/nope')
lookup('community.general.passwordstore','a/nope missing=empty')
query('community.general.passwordstore','a/nope missing=empty')
query('community.general.passwordstore','a/nope missing=warn')
lookup('community.general.passwordstore','a/nope missing=what')
lookup('community.general.passwordstore','a')
lookup('community.general.passwordstore','a/second nope=1')
lookup('community.general.passwordstore','a/second nope')
lookup('community.general.passwordstore','a/second subkey=user',create=true,userpass='bob',timestamp=false)
lookup('community.general.passwordstore','a/second subkey=user')
lookup('community.general.passwordstore','a/second returnall=true')
query('community.general.passwordstore','a/second subkey=nope')
lookup('community.general.passwordstore','a/second subkey=nope missing_subkey=error')
query('community.general.passwordstore','a/second subkey=nope missing_subkey=warn')
lookup('community.general.passwordstore','a/second overwrite=yes userpass=three',timestamp=false)
lookup('community.general.passwordstore','a/second',returnall=true)
lookup('community.general.passwordstore','a/second overwrite=yes userpass=four backup=yes')
lookup('community.general.passwordstore','a/second returnall=yes')|regex_replace('Updated on [0-9/: ]+','WHEN')
lookup('community.general.passwordstore','a/second overwrite=yes userpass=five',preserve=false,timestamp=false)
lookup('community.general.passwordstore','a/second returnall=yes')
lookup('community.general.passwordstore','b subkey=key create=yes userpass=v',timestamp=false)
lookup('community.general.passwordstore','b returnall=yes')
lookup('community.general.passwordstore','b subkey=key')
lookup('community.general.passwordstore','c create=yes length=20')|length
lookup('community.general.passwordstore','c returnall=yes')|regex_replace('[0-9/]+ [0-9:]+','WHEN')|regex_replace('^.{20}','PASSWORD')
lookup('community.general.passwordstore','d create=yes length=30 nosymbols=yes') is match('^[A-Za-z0-9]{30}$')
lookup('community.general.passwordstore','d create=yes length=x')
lookup('community.general.passwordstore','b',directory='/nonexistent')
lookup('community.general.passwordstore','b',umask='99')
lookup('community.general.passwordstore','b',umask='777')
lookup('community.general.passwordstore','b subkey=key',lock='readwrite')
lookup('community.general.passwordstore','b subkey=key',lock='none')
lookup('community.general.passwordstore','b subkey=key',locktimeout='5')
lookup('community.general.passwordstore','b subkey=key',backend='nope')
"""

def plain(value):
    if isinstance(value, dict): return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)): return [plain(v) for v in value]
    return str(value) if isinstance(value, str) else value

def main():
    from ansible.template import Templar, trust_as_template
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader
    init_plugin_loader(os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(":"))
    templar = Templar(DataLoader(), variables={})
    for line in CASES.strip().splitlines():
        try:
            expected = ["ok", repr([plain(templar.evaluate_expression(trust_as_template(line)))])]
        except Exception as e:
            expected = ["err", f"{type(e).__name__}: {e}"[:250].replace(folder, "FOLDER")]
        print(json.dumps({"source": line, "expected": expected}))

main()
