"""Writes cases.jsonl: what Python's re makes of patterns by hand and at random. Usage: make_cases.py COUNT SEED > cases.jsonl"""
import json, random, re, sys, warnings
warnings.simplefilter("ignore")

HAND = [
    (r"^(\w+)=(.*)$", "a=1\nbc=2\n", "m"), (r"x*", "axb", ""), (r"|a", "a", ""), (r"a|", "aab", ""), (r"(?i)straße|ſ", "STRAßE s", ""),
    (r"(?P<y>\d{4})-(?P<m>\d\d)", "on 2024-05 and 1999-12", ""), (r"(a)|b", "ab", ""), (r"(?<=a)b", "ab cb", ""), (r"(?<!a)b", "ab cb", ""),
    (r"\bfoo\b", "foo food foo", ""), (r"\Bo", "foo o", ""), (r"a\Z", "a\n", ""), (r"a$", "a\n", ""), (r"\Aa", "ba", ""), (r"$", "a\n", ""),
    (r"$", "a\nb\n", "m"), (r"^", "a\nb\n", "m"), (r"(?s).+", "a\nb", ""), (r".+", "a\nb", ""), (r"a{,2}", "aaa", ""), (r"a{2}", "aaaa", ""),
    (r"a{2,}?", "aaaa", ""), (r"a{", "a{", ""), (r"a{}", "a{}", ""), (r"a{,}", "aaa", ""), (r"a{1,x}", "a{1,x}", ""), (r"x{2,1}", "", ""),
    (r"[]a]+", "]a]", ""), (r"[^]a]+", "b]a", ""), (r"[a\-z]+", "a-z", ""), (r"[a-]+", "a-a", ""), (r"[\w.-]+@[\w.-]+", "me@ex-a.org, x", ""),
    (r"[[]", "[", ""), (r"[a&&b]", "&", ""), (r"[\]]", "]", ""), (r"[", "", ""), (r"[a", "", ""), (r"[b-a]", "", ""), (r"[\d-z]", "", ""), (r"[a-\d]", "", ""),
    (r"(", "", ""), (r")", "", ""), (r"(?P<a>x)(?P<a>y)", "", ""), (r"(?P=a)", "", ""), (r"\1", "", ""), (r"(a\1)", "", ""), (r"(?<=a+)b", "", ""),
    (r"*a", "", ""), (r"a**", "", ""), (r"a+*", "", ""), (r"a++", "aaa", ""), (r"a*+a", "aaa", ""), (r"(?>a+)a", "aaa", ""), (r"^*", "", ""), (r"(?:^)*a", "a", ""),
    (r"\q", "", ""), (r"\_", "_", ""), (r"\é", "é", ""), (r"\x4", "", ""), (r"\x41\u00e9\U0001F600", "Aé😀", ""), (r"\07\0", "\x07\0", ""), (r"\101", "A", ""), (r"\400", "", ""),
    (r"(a)(b)?", "a", ""), (r"(a)?(?(1)b|c)", "ab c", ""), (r"(?P<q>')?x(?(q)')", "'x' x", ""), (r"(?(2)a|b)(x)", "", ""), (r"(?x) a b # c" "\n c", "abc", ""),
    (r"(?i:A)b", "ab aB", ""), (r"(?-i:a)B", "aB Ab ab", "i"), (r"a(?i)b", "", ""), (r"(?i)a(?#note)b", "AB", ""), (r"(?z)", "", ""), (r"(?", "", ""), (r"(?<x>a)", "", ""), (r"(?L)a", "", ""),
    (r"\d+", "٣4²", ""), (r"(?a)\d+", "٣4", ""), (r"\w+", "naïve_1 x", ""), (r"(?a)\w+", "naïve", ""), (r"\s+", "a \t\x1c b", ""), (r"[\s\S]", "\n", ""), (r"[^\W\d]+", "ab1c", ""),
    (r"(a|ab)(c|bcd)(d*)", "abcd", ""), (r"(a*)*", "aab", ""), (r"(a*)+", "b", ""), (r"(?:(a)|b)*", "ab", ""), (r"(a|b)*?c", "abc", ""), (r"((a)|(b))*", "abab", ""),
    (r"(?:a|b|c){2,3}?", "abcabc", ""), (r"(.)\1", "aabbc", ""), (r"(?i)(a)\1", "aA", ""), (r"(?=(a+))a*b\1", "aaab", "") , (r"(?!ab)a.", "abac", ""), (r"(?<=(a))b", "ab", ""),
    (r"[a-z]+", "ABC def", "i"), (r"[^a-z]+", "ABC 12", "i"), (r"[é]", "É", "i"), (r"[k]", "\u212a", "i"), (r"\S+\s*=\s*\S+", "k = v; x=y", ""), (r"", "abc", ""), (r"\\", "a\\b", ""),
    (r"^\s*#?\s*PermitRootLogin\b.*$", "x\n#PermitRootLogin yes\n", "m"), (r"(\d+)\.(\d+)(?:\.(\d+))?", "1.2 3.4.5", ""), (r"^v?(.*?)(-rc\d+)?$", "v1.2-rc3", ""), (r"(?m)^.*$\n?", "a\n\nb", ""),
]

def node(r, depth):
    k = r.random()
    if depth <= 0 or k < .45:
        return r.choice(["a", "b", "c", "ab", ".", "[ab]", "[^a]", r"\w", r"\d", "é", r"\b", "^", "$", r"\.", "[a-c1]", r"\s", "1", r"\Z", r"\W", "(?:)", "A"])
    if k < .60: return "(" + alt(r, depth - 1) + ")"
    if k < .66: return "(?:" + alt(r, depth - 1) + ")"
    if k < .70: return r.choice(["(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:"]) + alt(r, depth - 1) + ")"
    if k < .73: return r.choice([r"\1", r"\2", "(?(1)a|b)", "(?P=n)"])
    if k < .75: return "(?P<n>" + alt(r, depth - 1) + ")"
    return node(r, depth - 1) + r.choice(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{,2}", "{2,}?", "*+", "?+", "++"])

def alt(r, depth):
    return "|".join("".join(node(r, depth) for _ in range(r.randint(0 if r.random() < .2 else 1, 3))) for _ in range(r.choice([1, 1, 1, 2])))

def hand_or_random(count, seed):
    yield from HAND
    r = random.Random(seed)
    for _ in range(count):
        yield alt(r, 4), "".join(r.choice("aaabbc1 .é\nA") for _ in range(r.randint(0, 9))), r.choice(["", "", "", "i", "m", "s", "a"])

def result(pattern, text, letters):
    flags = 0
    for letter in letters:
        flags |= {"i": re.I, "m": re.M, "s": re.S, "x": re.X, "a": re.A}[letter]
    try:
        p = re.compile(pattern, flags)
    except re.error as e:
        return {"error": e.msg, "position": e.pos}
    at = lambda m: [[text[:a].encode().__len__(), text[:b].encode().__len__()] if a >= 0 else None for a, b in m.regs]
    full = p.fullmatch(text)
    start = p.match(text)
    return {"all": [at(m) for m in p.finditer(text)], "start": at(start) if start else None, "full": at(full) if full else None, "split": p.split(text)}

if __name__ == "__main__":
    for pattern, text, letters in hand_or_random(int(sys.argv[1]), int(sys.argv[2])):
        print(json.dumps({"pattern": pattern, "text": text, "flags": letters, **result(pattern, text, letters)}, ensure_ascii=False, separators=(",", ":")))
