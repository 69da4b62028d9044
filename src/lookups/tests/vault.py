"""Writes vault.jsonl: what real Ansible's lookups of community.hashi_vault give, against a server on loopback that has
the answers of a Vault in vault_exchanges.json.

Usage: python vault.py > vault.jsonl   (with ansible-core, hvac and community.hashi_vault on ANSIBLE_COLLECTIONS_PATH)

With SHEVEK_BAO=/path/to/bao it first asks a real OpenBao everything and records its answers. What that can't give (LDAP,
JWT, an agent, a failing server) is kept from before: those exchanges say "made".
"""
import http.server, json, os, subprocess, tempfile, threading, time, urllib.error, urllib.request
os.environ["ANSIBLE_DEPRECATION_WARNINGS"] = "0"
for name in ("VAULT_ADDR", "VAULT_TOKEN", "http_proxy", "https_proxy"):
    os.environ.pop(name, None)
here = os.path.dirname(os.path.abspath(__file__))
EXCHANGES = json.load(open(os.path.join(here, "vault_exchanges.json")))

UPSTREAM = None
MADE = [e for e in EXCHANGES if e.get("made")]

def ask(method, path, body=None, token="good", namespace=None):
    """What the real server says: status and answer."""
    headers = {"Content-Type": "application/json"}
    headers.update({"X-Vault-Token": token} if token else {})
    headers.update({"X-Vault-Namespace": namespace} if namespace else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(UPSTREAM + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            status, text = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    return status, json.loads(text) if text else None

def set_up():
    def must(*args, **kwargs):
        status, answer = ask(*args, **kwargs)
        assert status < 300, (args, status, answer)
    secret = {"password": "p4ss{{ x }}", "user": "bob"}
    for data in ({"password": "old"}, {"password": "older"}, secret):
        must("POST", "/v1/secret/data/hello", {"data": data})
    must("POST", "/v1/secret/data/deleted", {"data": {"a": 1}})
    must("DELETE", "/v1/secret/data/deleted")
    must("POST", "/v1/secret/data/forbidden", {"data": {"a": 1}})
    must("POST", "/v1/sys/mounts/kv", {"type": "kv", "options": {"version": "1"}})
    must("POST", "/v1/kv/one", {"Key1": "value1", "Key2": "value2"})
    must("POST", "/v1/sys/mounts/custom/mount", {"type": "kv", "options": {"version": "2"}})
    time.sleep(2)
    must("POST", "/v1/custom/mount/data/a%20b/c", {"data": {"k": 1}})
    must("POST", "/v1/sys/mounts/transit", {"type": "transit"})
    must("POST", "/v1/transit/keys/key")
    policy = 'path "secret/*" { capabilities = ["read", "list"] }\npath "secret/data/forbidden" { capabilities = ["deny"] }'
    must("POST", "/v1/sys/policies/acl/some", {"policy": policy})
    must("POST", "/v1/auth/token/create", {"id": "limited", "policies": ["some"]})
    must("POST", "/v1/sys/auth/userpass", {"type": "userpass"})
    must("POST", "/v1/auth/userpass/users/bob", {"password": "pw", "token_policies": "some"})
    must("POST", "/v1/sys/auth/approle", {"type": "approle"})
    must("POST", "/v1/auth/approle/role/x", {"token_policies": "some"})
    must("POST", "/v1/auth/approle/role/x/role-id", {"role_id": "r"})
    must("POST", "/v1/auth/approle/role/x/custom-secret-id", {"secret_id": "s"})
    must("POST", "/v1/sys/namespaces/team")
    must("POST", "/v1/sys/namespaces/a", namespace="team")
    must("POST", "/v1/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}, namespace="team/a")
    time.sleep(2)
    must("POST", "/v1/secret/data/teams", {"data": {"in": "team a"}}, namespace="team/a")

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        token, namespace = self.headers.get("X-Vault-Token"), self.headers.get("X-Vault-Namespace")
        is_made = any(e["method"] == self.command and e["path"] == self.path for e in MADE)
        if UPSTREAM and not is_made and token != "made":
            status, answer = ask(self.command, self.path, body, token, namespace)
            exchange = {"method": self.command, "path": self.path, "token": token, "namespace": namespace, "body": body,
                        "status": status, "answer": answer}
            exchange = {k: v for k, v in exchange.items() if v is not None}
            same = ("method", "path", "token", "namespace", "body")
            if not any(all(e.get(k) == exchange.get(k) for k in same) for e in EXCHANGES):
                EXCHANGES.append(exchange)
            return self.give(status, answer)
        known = [e for e in EXCHANGES if e["method"] == self.command and e["path"] == self.path
                 and (body or {}).items() >= (e.get("body") or {}).items() and e.get("namespace") == namespace]
        # Reading what isn't there is 404 with a good token, anything without one is 403.
        status, answer = (404, {"errors": []}) if token == "good" else (403, {"errors": ["permission denied"]})
        for exchange in known:
            if exchange.get("token") in (None, token):
                status, answer = exchange["status"], exchange.get("answer")
        self.give(status, answer)

    def give(self, status, answer):
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    do_GET = do_POST = do_PUT = do_LIST = answer
    def log_message(self, *_): pass

CASES = r"""
lookup('community.hashi_vault.hashi_vault','secret=secret/data/hello:password token=good url=URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello token=good url=URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello',token='good',url='URL')
query('community.hashi_vault.hashi_vault','secret/data/hello',token='good',url='URL',return_format='values')
lookup('community.hashi_vault.hashi_vault','secret/data/hello',token='good',url='URL',as='raw')
lookup('community.hashi_vault.hashi_vault','secret/data/hello:nope',token='good',url='URL')
lookup('community.hashi_vault.hashi_vault','secret/data/nope',token='good',url='URL')
lookup('community.hashi_vault.hashi_vault','secret/data/forbidden',token='limited',url='URL')
lookup('community.hashi_vault.hashi_vault','secret/data/broken',token='good',url='URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello',token='bad',url='URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello',token='bad',token_validate=true,url='URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello:user',token='good',token_validate=true,url='URL')
lookup('community.hashi_vault.hashi_vault','kv/one',token='good',url='URL')
lookup('community.hashi_vault.hashi_vault','kv/one:Key2',token='good',url='URL/')
lookup('community.hashi_vault.hashi_vault','secret/data/teams:in',token='good',namespace='team/a',url='URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello:user auth_method=userpass username=bob password=pw url=URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello:user auth_method=userpass username=eve password=pw url=URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello:user auth_method=userpass username=bob url=URL')
lookup('community.hashi_vault.hashi_vault','made/hello:user auth_method=ldap username=bob password=pw url=URL')
lookup('community.hashi_vault.hashi_vault','made/hello:user auth_method=ldap mount_point=corp/ldap username=bob password=pw url=URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello:user auth_method=approle role_id=r secret_id=s url=URL')
lookup('community.hashi_vault.hashi_vault','made/hello:user auth_method=jwt role_id=r jwt=j url=URL')
lookup('community.hashi_vault.hashi_vault','sys/agent auth_method=none url=URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello auth_method=nope url=URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello token=good token=good url=URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello nope url=URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello token=good')
lookup('community.hashi_vault.hashi_vault','secret/data/hello',nope=1,token='good',url='URL')
lookup('community.hashi_vault.hashi_vault','secret/data/hello:user','secret/data/hello:password',token='good',url='URL',wantlist=true)
lookup('community.hashi_vault.hashi_vault','secret/data/hello:user',token='good',url='URL',retries=-1)
lookup('community.hashi_vault.hashi_vault','secret/data/broken',token='good',url='URL',retries=1,retry_action='ignore')
lookup('community.hashi_vault.hashi_vault','secret/data/hello:user',token='good',url='URL',timeout=5,validate_certs=false)
lookup('community.hashi_vault.vault_read','secret/data/hello',token='good',url='URL')
query('community.hashi_vault.vault_read','kv/one','sys/agent',token='good',url='URL')
lookup('community.hashi_vault.vault_read','kv/nope',token='good',url='URL')
lookup('community.hashi_vault.vault_read','secret/data/forbidden',token='limited',url='URL')
lookup('community.hashi_vault.vault_list','secret/metadata',token='good',url='URL')
lookup('community.hashi_vault.vault_list','secret/nope',token='good',url='URL')
lookup('community.hashi_vault.vault_kv1_get','one',token='good',url='URL')
lookup('community.hashi_vault.vault_kv1_get','nope',token='good',url='URL')
lookup('community.hashi_vault.vault_kv1_get','hello',engine_mount_point='secret',token='good',url='URL')
lookup('community.hashi_vault.vault_kv2_get','hello',token='good',url='URL')
lookup('community.hashi_vault.vault_kv2_get','hello',version=1,token='good',url='URL').secret
lookup('community.hashi_vault.vault_kv2_get','hello',version=9,token='good',url='URL')
lookup('community.hashi_vault.vault_kv2_get','a b/c',engine_mount_point='custom/mount',token='good',url='URL')
lookup('community.hashi_vault.vault_kv2_get','deleted',token='good',url='URL')
lookup('community.hashi_vault.vault_login',auth_method='userpass',username='bob',password='pw',url='URL')
lookup('community.hashi_vault.vault_login',auth_method='none',url='URL')
lookup('community.hashi_vault.vault_login',token='good',url='URL')
lookup('community.hashi_vault.vault_login',token='good',token_validate=true,url='URL')
lookup('community.hashi_vault.vault_login',auth_method='approle',role_id='r',secret_id='s',url='URL')|community.hashi_vault.vault_login_token
lookup('community.hashi_vault.vault_write','transit/encrypt/key',data={'plaintext':'aGk='},token='good',url='URL')
lookup('community.hashi_vault.vault_write','kv/new',data={'a':1},token='good',url='URL')
lookup('community.hashi_vault.vault_write','kv/nope',data={'a':1},token='bad',url='URL')
lookup('community.hashi_vault.vault_token_create',ttl='1h',policies=['a','b'],num_uses=2,token='good',url='URL')
lookup('community.hashi_vault.vault_token_create',orphan=true,ttl='1h',token='good',url='URL')
"""

def plain(value):
    if isinstance(value, dict): return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)): return [plain(v) for v in value]
    return str(value) if isinstance(value, str) else value

def main():
    if os.environ.get("SHEVEK_BAO"):
        record()
    for line, expected in run():
        print(json.dumps({"source": line, "expected": expected}))

def record():
    global UPSTREAM
    UPSTREAM = "http://127.0.0.1:18200"
    command = [os.environ["SHEVEK_BAO"], "server", "-dev", "-dev-no-store-token", "-dev-root-token-id=good", "-dev-listen-address=127.0.0.1:18200"]
    with tempfile.TemporaryDirectory() as home:
        server = subprocess.Popen(command, env={"HOME": home, "PATH": os.environ["PATH"]}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                try:
                    ask("GET", "/v1/sys/health")
                    break
                except OSError:
                    time.sleep(0.1)
            time.sleep(2)
            set_up()
            EXCHANGES[:] = MADE
            list(run())
        finally:
            server.terminate()
            server.wait()
    UPSTREAM = None
    with open(os.path.join(here, "vault_exchanges.json"), "w") as out:
        out.write("[\n" + ",\n".join("  " + json.dumps(e) for e in EXCHANGES) + "\n]\n")

def run():
    from ansible.template import Templar, trust_as_template
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader
    init_plugin_loader(os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(":"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    templar = Templar(DataLoader(), variables={})
    for line in CASES.strip().splitlines():
        try:
            value = templar.evaluate_expression(trust_as_template(line.replace("URL", url)))
            expected = ["ok", repr([plain(value)])]
        except Exception as e:
            expected = ["err", f"{type(e).__name__}: {e}"[:300].replace(url, "URL")]
        yield line, expected

if __name__ == "__main__":
    main()
