"""An administrator's script: gives a virtual proxy a new key, with qsAPI and the client certificate.

Usage: rotate_key.py HOST:PORT CLIENT.pem PREFIX NEW_PUBLIC_KEY.pem

The key of CLIENT.pem is expected beside it, as CLIENT_key.pem. Prints what it saw as JSON;
qsapi.test.mjs judges it.
"""

import json
import sys

import qsAPI

host, certificate, prefix, key_file = sys.argv[1:]
qrs = qsAPI.QRS(proxy=host, certificate=certificate, user=("INTERNAL", "sa_repository"))

found = qrs.driver.get("/qrs/virtualproxyconfig/full", {"filter": f"prefix eq '{prefix}'"}).json()
(virtual_proxy,) = found
with open(key_file, encoding="ascii") as file:
    virtual_proxy["jwtPublicKeyCertificate"] = file.read()
saved = qrs.driver.put(f"/qrs/virtualproxyconfig/{virtual_proxy['id']}", data=virtual_proxy)

print(
    json.dumps(
        {
            "version": str(qrs.getServerVersion()),
            "count": qrs.count("virtualproxyconfig"),
            "matching": qrs.count("virtualproxyconfig", f"prefix eq '{prefix}'"),
            "saved": saved.status_code,
        }
    )
)
