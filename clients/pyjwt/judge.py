"""Makes tokens, good and bad ones, and asks PyJWT about each.

Prints one JSON object: the public key, and for every token its kind, itself, whether PyJWT accepts it,
and the name of the error otherwise. The virtual proxy that the tokens are sent to has the same rules
as `judge` below. The mutations are the same in every run; the key is a new one.
"""

import base64
import hmac
import json
import random
import sys
import time

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from jwcrypto import jwe, jwk
from jwcrypto.common import json_encode

ALGORITHMS = ["RS256", "RS384", "RS512"]
AUDIENCE = "portal"
ISSUER = "https://issuer.example"
LEEWAY = 60

random.seed(7515)
now = int(time.time())
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
public = key.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
cases = []


def judge(token):
    """What an application would ask that trusts the same issuer."""
    try:
        jwt.decode(
            token,
            public.decode(),
            algorithms=ALGORITHMS,
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY,
            options={"require": ["exp"]},
        )
    except jwt.PyJWTError as error:
        return type(error).__name__
    except Exception as error:  # What it does not foresee is a refusal as well.
        return f"unforeseen {type(error).__name__}"
    return None


def add(kind, token):
    error = judge(token)
    cases.append({"kind": kind, "token": token, "accepted": error is None, "error": error})


def claims(**more):
    all_claims = {
        "userId": "boz",
        "userDirectory": "example",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 3600,
    }
    all_claims.update(more)
    return {name: value for name, value in all_claims.items() if value is not ...}


def good(algorithm="RS256", headers=None, **more):
    return jwt.encode(claims(**more), key, algorithm=algorithm, headers=headers)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header, payload, signer=key, digest=hashes.SHA256):
    """A token of any bytes, signed."""
    text = f"{header if isinstance(header, str) else encode(header)}."
    text += payload if isinstance(payload, str) else encode(payload)
    signature = signer.sign(text.encode(), padding.PKCS1v15(), digest())
    return f"{text}.{encode(signature)}"


HEADER = b'{"alg":"RS256","typ":"JWT"}'


def payload(more=b""):
    return json.dumps(claims()).encode()[:-1] + more + b"}"


def plain_ones():
    texts = ["boz", "zo\u00eb", "\U0001f600", "a;b=c", "x" * 1000, "\u202e", "\\", '"']
    for number in range(150):
        algorithm = random.choice(ALGORITHMS)
        headers = random.choice(
            [None, {"kid": random.choice(texts)}, {"cty": "x"}, {"jku": "https://evil.example"}]
        )
        more = {
            "userId": random.choice(texts),
            "aud": random.choice([AUDIENCE, [AUDIENCE], ["a", AUDIENCE]]),
            "exp": random.choice([now + 3600, now + 3600.5, now - 30, 2**31, 2**40]),
            "nbf": random.choice([..., now, now - 5.5, now + 30]),
            "n": number,
            "extra": random.choice([None, True, -1.5e-7, [1, [2, {"a": {}}]], {"a": {"b": []}}]),
        }
        add("plain", good(algorithm, headers, **more))


def mutated_ones():
    alphabet = "ABCXYZabcxyz0189-_"
    for _ in range(80):
        token = good(n=random.random())
        at = random.randrange(len(token) - 1)
        replaced = token[:at] + random.choice(alphabet) + token[at + 1 :]
        if replaced != token:
            add("another character", replaced)
    for _ in range(40):
        token = good(n=random.random())
        at = random.randrange(len(token))
        add("a character less", token[:at] + token[at + 1 :])
        add("a character more", token[:at] + random.choice(alphabet + "=+/.") + token[at:])
    for _ in range(20):
        token = good(n=random.random())
        add("cut", token[: random.randrange(1, len(token))])
        a, b = good(n=random.random()).split("."), good(userId="anna").split(".")
        add("of two tokens", ".".join(random.choice(pair) for pair in zip(a, b, strict=True)))
    for _ in range(10):
        token = good(n=random.random())
        alphabet64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        last = alphabet64[alphabet64.index(token[-1]) + random.randrange(1, 16)]
        add("loose bits", token[:-1] + last)
        add("padding", token + "==")
        header, body, signature = token.split(".")
        add("padding", signed(header + "=" * (-len(header) % 4 or 4), body))
        add("base64", signed(header, encode(payload(b',"x":"???~~~"')).translate(str.maketrans("-_", "+/"))))


def keys_and_algorithms():
    for algorithm in ALGORITHMS:
        add("another key", jwt.encode(claims(), other, algorithm=algorithm))
    for algorithm in ["PS256", "PS384", "PS512"]:
        add("another algorithm", jwt.encode(claims(), key, algorithm=algorithm))
    curve = ec.generate_private_key(ec.SECP256R1())
    add("another algorithm", jwt.encode(claims(), curve, algorithm="ES256"))
    for name in ["none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "RS1024"]:
        header = json.dumps({"alg": name}).encode()
        add("alg", f"{encode(header)}.{encode(payload())}.")
        add("alg", signed(header, payload()))
    for value in [b"null", b"1", b"[]", b"{}", b'["RS256"]']:
        add("alg", signed(b'{"alg":' + value + b"}", payload()))
    add("alg", signed(b"{}", payload()))
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in [public, public.strip(), der, b""]:
        for name, digest in [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")]:
            text = f"{encode(json.dumps({'alg': name}).encode())}.{encode(payload())}"
            add("HMAC", f"{text}.{encode(hmac.digest(secret, text.encode(), digest))}")
    for digest, name in [(hashes.SHA512, "RS256"), (hashes.SHA256, "RS512")]:
        header = json.dumps({"alg": name}).encode()
        add("another digest", signed(header, payload(), digest=digest))


def times_and_names():
    for exp in [now - 3600, now - 61, 0, -1, -(2**63), True, 1.5]:
        add("past exp", good(exp=exp))
    add("no exp", good(exp=...))
    for value in ["never", None, [], {}, "", float("-inf")]:
        add("exp of a wrong type", signed(HEADER, json.dumps(claims(exp=value)).encode()))
    add("exp as text", good(exp=str(now + 600)))
    for value in [2**63, 2**64, 1e300]:
        add("exp beyond all dates", signed(HEADER, json.dumps(claims(exp=value)).encode()))
    for name in ["nbf", "iat"]:
        for value in [now + 3600, 2**31, 2**62]:
            add(f"{name} ahead", good(**{name: value}))
        for value in ["x", None, [], {}]:
            add(f"{name} of a wrong type", signed(HEADER, json.dumps(claims(**{name: value})).encode()))
        add(f"{name} as text", signed(HEADER, json.dumps(claims(**{name: str(now)})).encode()))
        add(f"negative {name}", good(**{name: -1}))
    for value in [..., "other", "Portal", "portal ", "", [], ["other"], [""], 7, None, {}]:
        add("audience", signed(HEADER, json.dumps(claims(aud=value)).encode()))
    for value in [[AUDIENCE, 7], [7], [None, AUDIENCE], [[AUDIENCE]]]:
        add("mixed audience", signed(HEADER, json.dumps(claims(aud=value)).encode()))
    for value in [..., "other", ISSUER + "/", ISSUER.upper(), "", 7, None, [ISSUER], {}]:
        add("issuer", signed(HEADER, json.dumps(claims(iss=value)).encode()))
    for value in [7, [], {}, None]:
        add("jti", signed(HEADER, json.dumps(claims(jti=value)).encode()))
        add("sub", signed(HEADER, json.dumps(claims(sub=value)).encode()))
    for name in ["userId", "userDirectory"]:
        for value in [..., "", 7, None, [], {}, "a\nb", "x" * 1025]:
            add("user", signed(HEADER, json.dumps(claims(**{name: value})).encode()))


def forms():
    for value in [b"[]", b"null", b"7", b'"x"', b"", b"{", b"{}x"]:
        add("no object", signed(HEADER, value))
    for more in [b',"userId":"admin"', b',"exp":9999999999', b',"a":{"b":1,"b":2}', b',"x":1,"x":1']:
        add("twice", signed(HEADER, payload(more)))
    add("twice", signed(b'{"alg":"none","alg":"RS256"}', payload()))
    for value in [b"NaN", b"Infinity", b"-Infinity"]:
        add("no JSON number", signed(HEADER, payload(b',"x":' + value)))
    for value in [b'"\\u0000"', b'"\\ud800"']:
        add("no text", signed(HEADER, payload(b',"x":' + value)))
    for value in [b'"\xff"', b'"\x00"', b'"\n"', b"01", b"'a'"]:
        add("no JSON", signed(HEADER, payload(b',"x":' + value)))
    add("deep", signed(HEADER, payload(b',"x":' + b"[" * 200 + b"]" * 200)))
    add("byte order mark", signed(HEADER, b"\xef\xbb\xbf" + payload()))
    add("UTF-16", signed(HEADER, payload().decode().encode("utf-16")))
    for more in ['"crit":["exp"]', '"crit":[]', '"crit":"exp"', '"crit":["b64"],"b64":true']:
        add("crit", signed(f'{{"alg":"RS256",{more}}}'.encode(), payload()))
    for more in ['"b64":false', '"b64":true', '"zip":"DEF"', '"enc":"A128GCM"', '"typ":"logout+jwt"']:
        add("header", signed(f'{{"alg":"RS256",{more}}}'.encode(), payload()))
    for value in ["7", "null", "[]", "{}"]:
        add("kid", signed(f'{{"alg":"RS256","kid":{value}}}'.encode(), payload()))
        add("typ", signed(f'{{"alg":"RS256","typ":{value}}}'.encode(), payload()))
    encrypted = jwe.JWE(payload(), json_encode({"alg": "RSA-OAEP-256", "enc": "A256GCM"}))
    encrypted.add_recipient(jwk.JWK.from_pem(public))
    add("encrypted", encrypted.serialize(compact=True))
    nested = jwe.JWE(good(), json_encode({"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT"}))
    nested.add_recipient(jwk.JWK.from_pem(public))
    add("encrypted", nested.serialize(compact=True))
    add("nested", signed(b'{"alg":"RS256","cty":"JWT"}', good().encode()))
    for token in RFC_7515:
        add("RFC 7515", token)


RFC_7515 = [
    # A.1: HS256
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    # A.3: ES256
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    # A.5: unsecured
    "eyJhbGciOiJub25lIn0"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".",
    # Appendix E: crit
    "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0"
    ".RkFJTA"
    ".",
]

plain_ones()
mutated_ones()
keys_and_algorithms()
times_and_names()
forms()
json.dump({"version": jwt.__version__, "publicKey": public.decode(), "cases": cases}, sys.stdout)
