"""Writes dig_answers.jsonl (answers of a name server on loopback, as they came over the wire) and dig.jsonl (what real
Ansible's lookup makes of them). Usage: python dig.py   (with ansible-core, dnspython and community.general)"""
import json, os, socket, threading, warnings
warnings.simplefilter("ignore")
os.environ["ANSIBLE_DEPRECATION_WARNINGS"] = "0"
import dns.message, dns.rcode, dns.rdatatype, dns.rrset, dns.flags
here = os.path.dirname(os.path.abspath(__file__))

ZONE = r"""
a.test. 300 A 192.0.2.1
a.test. 300 A 192.0.2.2
a.test. 300 AAAA 2001:db8::1
v4.test. 300 AAAA ::ffff:192.0.2.1
b.test. 300 CNAME c.test.
c.test. 200 CNAME a.test.
a.test. 300 MX 10 mail.a.test.
a.test. 300 MX 20 mail2.a.test.
a.test. 300 TXT "v=spf1 -all"
a.test. 300 TXT "two" "strings with \" and \\ and \200"
a.test. 300 SPF "v=spf1 -all"
a.test. 300 NS ns1.a.test.
a.test. 300 SOA ns1.a.test. host\.master.a.test. 2026010101 7200 3600 1209600 300
a.test. 300 CAA 0 issue "letsencrypt.org"
a.test. 300 HINFO "PC" "Linux"
a.test. 300 LOC 37 46 30.250 N 122 23 30.000 W 10.00m
loc.test. 300 LOC 37 46 30.250 S 122 23 30.000 E -24.50m 20m 100m 20m
a.test. 300 NAPTR 100 50 "s" "z3950+I2L+I2C" "" _z3950._tcp.a.test.
a.test. 300 RP mbox.a.test. txt.a.test.
_x._tcp.a.test. 300 SRV 10 60 5060 sip.a.test.
a.test. 300 SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789
_443._tcp.a.test. 300 TLSA 3 1 0 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971d2abde240d7cd3ee6b4b
a.test. 300 DS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118
a.test. 300 DNSKEY 256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3Cbl+BBZH4b/0PY1kxkmvHjcZc8nokfzj31GajIQKY+5CptLr3buXA10hWqTkF7H6RfoRqXQeogmMHfpftf6zMv1LyBUgia7za6ZEzOJBOztyvhjL742iU/TpPSEDhm2SNKLijfUppn1UaNvv4w==
a.test. 300 NSEC3PARAM 1 0 12 AABBCCDD
n.test. 300 NSEC3PARAM 1 0 0 -
a.test. 300 RRSIG A 5 3 86400 20300322173103 20030220173103 2642 a.test. oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTrPYGv07h108dUKGMeDPKijVCHX3DDKdfb+v6oB9wfuh3DTJXUAfI/M0zmO/zz8bW0Rznl8O3tGNazPwQKkRN20XPXV6nwwfoXmJQbsLNrLfkGJ5D6fwFm8nN+6pBzeDQfsS3Ap3o=
a.test. 300 DNAME other.test.
5.2.0.192.in-addr.arpa. 300 PTR host.a.test.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 300 PTR six.a.test.
spaced\032name.test. 300 CNAME wei\@rd.test.
mixed.test. 300 CNAME MiXeD.a.test.
"""
BROKEN = {"servfail.test.": dns.rcode.SERVFAIL, "refused.test.": dns.rcode.REFUSED}

def answer(data):
    query = dns.message.from_wire(data)
    question = query.question[0]
    response = dns.message.make_response(query)
    name, seen = question.name, False
    owners = {line.split()[0] for line in ZONE.strip().splitlines()}
    if name.to_text() in BROKEN:
        response.set_rcode(BROKEN[name.to_text()])
        return response.to_wire()
    if name.to_text() not in owners:
        response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()
    for _ in range(5):
        lines = [l.split(None, 3) for l in ZONE.strip().splitlines() if l.split()[0] == name.to_text()]
        wanted = [l for l in lines if l[2] == dns.rdatatype.to_text(question.rdtype)]
        alias = [l for l in lines if l[2] == "CNAME"]
        for l in wanted or alias:
            response.answer.append(dns.rrset.from_text(l[0], int(l[1]), "IN", l[2], l[3]))
        if wanted or not alias:
            break
        name = dns.name.from_text(alias[0][3])
    return response.to_wire()

answers = {}
def serve(sock):
    while True:
        data, peer = sock.recvfrom(65535)
        wire = answer(data)
        question = dns.message.from_wire(data).question[0]
        answers[f"{question.name} {dns.rdatatype.to_text(question.rdtype)}"] = wire.hex()
        sock.sendto(wire, peer)

TYPES = "A AAAA CAA CNAME DNAME DNSKEY DS HINFO LOC MX NAPTR NS NSEC3PARAM PTR RP RRSIG SOA SPF SRV SSHFP TLSA TXT".split()
OPTIONS = ",'@127.0.0.1',port=PORT"
CASES = [f"query('community.general.dig','a.test.'{OPTIONS},qtype='{t}')" for t in TYPES]
CASES += [f"query('community.general.dig','a.test./{t}'{OPTIONS},flat=0)" for t in TYPES]
CASES += [line.replace("OPTIONS", OPTIONS) for line in r"""
lookup('community.general.dig','a.test.'OPTIONS)
lookup('community.general.dig','a.test./TXT'OPTIONS)
query('community.general.dig','a.test.','qtype=mx'OPTIONS)
query('community.general.dig','a.test.','qtype=MX','flat=0'OPTIONS)
query('community.general.dig','a.test./AAAA'OPTIONS)
query('community.general.dig','v4.test./AAAA'OPTIONS)
query('community.general.dig','b.test.'OPTIONS)
query('community.general.dig','b.test.'OPTIONS,flat=0)
query('community.general.dig','b.test./CNAME'OPTIONS)
query('community.general.dig','_x._tcp.a.test./SRV'OPTIONS)
query('community.general.dig','_x._tcp.a.test./SRV'OPTIONS,flat=0)
query('community.general.dig','_443._tcp.a.test./TLSA'OPTIONS)
query('community.general.dig','_443._tcp.a.test./TLSA'OPTIONS,flat=0)
query('community.general.dig','loc.test./LOC'OPTIONS)
query('community.general.dig','loc.test./LOC'OPTIONS,flat=0)
query('community.general.dig','n.test./NSEC3PARAM'OPTIONS)
query('community.general.dig','192.0.2.5/PTR'OPTIONS)
query('community.general.dig','192.0.2.5'OPTIONS,qtype='PTR')
query('community.general.dig','2001:db8::1/PTR'OPTIONS)
query('community.general.dig','5.2.0.192.in-addr.arpa./PTR'OPTIONS)
query('community.general.dig','mixed.test./CNAME'OPTIONS)
query('community.general.dig','nope.test.'OPTIONS)
query('community.general.dig','nope.test.'OPTIONS,real_empty=true)
query('community.general.dig','nope.test.'OPTIONS,fail_on_error=true)
query('community.general.dig','nope.test.','fail_on_error=yes'OPTIONS)
query('community.general.dig','n.test.'OPTIONS)
query('community.general.dig','n.test.'OPTIONS,real_empty=true)
query('community.general.dig','n.test.'OPTIONS,fail_on_error=true)
query('community.general.dig','servfail.test.'OPTIONS)
query('community.general.dig','servfail.test.'OPTIONS,fail_on_error=true)
query('community.general.dig','refused.test.'OPTIONS)
query('community.general.dig','a.test.','v4.test.','nope.test.'OPTIONS)
query('community.general.dig','a.test.'OPTIONS,qtype='NOPE')
query('community.general.dig','a.test.'OPTIONS,class='NOPE')
query('community.general.dig','a.test.'OPTIONS,class='IN')
query('community.general.dig','a..test.'OPTIONS)
query('community.general.dig'OPTIONS)
""".strip().splitlines()]

def plain(value):
    if isinstance(value, dict): return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)): return type(value)(plain(v) for v in value) if type(value) in (list, tuple) else [plain(v) for v in value]
    return str(value) if isinstance(value, str) else value

def main():
    from ansible.template import Templar, trust_as_template
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader
    init_plugin_loader(os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(":"))
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(sock,), daemon=True).start()
    templar = Templar(DataLoader(), variables={})
    with open(os.path.join(here, "dig.jsonl"), "w") as out:
        for line in CASES:
            try:
                value = templar.evaluate_expression(trust_as_template(line.replace("PORT", str(sock.getsockname()[1]))))
                expected = ["ok", repr([plain(value)])]
            except Exception as e:
                expected = ["err", f"{type(e).__name__}: {e}"[:200]]
            out.write(json.dumps({"source": line, "expected": expected}) + "\n")
    with open(os.path.join(here, "dig_answers.jsonl"), "w") as out:
        for question, wire in sorted(answers.items()):
            out.write(json.dumps({"question": question, "wire": wire}) + "\n")

main()
